"""MusicXML and ABC, read with music21, as a Document.

Knows music21's streams. Repeats are not written out: the notes are those on the page, and a
warning says so. Tied notes become one, grace notes have no length, transposing instruments sound
as they sound, chord symbols make no notes. A first bar that is not full gets a time signature of
its own. Lyrics become lyric events of their track, a hyphen behind those whose word goes on; the
verses of one note follow each other.
"""

from __future__ import annotations

import warnings as silenced
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from math import lcm
from typing import Any, NamedTuple

from ..notes import DEFAULT_VELOCITY, Note
from . import abc_text, music_xml
from .building import DocumentBuilder
from .document import LYRIC, MARKER, TEXT, Document, Event, meta
from .limits import MAX_NOTATED_NOTES, MAX_TICKS
from .score import FileError

_RESOLUTIONS = (480, 3360, 10080)


def decode(data: bytes, suffix: str, name: str) -> tuple[Document, tuple[str, ...]]:
    """The document in a file whose format ``suffix`` tells, and sentences on what was left out."""
    warnings: list[str] = []
    if suffix == ".abc":
        tune, left_out = abc_text.first_tune(data, name)
        if left_out:
            warnings.append(
                f"the file holds {left_out + 1:,} tunes, of which only the first was read"
            )
        parse: Callable[[], Any] = partial(abc_text.stream_of, tune)
    else:
        xml = music_xml.unpacked(data, name) if suffix == ".mxl" else data
        parse = partial(music_xml.stream_of, music_xml.checked(xml, name))
    try:
        with silenced.catch_warnings():
            silenced.simplefilter("ignore")
            score = parse()
            document = _document(score)
            has_repeats = any(True for _ in _found(score, "RepeatMark"))
    except FileError as error:
        raise FileError(f"{name}: {error}") from error
    except Exception as error:  # music21 raises what it likes
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise FileError(f"{name}: its notation cannot be read ({reason})") from error
    if has_repeats:
        warnings.append("repeats are kept as written, not played out")
    return document, tuple(warnings)


class _Sounding(NamedTuple):
    """A note in quarters. ``tie`` is start, stop, continue or none."""

    voice: str
    onset: Fraction
    pitch: int
    duration: Fraction
    velocity: int
    tie: str | None
    lyrics: tuple[str, ...]


class _Line(NamedTuple):
    name: str | None
    program: int | None
    is_drum: bool
    notes: list[_Sounding]


def _document(score: Any) -> Document:
    parts = list(score.parts) or [score]
    lines = [line for part in parts for line in _lines(part)]
    if sum(len(line.notes) for line in lines) > MAX_NOTATED_NOTES:
        raise FileError(f"more than {MAX_NOTATED_NOTES:,} notes, too many to read from notation")
    builder = DocumentBuilder(_resolution(lines), _metadata(score))

    def ticks(quarters: Any) -> int:
        tick = round(Fraction(quarters) * builder.resolution)
        if tick > MAX_TICKS:
            raise FileError(f"a note {quarters} quarters into the piece is too late to be written")
        return tick

    for offset, numerator, denominator in _meters(parts[0]):
        builder.add_meter(ticks(offset), numerator, denominator)
    for offset, key in _first_at_each(_timed(parts[0], "KeySignature")):
        builder.add_key(ticks(offset), key.sharps, getattr(key, "mode", None))
    for offset, mark in _first_at_each(_timed(score, "MetronomeMark")):
        tempo = None if mark.numberImplicit and not mark.numberSounding else mark.getQuarterBPM()
        if tempo is None and mark.numberSounding:
            tempo = mark.numberSounding
        if tempo and tempo > 0:
            builder.add_tempo(ticks(offset), float(tempo))
    for kind, name in ((MARKER, "RehearsalMark"), (TEXT, "TextExpression")):
        for offset, mark in _timed(score, name):
            builder.add_event(ticks(offset), kind, str(mark.content or "").encode())
    for line in lines:
        notes = [
            Note(ticks(note.onset), note.pitch, ticks(note.duration), note.velocity)
            for note in line.notes
        ]
        sung: list[Event] = [
            (ticks(note.onset), meta(LYRIC, text.encode()))
            for note in line.notes
            for text in note.lyrics
        ]
        builder.add_track(line.name, line.program, line.is_drum, notes, sung)
    return builder.document()


def _lines(part: Any) -> Iterator[_Line]:
    """The pitched notes of a part, and its unpitched ones, if there are any."""
    instrument = part.getInstrument(returnDefault=False)
    program = None if instrument is None else instrument.midiProgram
    name = part.partName or (instrument and instrument.partName) or None
    pitched: list[_Sounding] = []
    unpitched: list[_Sounding] = []
    for voice, onset, element in _sounding(part):
        duration = Fraction(0 if element.duration.isGrace else element.duration.quarterLength)
        lyrics = tuple(_lyric(lyric) for lyric in element.lyrics if lyric.text)
        for note in element.notes if element.isChord else (element,):
            is_drum = "Unpitched" in note.classes
            (unpitched if is_drum else pitched).append(
                _Sounding(
                    voice,
                    onset,
                    _drum_pitch(note) if is_drum else note.pitch.midi,
                    duration,
                    max(1, min(127, note.volume.velocity or DEFAULT_VELOCITY)),
                    note.tie.type if note.tie is not None else None,
                    lyrics,
                )
            )
            lyrics = ()
    if pitched or not unpitched:
        yield _Line(name, program, False, _untied(pitched))
    if unpitched:
        yield _Line(name, None, True, _untied(unpitched))


def _sounding(part: Any) -> Iterator[tuple[str, Fraction, Any]]:
    """The notes and chords of a part with their voices and onsets."""
    measures = list(part.getElementsByClass("Measure")) or [part]
    for measure in measures:
        begin = Fraction(0) if measure is part else Fraction(measure.offset)
        for voice in (measure, *measure.getElementsByClass("Voice")):
            start = begin if voice is measure else begin + Fraction(voice.offset)
            name = "1" if voice is measure else str(voice.id)
            for element in voice.notes:
                if "Harmony" not in element.classes:
                    yield name, start + Fraction(element.offset), element


def _untied(notes: list[_Sounding]) -> list[_Sounding]:
    """The notes with tied ones made one; of several that could go on, the one of the voice."""
    merged: list[_Sounding] = []
    open_ties: dict[tuple[int, Fraction], list[int]] = defaultdict(list)
    for note in sorted(notes, key=lambda note: note.onset):
        end = note.onset + note.duration
        waiting = open_ties.get((note.pitch, note.onset))
        if note.tie in {"stop", "continue"} and waiting:
            i = next((i for i in waiting if merged[i].voice == note.voice), waiting[0])
            waiting.remove(i)
            merged[i] = merged[i]._replace(duration=end - merged[i].onset)
        else:
            i = len(merged)
            merged.append(note)
        if note.tie in {"start", "continue"} and note.duration:
            open_ties[note.pitch, end].append(i)
    return merged


def _lyric(lyric: Any) -> str:
    goes_on = lyric.syllabic in {"begin", "middle"}
    return f"{lyric.text}-" if goes_on else str(lyric.text)


def _drum_pitch(note: Any) -> int:
    mapped = getattr(note.storedInstrument, "percMapPitch", None)
    return int(mapped if mapped is not None else note.displayPitch().midi)


def _resolution(lines: Iterable[_Line]) -> int:
    """Ticks a quarter on which all notes lie; a large number where there is none."""
    denominators = {
        time.denominator
        for line in lines
        for note in line.notes
        for time in (note.onset, note.duration)
    }
    needed = lcm(*denominators)
    fits = (resolution for resolution in _RESOLUTIONS if resolution % needed == 0)
    return next(fits, needed if needed <= 0x7FFF else _RESOLUTIONS[-1])


def _meters(part: Any) -> Iterator[tuple[Fraction, int, int]]:
    """The time signatures, and one for each bar that is not as long as they say."""
    measures = list(part.getElementsByClass("Measure"))
    now = shown = (4, 4)
    for i, measure in enumerate(measures):
        begin = Fraction(measure.offset)
        if measure.timeSignature is not None:
            now = (measure.timeSignature.numerator, measure.timeSignature.denominator)
        own = now
        if i + 1 < len(measures):
            length = Fraction(measures[i + 1].offset) - begin
            if length > 0 and length != Fraction(4 * now[0], now[1]):
                own = (length / 4).numerator, (length / 4).denominator
                scale = max(1, now[1] // own[1])
                own = (own[0] * scale, own[1] * scale)
        if own != shown or i == 0:
            yield begin, *own
        shown = own
    if not measures:
        for offset, meter in _timed(part, "TimeSignature"):
            yield offset, meter.numerator, meter.denominator


def _metadata(score: Any) -> dict[str, object]:
    metadata = score.metadata
    if metadata is None:
        return {}
    title = metadata.title or metadata.movementName
    composers = [str(composer) for composer in metadata.composers]
    found = {"title": title, "creators": composers, "copyright": metadata.copyright}
    return {
        key: value if isinstance(value, list) else str(value)
        for key, value in found.items()
        if value
    }


def _timed(stream: Any, name: str) -> list[tuple[Fraction, Any]]:
    """The elements of a class anywhere in a stream, in order of time."""
    elements = [
        (Fraction(element.getOffsetInHierarchy(stream)), element)
        for element in _found(stream, name)
    ]
    return sorted(elements, key=lambda timed: timed[0])


def _found(stream: Any, name: str) -> Iterable[Any]:
    found: Iterable[Any] = stream.recurse().getElementsByClass(name)
    return found


def _first_at_each(timed: list[tuple[Fraction, Any]]) -> Iterator[tuple[Fraction, Any]]:
    last = None
    for offset, element in timed:
        if offset != last:
            yield offset, element
        last = offset
