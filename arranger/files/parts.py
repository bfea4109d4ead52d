"""An arranged score as MIDI tracks: each note in the track of its part, all else kept.

Knows how channels and tracks are shared out. Does not know bytes on disk.

The first track holds what concerns the whole piece: tempo, meter, key, lyrics, markers, text and
system exclusive messages of all tracks. Then comes one track a part, named after it, with the
part's program and a channel of its own (never channel 10), and then the drums as they were.
Controllers, bends and aftertouch reach every part that has notes of their channel; a part whose
notes come from channels that are controlled differently gets a further channel, in the same
track, for each. So does a part with two notes of one pitch of which the first ends last: on one
channel nothing would tell which of them ends. Where the fifteen channels are used up, such notes
go to a second track of the same name on the part's own channel. More than fifteen parts use
further MIDI ports. Program changes and track names of the source give way to the parts'.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np

from ..arrangement import Arrangement
from ..ensembles import Part
from .document import END, PORT, PROGRAM, TRACK_NAME, Event, meta
from .score import Score
from .sources import Place, PlacedEvent, Sources

_CHANNELS = (*range(9), *range(10, 16))
_FIRST: Place = (-1, 0, 0, 0)
"""Before any event of the source."""


class _Strand(NamedTuple):
    """Notes that one channel can hold: those of a part whose channels are controlled alike, less
    those that would be taken for each other.
    """

    part: int
    control: int
    lane: int


_Strands = dict[_Strand, list[tuple[PlacedEvent, PlacedEvent]]]
"""The start and end of each note of a strand."""


@dataclass(frozen=True)
class _Line:
    """A track to be: the strands in it and the channel of each. ``sent`` is the control that
    another track has already sent on its channel.
    """

    part: int
    port: int
    channels: dict[_Strand, int]
    sent: int | None = None


def arranged_tracks(score: Score, arrangement: Arrangement) -> list[list[Event]]:
    """The tracks of ``score`` with its notes given to the parts of ``arrangement``."""
    parts = checked_parts(score, arrangement)
    ensemble = arrangement.ensemble.parts
    sources = Sources(score.document)
    strands = _strands(score, parts, sources)
    lines, free = _lines(len(ensemble), strands)
    tracks = [sources.conductor()]
    for line in lines:
        tracks.append(_part_track(line, ensemble[line.part], strands, sources, len(ensemble) > 15))
    tracks += sources.drums()
    slots = _further_slots(free, len(ensemble))
    for channel in sources.silent:
        port, number = next(slots)
        events = [
            (place, _on_channel(message, number)) for place, message in sources.controls[channel]
        ]
        tracks.append(_closed([*(_port(port) if port else ()), *events]))
    return tracks


def checked_parts(score: Score, arrangement: Arrangement) -> list[int]:
    """The part of each note; ValueError where the arrangement is not one of this score."""
    parts: list[int] = np.asarray(arrangement.parts).tolist()
    if len(parts) != len(score.notes):
        raise ValueError(f"an arrangement of {len(parts)} notes, expected {len(score.notes)}")
    if parts and not 0 <= min(parts) <= max(parts) < len(arrangement.ensemble):
        raise ValueError(
            f"parts {min(parts)}..{max(parts)} in the arrangement, "
            f"expected 0..{len(arrangement.ensemble) - 1}"
        )
    return parts


def _strands(score: Score, parts: list[int], sources: Sources) -> _Strands:
    """The notes by the strand that takes them."""
    spans = score.document.notes
    notes = [
        (part, *sources.ends_of(spans[handle]))
        for part, handle in zip(parts, score.handle.tolist(), strict=True)
    ]
    strands: _Strands = defaultdict(list)
    last_end: dict[tuple[int, int, int], list[Place]] = defaultdict(list)
    for part, control, start, end in sorted(notes, key=lambda note: note[2][0]):
        lanes = last_end[part, control, start[1][1]]
        # Ends are read in the order of starts, so within a lane they must come in that order.
        # The last ends of the lanes fall from lane to lane.
        lane = bisect_left(lanes, True, key=lambda last: last < end[0])
        lanes[lane : lane + 1] = [end[0]]
        strands[_Strand(part, control, lane)].append((start, end))
    return strands


def _lines(parts: int, strands: _Strands) -> tuple[list[_Line], list[tuple[int, int]]]:
    """Share out the channels: one for each part, then for the strands with most notes.

    Returns the tracks to be and the slots (port and channel) that stay free.
    """
    lines = [_Line(k, k // 15, {}) for k in range(parts)]
    free = [
        (port, channel)
        for port in range((parts + 14) // 15)
        for channel in _CHANNELS[max(0, min(15, parts - 15 * port)) :]
    ]
    further: list[_Line] = []
    for strand in sorted(strands, key=lambda s: (s.lane, -len(strands[s]), s)):
        line = lines[strand.part]
        own = _CHANNELS[strand.part % 15]
        main = next(iter(line.channels), strand)
        slot = next((slot for slot in free if slot[0] == line.port), None)
        if not line.channels:
            line.channels[strand] = own
        elif slot is not None:
            free.remove(slot)
            line.channels[strand] = slot[1]
        else:
            further.append(_Line(strand.part, line.port, {strand: own}, main.control))
    return lines + sorted(further, key=lambda line: line.part), free


def _part_track(
    line: _Line,
    part: Part,
    strands: _Strands,
    sources: Sources,
    ports: bool,
) -> list[Event]:
    entries: list[PlacedEvent] = [(_FIRST, meta(TRACK_NAME, part.name.encode()))]
    if ports:
        entries += _port(line.port)
    for channel in line.channels.values() or _CHANNELS[line.part % 15 :][:1]:
        entries.append((_FIRST, bytes((PROGRAM | channel, part.program))))
    for strand, channel in line.channels.items():
        events = sources.controlled[strand.control] if strand.control != line.sent else []
        entries += [(place, _on_channel(message, channel)) for place, message in events]
        for note in strands[strand]:
            entries += [(place, _on_channel(message, channel)) for place, message in note]
    entries.sort(key=lambda entry: entry[0])
    return _closed(entries)


def _further_slots(free: list[tuple[int, int]], parts: int) -> Iterator[tuple[int, int]]:
    """Slots for channels without notes: the free ones, then those of ports not used so far."""
    yield from free
    for port in count((parts + 14) // 15):
        for channel in _CHANNELS:
            yield port, channel


def _port(port: int) -> list[PlacedEvent]:
    if port > 127:
        raise ValueError("more parts and channels than 128 MIDI ports have")
    return [(_FIRST, meta(PORT, bytes((port,))))]


def _on_channel(message: bytes, channel: int) -> bytes:
    return bytes((message[0] & 0xF0 | channel,)) + message[1:]


def _closed(entries: list[PlacedEvent]) -> list[Event]:
    events = [(max(0, place[0]), message) for place, message in entries]
    return [*events, (events[-1][0], meta(END, b""))]
