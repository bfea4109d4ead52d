"""Making a Document from notes that do not come as MIDI events.

Knows documents. Does not know the formats that the notes come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..notes import Note
from .document import (
    COPYRIGHT,
    DRUM_CHANNEL,
    END,
    KEY,
    METER,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    TEMPO,
    TRACK_NAME,
    Document,
    Event,
    NoteSpan,
    meta,
)


@dataclass
class DocumentBuilder:
    """Collects what a piece holds; ``document`` gives it as events.

    The first track takes what concerns the whole piece. Each further track has a channel of its
    own as long as there are any.
    """

    resolution: int
    metadata: Mapping[str, object] = field(default_factory=dict)
    _conductor: list[Event] = field(default_factory=list)
    _tracks: list[tuple[list[Event], list[Note], int]] = field(default_factory=list)

    def add_event(self, tick: int, kind: int, payload: bytes) -> None:
        """A meta event for the whole piece."""
        self._conductor.append((tick, meta(kind, payload)))

    def add_tempo(self, tick: int, quarters_a_minute: float) -> None:
        microseconds = round(60_000_000 / quarters_a_minute)
        self.add_event(tick, TEMPO, min(max(1, microseconds), 0xFFFFFF).to_bytes(3))

    def add_meter(self, tick: int, numerator: int, denominator: int) -> None:
        """A time signature; one whose denominator MIDI cannot express (3, 6) is left out."""
        power = denominator.bit_length() - 1
        if 1 <= numerator <= 255 and denominator == 1 << power and power <= 7:
            self.add_event(tick, METER, bytes((numerator, power, 24, 8)))

    def add_key(self, tick: int, fifths: int, mode: str | None) -> None:
        """A key signature; one of more than seven sharps or flats is left out."""
        if -7 <= fifths <= 7:
            self.add_event(tick, KEY, bytes((fifths & 0xFF, int(mode == "minor"))))

    def add_track(
        self,
        name: str | None,
        program: int | None,
        is_drum: bool,
        notes: Iterable[Note],
        events: Iterable[Event] = (),
    ) -> None:
        """A line of the piece; ``events`` are meta events that belong to it, such as lyrics."""
        track = len(self._tracks)
        channel = DRUM_CHANNEL if is_drum else (*range(9), *range(10, 16))[track % 15]
        head: list[Event] = []
        if name:
            head.append((0, meta(TRACK_NAME, name.encode())))
        if program is not None:
            head.append((0, bytes((PROGRAM | channel, program))))
        self._tracks.append(([*head, *events], list(notes), channel))

    def document(self) -> Document:
        """The piece as events."""
        head: list[Event] = []
        for key, kind in (("title", TRACK_NAME), ("copyright", COPYRIGHT)):
            if self.metadata.get(key):
                head.append((0, meta(kind, str(self.metadata[key]).encode())))
        tracks = [_closed(sorted([*head, *self._conductor], key=lambda event: event[0]))]
        spans: list[NoteSpan] = []
        for events, notes, channel in self._tracks:
            track, found = _track(events, notes, channel)
            spans += [NoteSpan(len(tracks), *span) for span in found]
            tracks.append(track)
        return Document(self.resolution, tuple(tracks), tuple(spans), self.metadata)


def _closed(events: list[Event]) -> tuple[Event, ...]:
    return (*events, (events[-1][0] if events else 0, meta(END, b"")))


def _track(
    events: list[Event], notes: list[Note], channel: int
) -> tuple[tuple[Event, ...], list[tuple[int, int]]]:
    """All in order of time, where notes end before others start; and the place of each note."""
    entries: list[tuple[int, int, int, bytes]] = [
        (tick, 1, -1, message) for tick, message in events
    ]
    for i, (onset, pitch, duration, velocity) in enumerate(notes):
        on = bytes((NOTE_ON | channel, pitch, velocity))
        off = bytes((NOTE_OFF | channel, pitch, 64))
        entries.append((onset, 2, 2 * i, on))
        entries.append((onset + duration, 0 if duration else 2, 2 * i + 1, off))
    entries.sort(key=lambda entry: entry[:3])
    place = {entry[2]: i for i, entry in enumerate(entries) if entry[2] >= 0}
    spans = [(place[2 * i], place[2 * i + 1]) for i in range(len(notes))]
    return _closed([(entry[0], entry[3]) for entry in entries]), sorted(spans)
