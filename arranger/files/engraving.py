"""An arranged score as MusicXML.

Knows how music stands on a page: a staff for each part, voices where notes of different lengths
sound together, ties over bar lines, spelling by the key. Times are shown in readable values
(see ``rhythm``); no note is left out, and notes of no length become grace notes. Lyrics go to
the note of their source track that starts with them, else to the highest that does. Drums get
staves of their own. Controllers and the like have no place here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from ..arrangement import Arrangement
from ..notes import Meter
from .document import KEY, LYRIC, META, TEMPO, NoteSpan, decoded
from .limits import MAX_NOTATED_BARS
from .parts import checked_parts
from .rhythm import UNITS, Bar, PageError, bars, readable_times
from .score import FileError, Score
from .spelling import Key
from .staves import Lyric, PageNote, Staff, staff_bars

_UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" \
"http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
"""


def encode(score: Score, arrangement: Arrangement, name: str) -> bytes:
    """The MusicXML of the score; FileError, naming the file, where no page could hold it."""
    try:
        return _encoded(score, arrangement)
    except PageError as error:
        raise FileError(f"{name}: {error} to be written as a score") from error


def _encoded(score: Score, arrangement: Arrangement) -> bytes:
    page = _page(score)
    staves = _staves(score, arrangement, page)
    document = score.document
    text = [_HEAD]
    if document.title:
        text.append(f"<work><work-title>{clean(document.title)}</work-title></work>\n")
    text.append("<identification>")
    creators = document.metadata.get("creators")
    for creator in creators if isinstance(creators, list) else []:
        text.append(f'<creator type="composer">{clean(str(creator))}</creator>')
    text.append(
        "<encoding><software>Arranger</software></encoding></identification>\n<part-list>\n"
    )
    for number, staff in enumerate(staves, 1):
        text.append(_listed(number, staff))
    text.append("</part-list>\n")
    for number, staff in enumerate(staves, 1):
        text.append(f'<part id="P{number}">\n')
        text += staff_bars(staff, page.bars, page.keys, page.tempos if number == 1 else {}, number)
        text.append("</part>\n")
    text.append("</score-partwise>\n")
    return "".join(text).encode()


def clean(text: str) -> str:
    """``text`` as XML may hold it."""
    return escape(_UNPRINTABLE.sub("", text))


@dataclass(frozen=True)
class _Page:
    """What all staves share. ``keys`` and ``tempos`` are by bar; a tempo comes with its place."""

    bars: list[Bar]
    unit_of: dict[int, int]
    keys: dict[int, Key]
    tempos: dict[int, list[tuple[int, float]]] = field(default_factory=dict)


def _page(score: Score) -> _Page:
    document, resolution = score.document, score.notes.resolution
    ticks = {meter.tick for meter in score.notes.meters}
    for span in document.notes:
        ticks.update(_ticks(score, span))
    unit_of = readable_times(ticks, resolution)
    meters: dict[int, Meter] = {unit_of[m.tick]: m for m in score.notes.meters}
    end = max((_shown(unit_of, *_ticks(score, span))[1] for span in document.notes), default=0)
    found = bars(sorted(meters.items()), end, MAX_NOTATED_BARS)
    starts = [bar.start for bar in found]
    keys = {}
    for tick, payload in document.metas(KEY):
        if len(payload) >= 2:
            i = bisect_right(starts, tick * UNITS // resolution) - 1
            keys[i] = Key(
                max(-7, min(7, int.from_bytes(payload[:1], signed=True))), payload[1] == 1
            )
    keys.setdefault(0, Key(0, False))
    tempos: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for tick, payload in document.metas(TEMPO):
        unit = tick * UNITS // resolution
        i = bisect_right(starts, unit) - 1
        if any(payload) and unit <= end:
            tempos[i].append((unit - starts[i], round(6e7 / int.from_bytes(payload), 3)))
    return _Page(found, unit_of, keys, tempos)


def _ticks(score: Score, span: NoteSpan) -> tuple[int, int]:
    """The ticks at which a note starts and ends."""
    events = score.document.tracks[span.track]
    return events[span.start][0], events[span.end][0]


def _shown(unit_of: dict[int, int], start: int, end: int) -> tuple[int, int]:
    """The units from and to which a note is shown: a short one lasts a 32nd, for only a note of
    no length is a grace note.
    """
    onset, offset = unit_of[start], unit_of[end]
    return onset, offset if offset > onset or start == end else onset + UNITS // 8


def _staves(score: Score, arrangement: Arrangement, page: _Page) -> list[Staff]:
    """A staff for each part, and for each track of drums."""
    document = score.document
    staves = [Staff(part.name, part.program, False, []) for part in arrangement.ensemble.parts]
    drums: dict[int, Staff] = {}
    part_of = dict(zip(score.handle.tolist(), checked_parts(score, arrangement), strict=True))
    lyrics = _lyrics(score)
    for handle, span in enumerate(document.notes):
        pitch = document.tracks[span.track][span.start][1][1]
        onset, offset = _shown(page.unit_of, *_ticks(score, span))
        note = PageNote(onset, offset, pitch, lyrics.get(handle, ()))
        if handle in part_of:
            staves[part_of[handle]].notes.append(note)
        else:
            drums.setdefault(span.track, Staff("Drums", 0, True, [])).notes.append(note)
    return [*staves, *drums.values()]


def _lyrics(score: Score) -> dict[int, tuple[Lyric, ...]]:
    """The lyrics of each note, by its handle, the first verse first."""
    document = score.document
    starting: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for handle in score.handle.tolist():
        span = document.notes[handle]
        tick, message = document.tracks[span.track][span.start]
        starting[tick].append((span.track, message[1], handle))
    lyrics: dict[int, list[Lyric]] = defaultdict(list)
    open_words: set[tuple[int, int]] = set()
    for t, tick, text in _sung(score):
        candidates = starting.get(tick)
        if not candidates:
            continue
        handle = max(candidates, key=lambda note: (note[0] == t, note[1]))[2]
        verse = (t, len(lyrics[handle]))
        begins, goes_on = verse not in open_words, text.endswith("-")
        (open_words.add if goes_on else open_words.discard)(verse)
        syllabic = ("begin" if begins else "middle") if goes_on else "single" if begins else "end"
        lyrics[handle].append(Lyric(clean(text.rstrip("-")), syllabic))
    return {handle: tuple(found) for handle, found in lyrics.items()}


def _sung(score: Score) -> Iterator[tuple[int, int, str]]:
    """Track, tick and text of the lyrics, in order of time within each track."""
    for t, events in enumerate(score.document.tracks):
        for tick, message in events:
            if message[0] == META and message[1] == LYRIC:
                text = decoded(message[2:])
                if text:
                    yield t, tick, text


def _listed(number: int, staff: Staff) -> str:
    """The entry of a staff in the list of parts."""
    name = clean(staff.name)
    out = [f'<score-part id="P{number}"><part-name>{name}</part-name>\n']
    pitches = sorted({note.pitch for note in staff.notes}) if staff.is_drum else [0]
    for pitch in pitches:
        out.append(
            f'<score-instrument id="P{number}-I{pitch + 1}">'
            f"<instrument-name>{name}</instrument-name></score-instrument>\n"
        )
    for pitch in pitches:
        out.append(f'<midi-instrument id="P{number}-I{pitch + 1}">')
        if staff.is_drum:
            out.append(
                f"<midi-channel>10</midi-channel><midi-unpitched>{pitch + 1}</midi-unpitched>"
            )
        else:
            channel = (*range(1, 10), *range(11, 17))[(number - 1) % 15]
            out.append(f"<midi-channel>{channel}</midi-channel>")
            out.append(f"<midi-program>{staff.program + 1}</midi-program>")
        out.append("</midi-instrument>\n")
    return "".join([*out, "</score-part>\n"])
