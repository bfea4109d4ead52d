from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.live.protocol import (
    DUET,
    NOTE_OFF,
    NOTE_ON,
    PEDAL,
    End,
    Hello,
    Note,
    NoteOff,
    NoteOn,
    Pedal,
    ProtocolError,
    Replay,
    binary_answer,
    binary_event,
    read_binary,
    read_binary_answer,
    read_text,
)

PARTS = ("Soprano", "Bass")


def test_a_hello_may_leave_everything_to_the_service() -> None:
    hello = read_text('{"type": "hello"}')
    assert hello == Hello()
    assert isinstance(hello, Hello) and hello.mode == "stage" and hello.recording


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ("", "not JSON: EOF"),
        ('{"type": "note_on"', "not JSON: EOF"),
        ("[" * 5000, "not JSON: recursion limit"),
        ("[]", "message: input should be an object, not []"),
        ("7", "message: input should be an object, not 7"),
        ("{}", "message: it has no type"),
        ('{"type": "nte_on"}', "the type is one of 'hello', 'note_on', 'chord_on'"),
        ('{"type": "note_on"}', "note_on.pitch is missing"),
        ('{"type": "note_on", "pitch": 128}', "note_on.pitch: input should be less than or equal"),
        ('{"type": "note_on", "pitch": -1}', "greater than or equal to 0, not -1"),
        ('{"type": "note_on", "pitch": 60.5}', "should be a valid integer, not 60.5"),
        ('{"type": "note_on", "pitch": "60"}', "should be a valid integer, not '60'"),
        ('{"type": "note_on", "pitch": true}', "should be a valid integer, not True"),
        ('{"type": "note_on", "pitch": 60, "velocity": 0}', "greater than or equal to 1, not 0"),
        ('{"type": "note_on", "pitch": 60, "time": NaN}', "a finite number, not nan"),
        ('{"type": "note_on", "pitch": 60, "time": Infinity}', "a finite number, not inf"),
        ('{"type": "note_on", "pitch": 60, "time": 1e999}', "a finite number, not inf"),
        ('{"type": "note_on", "pitch": 60, "time": -1}', "greater than or equal to 0, not -1"),
        ('{"type": "note_on", "pitch": 60, "volume": 3}', "note_on.volume is not known"),
        ('{"type": "hello", "version": 2}', "hello.version: input should be 1, not 2"),
        ('{"type": "hello", "mode": "offline"}', "'stage', 'live' or 'chord-live', not 'offline'"),
        ('{"type": "hello", "tempo": 0}', "greater than or equal to 10, not 0"),
        ('{"type": "chord_on", "keys": []}', "at least 1 item"),
        ('{"type": "lock", "note": -1, "part": "Bass"}', "greater than or equal to 0, not -1"),
        ('{"type": "replay", "events": [{"type": "bye"}]}', "replay.events.0: the type is one of"),
        ('{"type": "hello", "ensemble": 7}', "hello.ensemble: input should be a valid string"),
    ],
)
def test_what_cannot_be_understood_gives_one_sentence(frame: str, sentence: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_text(frame)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@settings(deadline=None)
@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_a_message_or_a_protocol_error(frame: str) -> None:
    with pytest.raises(ProtocolError):
        read_text(frame)


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_events_or_a_protocol_error(frame: bytes) -> None:
    try:
        events = read_binary(frame, PARTS)
    except ProtocolError:
        return
    assert len(events) == len(frame) / 12


def test_an_ensemble_may_have_a_part_for_each_channel_and_no_more() -> None:
    parts = [{"name": f"Part {n}", "program": n} for n in range(16)]
    hello = {"type": "hello", "ensemble": {"name": "many", "parts": parts[:15]}}
    assert isinstance(read_text(json.dumps(hello)), Hello)
    hello = {"type": "hello", "ensemble": {"name": "many", "parts": parts}}
    with pytest.raises(ProtocolError, match="at most 15 items"):
        read_text(json.dumps(hello))


def test_a_replay_holds_what_was_played() -> None:
    played = [{"type": "note_on", "pitch": 60, "part": "Bass"}, {"type": "pedal", "value": 1}]
    replay = read_text(json.dumps({"type": "replay", "events": played}))
    assert isinstance(replay, Replay)
    assert replay.events == (NoteOn(pitch=60, part="Bass"), Pedal(value=1))


def test_binary_events_mean_the_same_as_json() -> None:
    frame = binary_event(NOTE_ON, 60, 80, 1.5) + binary_event(NOTE_OFF, 61) + b"\3\100\0\377"
    frame += b"\0\0\0\0\0\0\xf8\x7f"
    events = read_binary(frame, PARTS)
    assert events == [NoteOn(pitch=60, velocity=80, time=1.5), NoteOff(pitch=61), Pedal(value=64)]
    assert PEDAL == 3


def test_a_binary_key_may_have_its_part_fixed() -> None:
    frame = bytearray(binary_event(NOTE_ON, 60))
    frame[3] = 1
    assert read_binary(bytes(frame), PARTS) == [NoteOn(pitch=60, part="Bass")]
    frame[3] = 2
    with pytest.raises(ProtocolError, match="part 2: the session has 2 parts"):
        read_binary(bytes(frame), PARTS)


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (b"", "12 bytes an event, this one 0 bytes"),
        (bytes(13), "12 bytes an event, this one 13 bytes"),
        (binary_event(9, 60), "the kind of a binary event is 1, 2 or 3, not 9"),
        (binary_event(NOTE_ON, 200), "pitch: input should be less than or equal to 127, not 200"),
        (binary_event(NOTE_ON, 60, 64, math.inf), "time: input should be a finite number"),
    ],
)
def test_binary_nonsense_gives_one_sentence(frame: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        read_binary(frame, PARTS)


def test_binary_answers_say_what_a_player_needs() -> None:
    note = Note(
        note=7,
        pitch=60,
        velocity=80,
        time=1.25,
        part="Bass",
        channel=3,
        confidence=0.5,
        waited=2.0,
    )
    frame = binary_answer(note)
    assert len(frame) == 24
    assert read_binary_answer(frame) == (NOTE_ON, 60, 3, 80, 7, 0.5, 2.0, 1.25)
    assert binary_answer(note.model_copy(update={"by": "duet"}))[0] == DUET
    frame = binary_answer(End(note=7, pitch=60, channel=3, time=2.5))
    assert len(frame) == 16
    assert read_binary_answer(frame) == (NOTE_OFF, 60, 3, 7, 2.5)
