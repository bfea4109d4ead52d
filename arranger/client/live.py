"""A player's side of ``WS /v1/live``: see ``docs/LIVE.md``.

Knows the protocol and one socket at a time; not music, and nothing of how the service works.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from time import monotonic, sleep
from types import TracebackType
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import ClientConnection, connect

URL = "ws://127.0.0.1:8000/v1/live"
REPLAYED = 2_000
"""Events in one replay message."""

PAUSES = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Seconds before each attempt to connect again."""

PLAYED = {"note_on", "note_off", "pedal", "tempo"}
FINAL = {1000, 1002, 1008, 1009}
"""Codes of a connection that the service has closed for good."""


class LiveError(ValueError):
    """What the service could not do, in its own sentence."""


class Part(NamedTuple):
    name: str
    program: int
    channel: int


class Decision(NamedTuple):
    """Note ``note``, counted from 0, plays in ``part`` from ``time`` (seconds of the session).

    ``waited``: milliseconds that the answer waited for what came next; ``by``: player or duet.
    """

    note: int
    pitch: int
    velocity: int
    time: float
    part: str
    channel: int
    confidence: float
    waited: float
    by: str


class End(NamedTuple):
    """Note ``note`` ends at ``time``."""

    note: int
    pitch: int
    channel: int
    time: float


class Duet(NamedTuple):
    """The generator is ``thinking``, ``done`` or was ``cancelled``."""

    state: str


Heard = Decision | End | Duet


class LiveClient:
    """A session with a live service, in a ``with`` statement. ``asks`` are the fields of hello:
    ensemble, mode, hints, tempo, look_ahead, duet and so on.

    A connection that breaks is opened again, and the session goes on where it was. LiveError for
    what the service cannot do, or where it cannot be reached.
    """

    def __init__(self, url: str = URL, timeout: float = 10.0, **asks: Any) -> None:
        self.parts: tuple[Part, ...] = ()
        self.model = ""
        self.recording: bytes | None = None
        """The session as a MIDI file, once it is closed."""
        self._url = url
        self._timeout = timeout
        self._hello = {"type": "hello", **asks}
        self._began = monotonic()
        self._events: list[dict[str, Any]] = []
        self._unanswered: deque[dict[str, Any]] = deque()
        self._answered: dict[int, dict[str, Any]] = {}
        self._by_duet: dict[int, bool] = {}
        self._said: deque[Mapping[str, Any]] = deque()
        self._heard: deque[Heard] = deque()
        self._closed = False
        self._stack = ExitStack()
        self._socket = self._greet()

    def __enter__(self) -> LiveClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if error is None:
                self.close()

    def note_on(
        self, pitch: int, velocity: int = 64, part: str | None = None, time: float | None = None
    ) -> Decision:
        """A key goes down: what becomes of it. With a look-ahead this takes as long as that; then
        rather ``press`` and ``listen``. ``time`` is in seconds, by default since the session began.
        """
        event = self._press(pitch, velocity, part, time)
        return _decision(self._until(lambda said: self._note_of(said) is event))

    def press(
        self, pitch: int, velocity: int = 64, part: str | None = None, time: float | None = None
    ) -> None:
        """A key goes down. What becomes of it is heard by ``listen``."""
        self._press(pitch, velocity, part, time)

    def note_off(self, pitch: int, time: float | None = None) -> None:
        """A key goes up."""
        self._play({"type": "note_off", "pitch": pitch}, time)

    def pedal(self, value: int, time: float | None = None) -> None:
        """The sustaining pedal, 0..127."""
        self._play({"type": "pedal", "value": value}, time)

    def tempo(self, quarters: float, time: float | None = None) -> None:
        """Quarters a minute, from now on."""
        self._play({"type": "tempo", "tempo": quarters}, time)

    def hints(
        self,
        entries: Mapping[str, float] | None = None,
        mean_pitch: Mapping[str, float] | None = None,
    ) -> None:
        """Other hints, from now on."""
        hints = {"entries": dict(entries or {}), "mean_pitch": dict(mean_pitch or {})}
        self._send({"type": "hints", "hints": hints})
        self._until(lambda said: said["type"] == "welcome")
        self._hello["hints"] = hints

    def ensemble(self, ensemble: str | Mapping[str, Any]) -> None:
        """Another ensemble, from now on."""
        self._send({"type": "ensemble", "ensemble": ensemble})
        self._until(lambda said: said["type"] == "welcome")
        self._hello["ensemble"] = ensemble
        self._hello.pop("hints", None)

    def lock(self, note: int, part: str) -> Decision:
        """The part of a note that has been answered is another one."""
        self._send({"type": "lock", "note": note, "part": part})
        return _decision(self._until(lambda said: said["type"] == "note" and said["note"] == note))

    def listen(self, seconds: float = 0.0) -> Iterator[Heard]:
        """What has been heard, and what is within ``seconds``."""
        until = monotonic() + seconds
        while not self._closed:
            if self._heard:
                yield self._heard.popleft()
                continue
            try:
                said = self._receive(max(0.0, until - monotonic()))
            except TimeoutError:
                return
            self._heard += self._take(said)

    def close(self) -> bytes | None:
        """End the session; its recording, if there was to be one."""
        if not self._closed:
            self._send({"type": "bye"})
            self._until(lambda said: said["type"] == "bye")
        return self.recording

    def _press(
        self, pitch: int, velocity: int, part: str | None, time: float | None
    ) -> dict[str, Any]:
        if not (0 <= pitch <= 127 and 1 <= velocity <= 127):
            raise LiveError(
                f"expected a pitch in 0..127 and a velocity in 1..127, not {pitch} and {velocity}"
            )
        names = [known.name for known in self.parts]
        if part is not None and part not in names:
            raise LiveError(f"unknown part {part!r}: the parts are {', '.join(names)}")
        event = {"type": "note_on", "pitch": pitch, "velocity": velocity}
        if part is not None:
            event["part"] = part
        self._unanswered.append(event)
        self._play(event, time)
        return event

    def _play(self, event: dict[str, Any], time: float | None) -> None:
        """Send what is to be sent again if the connection breaks."""
        event["time"] = round(monotonic() - self._began, 6) if time is None else time
        self._events.append(event)
        self._send(event)

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(message))
        except ConnectionClosed as closed:
            self._resume(closed)
            if message["type"] not in PLAYED:  # what was played has been sent again
                self._socket.send(json.dumps(message))

    def _until(self, answers: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """The message that ``answers``; those before it are kept for ``listen``."""
        while True:
            try:
                said = self._receive(self._timeout)
            except TimeoutError:
                raise LiveError(f"{self._url}: no answer within {self._timeout:g} s") from None
            heard = self._take(said)
            if answers(said):
                return said
            self._heard += heard

    def _receive(self, seconds: float) -> Mapping[str, Any]:
        """The next message; LiveError if it is an error, TimeoutError if there is none."""
        while not self._said:
            try:
                self._said.append(json.loads(self._socket.recv(seconds)))
            except ConnectionClosed as closed:
                self._resume(closed)
        said = self._said.popleft()
        if said["type"] == "error":
            raise LiveError(said["message"])
        return said

    def _take(self, said: Mapping[str, Any]) -> list[Heard]:
        """Keep what a message says, and tell what a player hears of it."""
        match said["type"]:
            case "welcome":
                self.model = said["model"]
                self.parts = tuple(Part(**part) for part in said["parts"])
            case "bye":
                self._closed = True
                if said["recording"] is not None:
                    self.recording = base64.b64decode(said["recording"])
            case "duet":
                return [Duet(said["state"])]
            case "end":
                if self._by_duet.pop(said["note"], False):
                    event = {"type": "note_off", "pitch": said["pitch"], "time": said["time"]}
                    self._events.append(event)
                return [_end(said)]
            case "note":
                self._note_of(said)["part"] = said["part"]
                return [_decision(said)]
        return []

    def _note_of(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent, or would have to be, for the note that a message is about."""
        if said["type"] != "note":
            return {}
        number = said["note"]
        if number not in self._answered:
            if said["by"] == "duet":
                event = {key: said[key] for key in ("pitch", "velocity", "time")}
                self._answered[number] = {"type": "note_on", **event}
                self._events.append(self._answered[number])
                self._by_duet[number] = True
            else:
                self._answered[number] = self._unanswered.popleft()
        return self._answered[number]

    def _greet(self) -> ClientConnection:
        """A connection whose hello has been welcomed."""
        self._stack.close()
        try:
            socket = self._stack.enter_context(
                connect(self._url, open_timeout=self._timeout, max_size=None)
            )
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            raise LiveError(f"{self._url}: no live service answers ({error})") from error
        try:
            socket.send(json.dumps(self._hello))
            said = json.loads(socket.recv(self._timeout))
        except ConnectionClosed as closed:
            raise LiveError(f"{self._url}: {_reason(closed)}") from closed
        except TimeoutError as error:
            raise LiveError(f"{self._url}: no welcome within {self._timeout:g} s") from error
        if said["type"] != "welcome":
            raise LiveError(said["message"])
        self._take(said)
        return socket

    def _resume(self, closed: ConnectionClosed) -> None:
        """Open the session anew and send again what was played."""
        if closed.rcvd is not None and closed.rcvd.code in FINAL:
            self._closed = True
            raise LiveError(f"{self._url}: {_reason(closed)}")
        for pause in PAUSES:
            sleep(pause)
            try:
                self._socket = self._greet()
                self._replay()
            except (LiveError, ConnectionClosed, TimeoutError) as error:
                reason = error
            else:
                return
        self._closed = True
        raise LiveError(f"{self._url}: the session is lost: {reason}") from closed

    def _replay(self) -> None:
        """What the service had answered is replayed; the rest it is told as if for the first
        time."""
        waiting = {id(event) for event in self._unanswered}
        events = sorted(self._events, key=lambda event: event["time"])
        answered = next((n for n, e in enumerate(events) if id(e) in waiting), len(events))
        keys = [event for event in events[:answered] if event["type"] == "note_on"]
        self._answered = dict(enumerate(keys))
        for first in range(0, answered, REPLAYED):
            chunk = events[first : min(answered, first + REPLAYED)]
            self._socket.send(json.dumps({"type": "replay", "events": chunk}))
            said = json.loads(self._socket.recv(self._timeout))
            if said["type"] != "replayed":
                raise LiveError(said["message"])
        for event in events[answered:]:
            self._socket.send(json.dumps(event))


def _decision(said: Mapping[str, Any]) -> Decision:
    return Decision(**{field: said[field] for field in Decision._fields})


def _end(said: Mapping[str, Any]) -> End:
    return End(**{field: said[field] for field in End._fields})


def _reason(closed: ConnectionClosed) -> str:
    return closed.rcvd.reason if closed.rcvd is not None else "the connection broke"
