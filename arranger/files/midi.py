"""Standard MIDI Files: bytes to a Document, and events to bytes.

Knows the file format and how to save what a damaged file still holds. Does not know scores.
Formats 0 and 1 are read; format 2 (independent patterns) and SMPTE time (no quarter notes) are
refused. Reading stops at the first event of a track that makes no sense and goes on with the
next track; starts without an end are closed at the end of their track.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .document import END, Document, Event, NoteSpan, meta, pair_notes
from .limits import MAX_EVENTS, MAX_MIDI_BYTES, MAX_MIDI_TRACKS, MAX_NOTES, MAX_TICKS
from .score import FileError

_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_END_OF_TRACK = meta(END, b"")


def decode(data: bytes, name: str) -> tuple[Document, tuple[str, ...]]:
    """The document in ``data``, and sentences on what was repaired or lost.

    Raises FileError, with ``name`` in it, where nothing can be used.
    """
    resolution, promised, position = _header(data, name)
    tracks: list[tuple[Event, ...]] = []
    notes: list[NoteSpan] = []
    faults: list[str] = []
    hanging = total = 0
    while position + 8 <= len(data) and len(tracks) <= MAX_MIDI_TRACKS:
        kind = data[position : position + 4]
        begin = position + 8
        position = begin + int.from_bytes(data[position + 4 : begin])
        if kind != b"MTrk":
            continue
        chunk = data[begin:position]
        events, fault = _events(chunk, MAX_EVENTS - total)
        total += len(events)
        if total > MAX_EVENTS:
            raise FileError(f"{name}: more than {MAX_EVENTS:,} events, too many to arrange")
        if events and events[-1][0] > MAX_TICKS:
            raise FileError(
                f"{name}: track {len(tracks) + 1} lasts {events[-1][0]:,} ticks; "
                f"at most {MAX_TICKS:,} can be written again"
            )
        if fault is not None and position > len(data):
            early = position - len(data)
            faults.append(f"the file ends {early} bytes early in track {len(tracks) + 1}")
        elif fault is not None and fault < len(chunk):
            lost = f"the last {len(chunk) - fault} of {len(chunk)} bytes"
            faults.append(f"{lost} of track {len(tracks) + 1} cannot be understood")
        spans, unclosed = _closed(events)
        hanging += unclosed
        notes += [NoteSpan(len(tracks), *span) for span in spans]
        tracks.append(tuple(events))
    if len(tracks) > MAX_MIDI_TRACKS:
        raise FileError(f"{name}: more than {MAX_MIDI_TRACKS:,} tracks, too many to arrange")
    if len(notes) > MAX_NOTES:
        raise FileError(f"{name}: {len(notes):,} notes, but at most {MAX_NOTES:,} can be arranged")
    if len(tracks) < promised:
        faults.append(f"{promised - len(tracks)} of {promised} tracks are missing")
    if faults and not notes:
        raise FileError(f"{name}: {'; '.join(faults)}, and no notes could be recovered")
    return Document(resolution, tuple(tracks), tuple(notes)), _warnings(faults, len(notes), hanging)


def encode(resolution: int, tracks: Sequence[Iterable[Event]]) -> bytes:
    """A file of format 1. A track without an end-of-track event gets one."""
    if not 1 <= resolution <= 0x7FFF:
        raise ValueError(f"resolution {resolution} is not in 1..32767 ticks a quarter")
    out = bytearray(b"MThd\0\0\0\6\0\1")
    out += len(tracks).to_bytes(2) + resolution.to_bytes(2)
    for events in tracks:
        chunk = _track_bytes(events)
        out += b"MTrk" + len(chunk).to_bytes(4) + chunk
    return bytes(out)


def _header(data: bytes, name: str) -> tuple[int, int, int]:
    """Ticks a quarter, the number of tracks, and where the first track begins."""
    if not data:
        raise FileError(f"{name}: the file is empty")
    if len(data) > MAX_MIDI_BYTES:
        raise FileError(
            f"{name}: {len(data):,} bytes, but a MIDI file may have at most {MAX_MIDI_BYTES:,}"
        )
    if not data.startswith(b"MThd"):
        raise FileError(f"{name}: not a MIDI file (it does not begin with MThd)")
    length = int.from_bytes(data[4:8])
    if len(data) < 14 or length < 6:
        raise FileError(f"{name}: not a MIDI file (its header is cut off)")
    layout, promised, division = (int.from_bytes(data[i : i + 2]) for i in (8, 10, 12))
    if layout > 1:
        raise FileError(f"{name}: a MIDI file of format {layout}, expected format 0 or 1")
    if division & 0x8000:
        raise FileError(f"{name}: its time is in SMPTE frames, expected ticks a quarter note")
    if division == 0:
        raise FileError(f"{name}: it has 0 ticks a quarter note, expected 1 or more")
    return division, promised, 8 + length


def _events(chunk: bytes, limit: int) -> tuple[list[Event], int | None]:
    """The events of a track, closed by an end of track, and where they cannot be read on.

    None: the chunk has an end of track. Its length: all of it was read, but it has none. Stops
    once there are more than ``limit``.
    """
    events: list[Event] = []
    append = events.append
    tick = position = begin = status = size = 0
    length = len(chunk)
    try:
        while position < length:
            begin = position
            byte = chunk[position]
            position += 1
            delta = byte & 0x7F
            if byte & 0x80:
                delta, position = _number(chunk, begin)
            byte = chunk[position]
            if byte < 0xF0:
                if byte & 0x80:
                    status = byte
                    size = _DATA_BYTES[byte & 0xF0]
                    position += 1
                elif not status:
                    break  # data without a status
                first = chunk[position]
                second = chunk[position + size - 1]
                if (first | second) & 0x80:
                    break  # a status in the place of data
                tick += delta
                if size == 2:
                    append((tick, bytes((status, first, second))))
                else:
                    append((tick, bytes((status, first))))
                position += size
            else:
                if byte == 0xFF:
                    head = chunk[position : position + 2]
                    if head[1] & 0x80:
                        break
                elif byte in (0xF0, 0xF7):
                    head = chunk[position : position + 1]
                else:
                    break
                size_of, start = _number(chunk, position + len(head))
                if start + size_of > length:
                    break
                tick += delta
                position = start + size_of
                append((tick, head + chunk[start:position]))
                if head == _END_OF_TRACK:
                    return events, None
            if len(events) > limit:
                return events, None
        else:
            begin = length
    except IndexError:
        pass
    append((tick, _END_OF_TRACK))
    return events, begin


def _number(chunk: bytes, position: int) -> tuple[int, int]:
    """A number of up to four bytes of seven bits, and the position behind it."""
    value = 0
    for i in range(position, position + 4):
        byte = chunk[i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, i + 1
    raise IndexError


def _closed(events: list[Event]) -> tuple[list[tuple[int, int]], int]:
    """The notes of a track, and how many starts had to be closed; ``events`` gets the ends."""
    pairing = pair_notes(events)
    if not pairing.hanging:
        return pairing.notes, 0
    tick, end = events.pop()
    notes = pairing.notes
    for start in pairing.hanging:
        status, pitch, _ = events[start][1]
        notes.append((start, len(events)))
        events.append((tick, bytes((status & 0x0F | 0x80, pitch, 64))))
    events.append((tick, end))
    return sorted(notes), len(pairing.hanging)


def _warnings(faults: list[str], notes: int, hanging: int) -> tuple[str, ...]:
    if faults:
        unclosed = f", {hanging} of them without an end" if hanging else ""
        return (f"{'; '.join(faults)}: {_counted(notes)} recovered{unclosed}",)
    if hanging:
        lasting = "lasts as long as its track" if hanging == 1 else "last as long as their track"
        return (f"{_counted(hanging)} without an end and now {lasting}",)
    return ()


def _counted(notes: int) -> str:
    return "1 note was" if notes == 1 else f"{notes:,} notes were"


def _track_bytes(events: Iterable[Event]) -> bytes:
    out = bytearray()
    now = 0
    message = b""
    for tick, message in events:
        delta = tick - now
        now = tick
        if delta < 0x80:
            out.append(delta)
        else:
            out += _number_bytes(delta)
        if message[0] < 0xF0:
            out += message
        else:
            head = 2 if message[0] == 0xFF else 1
            out += message[:head] + _number_bytes(len(message) - head) + message[head:]
    if message != _END_OF_TRACK:
        out += b"\0\xff\x2f\0"
    return bytes(out)


def _number_bytes(value: int) -> bytes:
    if not 0 <= value <= MAX_TICKS:
        raise ValueError(f"{value} is not in 0..{MAX_TICKS}")
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))
