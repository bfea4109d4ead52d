"""A session as a MIDI file: each part on a track of its own, everything when it was played.

Knows notes that have been played and how MIDI files are built; not sessions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from arranger.clock import Clock
from arranger.ensembles import Ensemble
from arranger.files.building import DocumentBuilder
from arranger.files.midi import encode
from arranger.notes import DEFAULT_VELOCITY, Note, Tempo

from .hearing import Played
from .lineup import CHANNELS

RESOLUTION = 480
_CONTROL, _SUSTAIN = 0xB0, 64


def midi_file(
    played: Iterable[Played],
    pedal: Sequence[tuple[float, int]],
    tempos: Sequence[tuple[float, float]],
    until: float,
) -> bytes:
    """The notes on the tracks of their parts, those of one ensemble after those of another.

    ``pedal`` and ``tempos`` are (second, value); notes that nothing has ended end at ``until``.
    """
    ticks = _tempo_map(tempos)
    clock = Clock(ticks, RESOLUTION)
    notes = [note for note in played if note.part is not None]
    begins = _ticks(clock, [note.onset for note in notes])
    ends = _ticks(clock, [until if note.end is None else note.end for note in notes])
    ensembles: list[Ensemble] = []
    lines: defaultdict[tuple[int, int], list[Note]] = defaultdict(list)
    for note, begin, end in zip(notes, begins, ends, strict=True):
        ensemble = note.lineup.ensemble
        if ensemble not in ensembles:
            ensembles.append(ensemble)
        assert note.part is not None
        velocity = note.velocity or DEFAULT_VELOCITY
        sounding = Note(begin, note.pitch, max(0, end - begin), velocity)
        lines[ensembles.index(ensemble), note.part].append(sounding)
    pressed = list(zip(_ticks(clock, [at for at, _ in pedal]), pedal, strict=True))
    builder = DocumentBuilder(RESOLUTION)
    for tempo in ticks:
        builder.add_tempo(tempo.tick, tempo.quarters)
    tracks = [(e, k) for e, ensemble in enumerate(ensembles) for k in range(len(ensemble))]
    for n, (e, k) in enumerate(tracks):
        control = _CONTROL | CHANNELS[n % len(CHANNELS)]  # the builder gives channels so
        events = [(tick, bytes((control, _SUSTAIN, value))) for tick, (_, value) in pressed]
        part = ensembles[e].parts[k]
        builder.add_track(part.name, part.program, False, lines[e, k], events)
    return encode(RESOLUTION, builder.document().tracks)


def _ticks(clock: Clock, seconds: Sequence[float]) -> list[int]:
    return [max(0, round(tick)) for tick in clock.ticks(seconds).tolist()]


def _tempo_map(tempos: Sequence[tuple[float, float]]) -> list[Tempo]:
    """(second, quarters a minute) as tempos at ticks."""
    found: list[Tempo] = []
    ticks, before, quarters = 0.0, 0.0, tempos[0][1]
    for second, tempo in tempos:
        ticks += (second - before) * quarters / 60.0 * RESOLUTION
        found.append(Tempo(round(ticks), tempo))
        before, quarters = second, tempo
    return found
