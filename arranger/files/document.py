"""A piece as events on tracks: the picture of a Standard MIDI File that every format becomes.

Knows raw MIDI messages and which two of them make a note. Does not know bytes on disk, other
formats or ensembles. A channel message is its bytes with the status in full; a meta event is
``FF type payload`` and a system exclusive one ``F0 payload`` (or ``F7 payload``), both without
the length, which follows from the payload.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Event = tuple[int, bytes]
"""The tick, counted from the start of the piece, and the message."""

DRUM_CHANNEL = 9
NOTE_OFF, NOTE_ON, PROGRAM, META = 0x80, 0x90, 0xC0, 0xFF
TEXT, COPYRIGHT, TRACK_NAME, INSTRUMENT, LYRIC, MARKER, CUE = 1, 2, 3, 4, 5, 6, 7
CHANNEL_PREFIX, PORT, END, TEMPO, METER, KEY = 0x20, 0x21, 0x2F, 0x51, 0x58, 0x59


class NoteSpan(NamedTuple):
    """Where a note is: its track, and there the events that start and end it."""

    track: int
    start: int
    end: int


class Pairing(NamedTuple):
    """Which events of a track start and end its notes, in order of the starts."""

    notes: list[tuple[int, int]]
    hanging: list[int]
    """Starts without an end."""
    stray: int
    """Ends without a start."""


@dataclass(frozen=True)
class Document:
    """``tracks`` are in order of time and each closes with an end-of-track event. ``metadata``
    holds what MIDI has no place for: ``title``, ``creators``, ``copyright``, ``collection``.
    """

    resolution: int
    tracks: tuple[tuple[Event, ...], ...]
    notes: tuple[NoteSpan, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)

    def metas(self, kind: int) -> Iterator[tuple[int, bytes]]:
        """Tick and payload of the meta events of one kind, in order of time."""
        head = bytes([META, kind])
        found = [
            (tick, message[2:])
            for events in self.tracks
            for tick, message in events
            if message[:2] == head
        ]
        return iter(sorted(found, key=lambda event: event[0]))

    @property
    def title(self) -> str | None:
        """The title in the metadata, else the name of a first track that holds no notes."""
        if self.metadata.get("title"):
            return str(self.metadata["title"])
        if not self.tracks or (len(self.tracks) > 1 and any(n.track == 0 for n in self.notes)):
            return None
        return track_name(self.tracks[0])


def meta(kind: int, payload: bytes) -> bytes:
    """The message of a meta event."""
    return bytes([META, kind]) + payload


def decoded(payload: bytes) -> str | None:
    """The text of a meta event: UTF-8 where it can be, else Latin-1; None where it is empty."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        text = payload.decode("latin-1")
    return text.strip("\0 \t\r\n") or None


def track_name(events: Iterable[Event]) -> str | None:
    """The first name of the track, else the name of its instrument."""
    fallback = None
    for _, message in events:
        if message[0] == META and message[1] == TRACK_NAME:
            name = decoded(message[2:])
            if name is not None:
                return name
        elif message[0] == META and message[1] == INSTRUMENT and fallback is None:
            fallback = decoded(message[2:])
    return fallback


def pair_notes(events: Iterable[Event]) -> Pairing:
    """Match starts and ends in one track: an end belongs to the earliest open start of its pitch
    on its channel. A note-on of velocity 0 is an end.
    """
    waiting: dict[tuple[int, int], deque[int]] = {}
    end_of: dict[int, int] = {}
    starts: list[int] = []
    stray = 0
    for i, (_, message) in enumerate(events):
        kind = message[0] & 0xF0
        if kind == NOTE_ON and message[2]:
            key = (message[0] & 0x0F, message[1])
            if key in waiting:
                waiting[key].append(i)
            else:
                waiting[key] = deque((i,))
            starts.append(i)
        elif kind in (NOTE_ON, NOTE_OFF):
            queue = waiting.get((message[0] & 0x0F, message[1]))
            if queue:
                end_of[queue.popleft()] = i
            else:
                stray += 1
    notes = [(i, end_of[i]) for i in starts if i in end_of]
    return Pairing(notes, [i for i in starts if i not in end_of], stray)
