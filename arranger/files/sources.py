"""The events of a document by what they act on: a channel, the drums, or the whole piece.

Knows which messages are local to a track and in which order they take effect. Does not know
parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .document import (
    CHANNEL_PREFIX,
    CUE,
    DRUM_CHANNEL,
    END,
    INSTRUMENT,
    KEY,
    MARKER,
    META,
    METER,
    NOTE_ON,
    PORT,
    PROGRAM,
    TEMPO,
    TEXT,
    TRACK_NAME,
    Document,
    Event,
    NoteSpan,
    meta,
)

Channel = tuple[int, int]
"""Port and channel."""

Place = tuple[int, int, int, int]
"""Where an event stands among all: tick, half, track and number in the track. Events of one track
keep their order; at one tick, each track gives first what it has up to its last ending note.
"""

PlacedEvent = tuple[Place, bytes]

_LOCAL = frozenset((TRACK_NAME, INSTRUMENT, CHANNEL_PREFIX, PORT, END))
_SCORE_WIDE = frozenset((MARKER, CUE, TEMPO, 0x54, METER, KEY))
_ONCE = frozenset((TEMPO, METER, KEY))


class Sources:
    """``controls`` are the events of each channel that are not notes; ``controlled[c]`` are those
    of control ``c``: channels that play notes and are controlled alike have the same. ``silent``
    are the channels without notes.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._places = _places(document)
        self._drums: dict[int, list[Event]] = {}
        self._melodic: set[int] = set()
        self.controls: dict[Channel, list[PlacedEvent]] = defaultdict(list)
        self._ports = [self._scan(t) for t in range(len(document.tracks))]
        for events in self.controls.values():
            events.sort(key=lambda event: event[0])
        voiced = sorted({self._channel(span) for span in document.notes})
        self.silent = sorted(set(self.controls).difference(voiced))
        self.controlled: list[list[PlacedEvent]] = []
        self._control_of = self._alike(voiced)

    def ends_of(self, span: NoteSpan) -> tuple[int, PlacedEvent, PlacedEvent]:
        """The control of a note's channel, the note's start and its end."""
        t, start, end = span
        events, places = self._document.tracks[t], self._places[t]
        return (
            self._control_of[self._channel(span)],
            (places[start], events[start][1]),
            (places[end], events[end][1]),
        )

    def conductor(self) -> list[Event]:
        """What concerns the whole piece, as a track as long as the piece."""
        found: dict[PlacedEvent | tuple[int, bytes], PlacedEvent] = {}
        for t, events in enumerate(self._document.tracks):
            only_drums = t in self._drums and t not in self._melodic
            empty = t not in self._drums and t not in self._melodic
            for place, (tick, message) in zip(self._places[t], events, strict=True):
                if message[0] < 0xF0:
                    continue
                kind = message[1] if message[0] == META else None
                if kind == TRACK_NAME and empty and t > 0:
                    message = meta(TEXT, message[2:])  # often who made the file
                elif kind in _LOCAL or (only_drums and kind not in _SCORE_WIDE):
                    continue
                key = (tick, message) if kind in _ONCE else (place, message)
                found.setdefault(key, (place, message))
        title = self._title()
        length = max((events[-1][0] for events in self._document.tracks), default=0)
        events_in_order = [(place[0], message) for place, message in sorted(found.values())]
        return [*title, *events_in_order, (length, meta(END, b""))]

    def drums(self) -> list[list[Event]]:
        """The tracks of drums as they were; drums from a track of other notes get their own."""
        tracks = []
        for t, drums in self._drums.items():
            if t in self._melodic:
                head = [(0, meta(TRACK_NAME, b"Drums"))]
                if self._ports[t]:
                    head.append((0, meta(PORT, bytes((self._ports[t],)))))
                tracks.append([*head, *drums, (drums[-1][0], meta(END, b""))])
            else:
                tracks.append(
                    [
                        event
                        for event in self._document.tracks[t]
                        if event[1][0] != META or event[1][1] not in _SCORE_WIDE
                    ]
                )
        return tracks

    def _scan(self, t: int) -> int:
        """Sort the channel events of a track by what they act on; gives the track's port."""
        port = 0
        drums: list[Event] = []
        for place, (tick, message) in zip(self._places[t], self._document.tracks[t], strict=True):
            status = message[0]
            if status == META and message[1] == PORT and len(message) > 2:
                port = message[2]
            elif status < 0xF0 and status & 0x0F == DRUM_CHANNEL:
                drums.append((tick, message))
            elif status < 0xF0:
                self._melodic.add(t)
                if status >= NOTE_ON + 0x10:
                    self.controls[port, status & 0x0F].append((place, message))
        if drums:
            self._drums[t] = drums
        return port

    def _channel(self, span: NoteSpan) -> Channel:
        status = self._document.tracks[span.track][span.start][1][0]
        return self._ports[span.track], status & 0x0F

    def _alike(self, channels: Iterable[Channel]) -> dict[Channel, int]:
        """The control of each channel."""
        known: dict[tuple[tuple[int, bytes], ...], int] = {}
        control_of = {}
        for channel in channels:
            events = [
                event for event in self.controls.get(channel, ()) if event[1][0] & 0xF0 != PROGRAM
            ]
            signature = tuple(
                (place[0], bytes((message[0] & 0xF0,)) + message[1:]) for place, message in events
            )
            if signature not in known:
                known[signature] = len(self.controlled)
                self.controlled.append(events)
            control_of[channel] = known[signature]
        return control_of

    def _title(self) -> list[Event]:
        """The name of the first track, where it is the name of the piece."""
        tracks = self._document.tracks
        if not tracks or (
            len(tracks) > 1 and any(span.track == 0 for span in self._document.notes)
        ):
            return []
        head = meta(TRACK_NAME, b"")
        return [(0, message) for _, message in tracks[0] if message[:2] == head][:1]


def _places(document: Document) -> list[list[Place]]:
    """The place of every event, by track."""
    places: list[list[Place]] = []
    ending: dict[int, set[int]] = defaultdict(set)
    for t, start, end in document.notes:
        events = document.tracks[t]
        if events[start][0] < events[end][0]:
            ending[t].add(end)
    for t, events in enumerate(document.tracks):
        own: list[Place] = []
        half, now = 1, -1
        for i in range(len(events) - 1, -1, -1):
            tick = events[i][0]
            if tick != now:
                half, now = 1, tick
            if i in ending[t]:
                half = 0
            own.append((tick, half, t, i))
        places.append(own[::-1])
    return places
