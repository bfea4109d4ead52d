"""Whatever the file: each note comes out once, as it was, and so does all that is not a note."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from midi_pieces import arranged, control, midi, off, on, rows

from arranger.ensembles import Ensemble, Part
from arranger.files import Score, read_bytes, write_bytes
from arranger.files.document import META, Event, meta

Draw = st.DrawFn
_TICKS = st.integers(0, 40)
_BYTES = st.integers(0, 127)


@st.composite
def _tracks(draw: Draw) -> list[list[Event]]:
    """Tracks with many collisions: few pitches, few ticks, few channels."""
    return [draw(_track()) for _ in range(draw(st.integers(1, 4)))]


@st.composite
def _track(draw: Draw) -> list[Event]:
    events: list[tuple[int, int, bytes]] = []
    for i in range(draw(st.integers(0, 12))):
        channel = draw(st.sampled_from((0, 1, 1, 2, 9)))
        pitch, onset, length = draw(st.integers(60, 62)), draw(_TICKS), draw(st.integers(0, 20))
        events.append((*_in_order(onset, i), on(0, pitch, draw(st.integers(1, 127)), channel)[1]))
        events.append((*_in_order(onset + length, i + 1), off(0, pitch, draw(_BYTES), channel)[1]))
    for i in range(draw(st.integers(0, 6))):
        channel = draw(st.sampled_from((0, 1, 2, 5, 9)))
        message = draw(
            st.sampled_from(
                [
                    control(0, draw(_BYTES), draw(_BYTES), channel)[1],
                    bytes((0xE0 | channel, draw(_BYTES), draw(_BYTES))),
                    bytes((0xA0 | channel, draw(st.integers(60, 62)), draw(_BYTES))),
                    bytes((0xD0 | channel, draw(_BYTES))),
                    bytes((0xC0 | channel, draw(_BYTES))),
                ]
            )
        )
        events.append((*_in_order(draw(_TICKS), 3 * i), message))
    for i in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from((0x01, 0x05, 0x06, 0x07, 0x51, 0x58, 0x59, 0x7F)))
        payload = draw(st.binary(min_size=6, max_size=6))
        message = draw(st.sampled_from([meta(kind, payload), b"\xf0" + payload]))
        events.append((*_in_order(draw(_TICKS), i), message))
    return [(tick, message) for tick, _, message in sorted(events, key=lambda e: e[:2])]


def _in_order(tick: int, i: int) -> tuple[int, int]:
    return tick, i


def full_rows(score: Score) -> Counter[tuple[Any, ...]]:
    """The notes with the controllers of their channel, as one who listens has them."""
    found: Counter[tuple[Any, ...]] = Counter()
    for track, start, end in score.document.notes:
        events = score.document.tracks[track]
        (onset, (status, pitch, velocity)), (offset, last) = events[start], events[end]
        port = next((m[2] for _, m in events if m[:2] == b"\xff\x21"), 0)
        heard = tuple(sorted(Counter(_controls(score)[port, status & 0x0F]).items()))
        release = last[2] if last[0] & 0xF0 == 0x80 else None
        drum = status & 0x0F == 9
        found[onset, pitch, offset - onset, velocity, release, drum, heard] += 1
    return found


def _controls(score: Score) -> dict[tuple[int, int], list[tuple[int, bytes]]]:
    """What is sent on each port and channel, less notes and programs."""
    found: dict[tuple[int, int], list[tuple[int, bytes]]] = {}
    for events in score.document.tracks:
        port = next((m[2] for _, m in events if m[:2] == b"\xff\x21"), 0)
        for tick, message in events:
            if message[0] < 0xF0:
                sent = found.setdefault((port, message[0] & 0x0F), [])
                if message[0] >= 0xA0 and message[0] & 0xF0 != 0xC0:
                    sent.append((tick, bytes((message[0] & 0xF0,)) + message[1:]))
    return found


def texts(score: Score) -> list[Event]:
    """All that is sent to no channel, less names, ports and ends; once, where twice is the same."""
    found = [
        (tick, message)
        for events in score.document.tracks
        for tick, message in events
        if message[0] >= 0xF0 and not (message[0] == META and message[1] in (3, 0x21, 0x2F))
    ]
    once = [e for e in found if e[1][0] == META and e[1][1] in (0x51, 0x58, 0x59)]
    return sorted([*set(once), *(event for event in found if event not in once)])


@settings(max_examples=80, deadline=None)
@given(tracks=_tracks(), data=st.data(), parts=st.sampled_from((1, 3, 14, 20)))
def test_nothing_is_lost_or_changed_by_arranging(
    tracks: list[list[Event]], data: st.DataObject, parts: int
) -> None:
    ensemble = Ensemble("some", tuple(Part(f"P{k}", k) for k in range(parts)))
    score = read_bytes(midi(*tracks), ".mid", "in.mid")
    count = len(score.notes)
    labels = data.draw(st.lists(st.integers(0, parts - 1), min_size=count, max_size=count))
    out = write_bytes(".mid", score, arranged(score, labels, ensemble), "out.mid")
    again = read_bytes(out, ".mid", "out.mid")
    assert again.warnings == () or not count
    assert again.notes.resolution == score.notes.resolution
    assert texts(again) == texts(score)
    assert rows(again) == rows(score)
    if parts < 14:  # channels for every source: the sound is exactly the same
        assert full_rows(again) == full_rows(score)
    given_to = Counter((f"P{part}", *row) for part, row in zip(labels, rows(score), strict=True))
    found = zip(again.track.tolist(), rows(again), strict=True)
    assert Counter((again.tracks[track].name, *row) for track, row in found) == given_to


@settings(max_examples=50, deadline=None)
@given(tracks=_tracks())
def test_a_file_that_is_read_and_written_is_the_same_file(tracks: list[list[Event]]) -> None:
    from arranger.files.midi import decode, encode

    data = midi(*tracks)
    document, warnings = decode(data, "in.mid")
    if not warnings:
        assert encode(document.resolution, document.tracks) == data
