"""One staff of a page as the bars of a MusicXML part.

Knows voices, chords, ties and accidentals. Does not know scores or files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .limits import MAX_SYMBOLS, MAX_VOICES
from .rhythm import UNITS, Bar, PageError, Value, beams, note_values
from .spelling import ACCIDENTALS, Key, spelled


class Lyric(NamedTuple):
    text: str
    syllabic: str


class PageNote(NamedTuple):
    """A note in units; equal onset and offset make a grace note."""

    onset: int
    offset: int
    pitch: int
    lyrics: tuple[Lyric, ...] = ()


class Staff(NamedTuple):
    name: str
    program: int
    is_drum: bool
    notes: list[PageNote]


@dataclass
class _Symbol:
    """A chord, or a rest (no notes), with one value; ``start`` counts from the bar."""

    start: int
    value: Value
    notes: Sequence[PageNote]
    tied_from: bool
    tied_to: bool
    is_grace: bool = False
    beams: Sequence[str] = ()
    tuplet: str = ""


_Voices = dict[int, list[_Symbol]]


def staff_bars(
    staff: Staff,
    bars: Sequence[Bar],
    keys: Mapping[int, Key],
    tempos: Mapping[int, Sequence[tuple[int, float]]],
    number: int,
) -> Iterator[str]:
    """The bars as XML. ``keys`` and ``tempos`` are by bar; ``number`` is that of the part."""
    content = _content(staff, bars)
    first = 0 if bars[0].is_pickup else 1
    key, shown_tempo = keys[0], 0.0
    for i, bar in enumerate(bars):
        implicit = ' implicit="yes"' if bar.is_pickup else ""
        yield f'<measure number="{i + first}"{implicit}>\n'
        yield _attributes(staff, bar, keys.get(i), is_first=i == 0)
        key = keys.get(i, key)
        for offset, tempo in tempos.get(i, ()):
            is_shown = abs(tempo - shown_tempo) > 0.1 * shown_tempo
            shown_tempo = tempo if is_shown else shown_tempo
            yield _direction(offset, tempo, is_shown)
        voices = content.get(i, {})
        for voice in sorted({1, *voices}):
            voices[voice] = _filled(voices.get(voice, []), bar)
        accidentals = _accidentals(voices, key)
        for voice in sorted(voices):
            if voice > 1:
                yield f"<backup><duration>{bar.length}</duration></backup>\n"
            for symbol in voices[voice]:
                yield from _symbol(symbol, voice, key, accidentals, staff.is_drum, number)
        yield "</measure>\n"


def _content(staff: Staff, bars: Sequence[Bar]) -> dict[int, _Voices]:
    """The chords of each bar and voice: notes alike in time share a chord; a chord goes to the
    first voice that is free.
    """
    chords: dict[tuple[int, int], list[PageNote]] = defaultdict(list)
    for note in staff.notes:
        chords[note.onset, note.offset].append(note)
    starts = [bar.start for bar in bars]
    content: dict[int, _Voices] = defaultdict(lambda: defaultdict(list))
    free_from: list[int] = []
    symbols = 0
    for (onset, offset), notes in sorted(
        chords.items(), key=lambda c: (c[0][0], c[0][1] > c[0][0], -max(n.pitch for n in c[1]))
    ):
        notes.sort(key=lambda note: note.pitch)
        voice = next((v for v, free in enumerate(free_from) if free <= onset), len(free_from))
        if voice == MAX_VOICES:
            raise PageError(f"{staff.name} has more than {MAX_VOICES} notes at once, too many")
        free_from[voice : voice + 1] = [offset]
        i = min(bisect_right(starts, onset), len(bars)) - 1
        if onset == offset:
            grace = _Symbol(onset - starts[i], Value(0, "eighth"), notes, False, False, True)
            content[i][voice + 1].append(grace)
            continue
        position = onset
        while position < offset:
            stop = min(offset, starts[i] + bars[i].length)
            for value in note_values(position - starts[i], stop - position):
                until = position + value.length
                content[i][voice + 1].append(
                    _Symbol(position - starts[i], value, notes, position > onset, until < offset)
                )
                position = until
            i += 1
            symbols += len(notes)
        if symbols > MAX_SYMBOLS:
            raise PageError(f"{staff.name} has notes tied over too many bars")
    return content


def _filled(symbols: list[_Symbol], bar: Bar) -> list[_Symbol]:
    """The symbols of a voice with rests between them, with beams and tuplets."""
    filled: list[_Symbol] = []
    position = 0
    for symbol in symbols:
        filled += _rests(position, symbol.start)
        filled.append(symbol)
        position = symbol.start + symbol.value.length
    if filled or not bar.is_full:
        filled += _rests(position, bar.length)
    else:
        filled.append(_Symbol(0, Value(bar.length, ""), (), False, False))
    timed = [symbol for symbol in filled if not symbol.is_grace]
    values = [symbol.value if symbol.notes else None for symbol in timed]
    for symbol, marks in zip(
        timed, beams([symbol.start for symbol in timed], values, bar.beat), strict=True
    ):
        symbol.beams = marks
    for run in _tuplets(timed):
        run[0].tuplet, run[-1].tuplet = "start", "stop"
    return filled


def _tuplets(symbols: Iterable[_Symbol]) -> Iterator[list[_Symbol]]:
    """The symbols that stand under one bracket: at most a quarter, at least two."""
    run: list[_Symbol] = []
    for symbol in symbols:
        if run and run[0].value.actual != symbol.value.actual:
            if len(run) > 1:
                yield run
            run = []
        if symbol.value.actual > 1:
            run.append(symbol)
            if (symbol.start + symbol.value.length) % UNITS == 0:
                if len(run) > 1:
                    yield run
                run = []
    if len(run) > 1:
        yield run


def _rests(start: int, stop: int) -> Iterator[_Symbol]:
    for value in note_values(start, stop - start):
        yield _Symbol(start, value, (), False, False)
        start += value.length


def _accidentals(voices: _Voices, key: Key) -> dict[tuple[int, int], str]:
    """The accidental of each note that needs one, by the identity of its symbol and its pitch."""
    in_key = key.alterations
    now: dict[tuple[str, int], int] = {}
    found = {}
    symbols = [symbol for voice in voices.values() for symbol in voice]
    for symbol in sorted(symbols, key=lambda s: (s.start, not s.is_grace)):
        for note in symbol.notes:
            step, alter, octave = spelled(note.pitch, key.fifths)
            if not symbol.tied_from and now.get((step, octave), in_key[step]) != alter:
                found[id(symbol), note.pitch] = ACCIDENTALS[alter]
                now[step, octave] = alter
    return found


def _symbol(
    symbol: _Symbol,
    voice: int,
    key: Key,
    accidentals: Mapping[tuple[int, int], str],
    is_drum: bool,
    number: int,
) -> Iterator[str]:
    """The notes of a chord, or a rest."""
    value = symbol.value
    timing = "" if symbol.is_grace else f"<duration>{value.length}</duration>"
    shape = f"<type>{value.type}</type>" + "<dot/>" * value.dots if value.type else ""
    modification = (
        f"<time-modification><actual-notes>{value.actual}</actual-notes>"
        f"<normal-notes>{value.normal}</normal-notes></time-modification>"
        if value.actual > 1
        else ""
    )
    bracket = f'<tuplet type="{symbol.tuplet}"/>' if symbol.tuplet else ""
    beam = "".join(f'<beam number="{i}">{mark}</beam>' for i, mark in enumerate(symbol.beams, 1))
    if not symbol.notes:
        rest = "<rest/>" if value.type else '<rest measure="yes"/>'
        notations = f"<notations>{bracket}</notations>" if bracket else ""
        yield (
            f"<note>{rest}{timing}<voice>{voice}</voice>{shape}{modification}{notations}</note>\n"
        )
    ties = ["stop"] * symbol.tied_from + ["start"] * symbol.tied_to
    tie = "".join(f'<tie type="{kind}"/>' for kind in ties)
    tied = "".join(f'<tied type="{kind}"/>' for kind in ties)
    for i, note in enumerate(symbol.notes):
        step, alter, octave = spelled(note.pitch, 0 if is_drum else key.fifths)
        out = ["<note>", "<grace/>" * symbol.is_grace, "<chord/>" * (i > 0)]
        if is_drum:
            out.append(f"<unpitched><display-step>{step}</display-step>")
            out.append(f"<display-octave>{octave}</display-octave></unpitched>")
        else:
            out.append(f"<pitch><step>{step}</step>" + f"<alter>{alter}</alter>" * (alter != 0))
            out.append(f"<octave>{octave}</octave></pitch>")
        out += [timing, tie]
        if is_drum:
            out.append(f'<instrument id="P{number}-I{note.pitch + 1}"/>')
        out += [f"<voice>{voice}</voice>", shape]
        twin = i > 0 and symbol.notes[i - 1].pitch == note.pitch
        accidental = accidentals.get((id(symbol), note.pitch))
        if accidental and not twin and not is_drum:
            out.append(f"<accidental>{accidental}</accidental>")
        out += [modification, beam * (i == 0)]
        notations = tied + bracket * (i == 0)
        out.append(f"<notations>{notations}</notations>" * bool(notations))
        for verse, lyric in enumerate(() if symbol.tied_from else note.lyrics, 1):
            out.append(f'<lyric number="{verse}"><syllabic>{lyric.syllabic}</syllabic>')
            out.append(f"<text>{lyric.text}</text></lyric>")
        yield "".join([*out, "</note>\n"])


def _attributes(staff: Staff, bar: Bar, key: Key | None, is_first: bool) -> str:
    """Divisions, key, time and clef, where they begin or change."""
    out = [f"<divisions>{UNITS}</divisions>"] if is_first else []
    if key is not None:
        mode = "minor" if key.is_minor else "major"
        out.append(f"<key><fifths>{key.fifths}</fifths><mode>{mode}</mode></key>")
    if bar.meter is not None:
        beats, unit = bar.meter
        out.append(f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>")
    if is_first:
        out.append(_clef(staff))
    return f"<attributes>{''.join(out)}</attributes>\n" if out else ""


def _clef(staff: Staff) -> str:
    """Percussion for drums; else by how high the notes lie, with the alto clef for violas."""
    pitches = [note.pitch for note in staff.notes]
    if staff.is_drum:
        return "<clef><sign>percussion</sign></clef>"
    if staff.program == 41:
        return "<clef><sign>C</sign><line>3</line></clef>"
    if pitches and sum(pitches) / len(pitches) < 58:
        return "<clef><sign>F</sign><line>4</line></clef>"
    return "<clef><sign>G</sign><line>2</line></clef>"


def _direction(offset: int, tempo: float, is_shown: bool) -> str:
    """A tempo ``offset`` units into the bar; small changes sound but are not shown."""
    hidden = "" if is_shown else ' print-object="no"'
    return (
        f'<direction placement="above"><direction-type><metronome{hidden}>'
        f"<beat-unit>quarter</beat-unit><per-minute>{tempo:g}</per-minute></metronome>"
        f'</direction-type><offset>{offset}</offset><sound tempo="{tempo:g}"/></direction>\n'
    )
