"""What is said over the wire of a live session, and how: see ``docs/LIVE.md``.

Messages come from a client, answers go to it. Both are JSON in text frames; what happens at every
key has a compact form too, in binary frames. Knows the form of what is said; not what follows.
"""

from __future__ import annotations

import math
import struct
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

VERSION: Literal[1] = 1
MAX_PARTS = 15
"""A part has a MIDI channel of its own, and one of the sixteen is for drums."""

MAX_REPLAYED = 4_000
"""Events in one replay message."""

Pitch = Annotated[int, Field(ge=0, le=127)]
Velocity = Annotated[int, Field(ge=1, le=127)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Tempo = Annotated[float, Field(ge=10, le=400)]
Mode = Literal["stage", "live", "chord-live"]
Form = Literal["json", "binary"]


class ProtocolError(ValueError):
    """A frame that says nothing that can be understood; the message is one sentence."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PartSpec(_Said):
    """A part of an ensemble that the client describes."""

    name: Name
    program: Pitch
    low: Pitch = 0
    high: Pitch = 127
    voices: Annotated[int, Field(ge=1, le=64)] | None = 1


class EnsembleSpec(_Said):
    name: Name
    parts: Annotated[tuple[PartSpec, ...], Field(strict=False, min_length=1, max_length=MAX_PARTS)]


class HintsSpec(_Said):
    """Part to the quarter of its first note, and to its mean pitch."""

    entries: dict[Name, Annotated[float, Field(ge=0, le=1e6)]] = Field(
        default_factory=dict, max_length=MAX_PARTS
    )
    mean_pitch: dict[Name, Annotated[float, Field(ge=0, le=127)]] = Field(
        default_factory=dict, max_length=MAX_PARTS
    )


class DuetSpec(_Said):
    """How the generator answers a phrase."""

    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class Hello(_Said):
    """Begins a session. ``look_ahead``: for how many milliseconds an answer may wait."""

    type: Literal["hello"] = "hello"
    version: Literal[1] = VERSION
    ensemble: Name | EnsembleSpec = "chorale"
    mode: Mode = "stage"
    model: Name | None = None
    hints: HintsSpec = HintsSpec()
    tempo: Tempo = 120.0
    look_ahead: Annotated[float, Field(ge=0, le=2000)] = 0.0
    recording: bool = True
    duet: DuetSpec | None = None
    form: Form = "json"
    token: Annotated[str, Field(max_length=1000)] | None = None


class NoteOn(_Said):
    """A key goes down. ``part`` fixes its part."""

    type: Literal["note_on"] = "note_on"
    pitch: Pitch
    velocity: Velocity | None = None
    time: Seconds | None = None
    part: Name | None = None


class Key(_Said):
    """A key of a chord."""

    pitch: Pitch
    velocity: Velocity | None = None
    part: Name | None = None


class ChordOn(_Said):
    """Keys go down together."""

    type: Literal["chord_on"] = "chord_on"
    keys: Annotated[tuple[Key, ...], Field(strict=False, min_length=1, max_length=32)]
    time: Seconds | None = None


class NoteOff(_Said):
    """A key goes up."""

    type: Literal["note_off"] = "note_off"
    pitch: Pitch
    time: Seconds | None = None


class Pedal(_Said):
    """The sustaining pedal, 0..127; it is only recorded."""

    type: Literal["pedal"] = "pedal"
    value: Pitch
    time: Seconds | None = None


class SetTempo(_Said):
    """Quarters a minute, from now on."""

    type: Literal["tempo"] = "tempo"
    tempo: Tempo
    time: Seconds | None = None


class SetHints(_Said):
    """Other hints, from now on."""

    type: Literal["hints"] = "hints"
    hints: HintsSpec


class SetEnsemble(_Said):
    """Another ensemble, or another way to play, from now on."""

    type: Literal["ensemble"] = "ensemble"
    ensemble: Name | EnsembleSpec
    mode: Mode | None = None
    model: Name | None = None
    hints: HintsSpec = HintsSpec()


class Lock(_Said):
    """The part of a note that has been answered is another one."""

    type: Literal["lock"] = "lock"
    note: Annotated[int, Field(ge=0)]
    part: Name


class Replay(_Said):
    """What was sent in a connection that broke, each with its time, and each note-on with the part
    it was given, if it was answered."""

    type: Literal["replay"] = "replay"
    events: Annotated[
        tuple[
            Annotated[NoteOn | ChordOn | NoteOff | Pedal | SetTempo, Field(discriminator="type")],
            ...,
        ],
        Field(strict=False, max_length=MAX_REPLAYED),
    ]


class Bye(_Said):
    """Ends the session."""

    type: Literal["bye"] = "bye"


Event = NoteOn | ChordOn | NoteOff | Pedal | SetTempo
Message = Hello | Event | SetHints | SetEnsemble | Lock | Replay | Bye


class PartAnswer(_Said):
    name: str
    program: int
    channel: int


class Welcome(_Said):
    """The session has begun, or has another ensemble; ``parts`` in score order."""

    type: Literal["welcome"] = "welcome"
    version: Literal[1] = VERSION
    session: str
    ensemble: str
    mode: Mode
    model: str
    parts: tuple[PartAnswer, ...]
    tempo: float
    look_ahead: float


class Note(_Said):
    """Note ``note``, counted from 0, sounds from ``time`` (seconds of the session) in ``part``.

    ``waited``: milliseconds that the answer waited for what came next. In a duet, ``by`` tells the
    generator's notes from the player's.
    """

    type: Literal["note"] = "note"
    note: int
    pitch: int
    velocity: int
    time: float
    part: str
    channel: int
    confidence: float
    waited: float = 0.0
    by: Literal["player", "duet"] = "player"


class End(_Said):
    """Note ``note`` ends at ``time``."""

    type: Literal["end"] = "end"
    note: int
    pitch: int
    channel: int
    time: float


class Replayed(_Said):
    """The session goes on after ``notes`` notes, at ``time``."""

    type: Literal["replayed"] = "replayed"
    notes: int
    time: float


class DuetAnswer(_Said):
    """What the generator is about."""

    type: Literal["duet"] = "duet"
    state: Literal["thinking", "done", "cancelled"]


class Error(_Said):
    """What could not be done, in one sentence."""

    type: Literal["error"] = "error"
    message: str


class Farewell(_Said):
    """The session has ended; ``recording`` is a MIDI file in base64."""

    type: Literal["bye"] = "bye"
    notes: int
    recording: str | None = None


Answer = Welcome | Note | End | Replayed | DuetAnswer | Error | Farewell

_messages: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])

_EVENT = struct.Struct("<BBBBd")
_NOTE = struct.Struct("<BBBBIffd")
_END = struct.Struct("<BBBxId")
NOTE_ON, NOTE_OFF, PEDAL, DUET = 1, 2, 3, 4
"""The first byte of an event and of what answers it; a note of the generator has the last one."""

NO_PART = 255


def read_text(frame: str) -> Message:
    """The message in a text frame."""
    try:
        return _messages.validate_json(frame)
    except ValidationError as error:
        raise ProtocolError(_sentence(error)) from None


def read_binary(frame: bytes, parts: tuple[str, ...]) -> list[Event]:
    """The events in a binary frame, 12 bytes each; ``parts`` are those of the session."""
    if not frame or len(frame) % _EVENT.size:
        raise ProtocolError(
            f"a binary frame holds {_EVENT.size} bytes an event, this one {len(frame)} bytes"
        )
    return [_event(parts, *fields) for fields in _EVENT.iter_unpack(frame)]


def binary_event(kind: int, value: int, velocity: int = 0, time: float = math.nan) -> bytes:
    """An event as 12 bytes, without a part; NaN stands for no time, 0 for no velocity."""
    return _EVENT.pack(kind, value, velocity, NO_PART, time)


def binary_answer(answer: Note | End) -> bytes:
    """A note as 24 bytes, or the end of one as 16."""
    if isinstance(answer, End):
        return _END.pack(NOTE_OFF, answer.pitch, answer.channel, answer.note, answer.time)
    kind = DUET if answer.by == "duet" else NOTE_ON
    fields = (answer.pitch, answer.channel, answer.velocity, answer.note)
    return _NOTE.pack(kind, *fields, answer.confidence, answer.waited, answer.time)


def read_binary_answer(frame: bytes) -> tuple[float, ...]:
    """The fields of a frame that ``binary_answer`` wrote."""
    return (_NOTE if len(frame) == _NOTE.size else _END).unpack(frame)


def _event(
    parts: tuple[str, ...], kind: int, value: int, velocity: int, part: int, time: float
) -> Event:
    at = None if math.isnan(time) else time
    fixed = None
    if part != NO_PART:
        if part >= len(parts):
            raise ProtocolError(f"part {part}: the session has {len(parts)} parts")
        fixed = parts[part]
    try:
        if kind == NOTE_ON:
            return NoteOn(pitch=value, velocity=velocity or None, time=at, part=fixed)
        if kind == NOTE_OFF:
            return NoteOff(pitch=value, time=at)
        if kind == PEDAL:
            return Pedal(value=value, time=at)
    except ValidationError as error:
        raise ProtocolError(_sentence(error)) from None
    raise ProtocolError(f"the kind of a binary event is 1, 2 or 3, not {kind}")


def _sentence(error: ValidationError) -> str:
    """The fault that lies deepest, as one sentence."""
    fault = max(error.errors(include_url=False), key=lambda fault: len(fault["loc"]))
    where = ".".join(str(place) for place in fault["loc"] if place not in _BRANCHES) or "message"
    given = repr(fault["input"])
    given = given if len(given) <= 60 else f"{given[:57]}..."
    match fault["type"]:
        case "json_invalid":
            return f"not JSON: {fault['ctx']['error']}"
        case "union_tag_invalid":
            known, found = fault["ctx"]["expected_tags"], fault["ctx"]["tag"][:60]
            return f"{where}: the type is one of {known}, not '{found}'"
        case "union_tag_not_found":
            return f"{where}: it has no type"
        case "missing":
            return f"{where} is missing"
        case "extra_forbidden":
            return f"{where} is not known"
    return f"{where}: {fault['msg'][0].lower()}{fault['msg'][1:]}, not {given}"


_BRANCHES = {"constrained-str", "EnsembleSpec"}
"""How errors call the two ways to name an ensemble."""
