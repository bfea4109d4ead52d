"""One WebSocket: frames in, frames out, for one session.

All of a session happens in the coroutine that reads its socket, but for what is due at a time,
which a timer says. Only the generator of a duet runs elsewhere, in a thread. Knows sockets and
tasks; not music.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hmac
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from arranger.continuation import Generator

from .duet import Phrase, Sounded, respond
from .lineup import Roster
from .meters import Meters
from .protocol import (
    Answer,
    ChordOn,
    End,
    Error,
    Farewell,
    Hello,
    Lock,
    Message,
    Note,
    NoteOn,
    ProtocolError,
    Replay,
    SetEnsemble,
    SetHints,
    binary_answer,
    read_binary,
    read_text,
)
from .response import Response
from .session import LiveSession, SessionOver
from .settings import LiveSettings

NORMAL, PROTOCOL, REFUSED, TOO_BIG, FAILED, TRY_LATER = 1000, 1002, 1008, 1009, 1011, 1013
"""Codes with which a socket is closed."""

REHEARSED = Replay | SetEnsemble | SetHints | Lock

TICK = 0.001
"""Seconds by which an event loop's timers may be early."""

HEAVY = 20
"""What asks an arranger to hear the past again counts as so many messages."""


@dataclass
class House:
    """What the sessions of a process share."""

    settings: LiveSettings
    roster: Roster
    generator: Generator | None
    meters: Meters = field(default_factory=Meters)
    open: int = 0
    thinkers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="duet")
    )
    """Duets take turns, so that players do not wait for several at once."""


class Refused(Exception):  # noqa: N818 - it is the client's fault
    """The socket is to be closed with ``code``; the message is one sentence."""

    def __init__(self, code: int, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.reason = reason


class Allowance:
    """How many messages a client may send: ``burst`` at once, else ``rate`` a second."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._now = now

    def wait(self, now: float, count: int = 1) -> float:
        """``count`` messages come: the seconds to wait before more are read."""
        self._left = min(self._burst, self._left + (now - self._now) * self._rate) - count
        self._now = now
        return max(0.0, -self._left / self._rate)


async def serve_player(socket: WebSocket, house: House) -> None:
    """Serve one player from first to last."""
    if not _from_allowed_page(socket, house.settings):
        house.meters.refused.labels("origin").inc()
        await socket.close(REFUSED, "this page may not open a session")
        return
    await socket.accept()
    if house.open >= house.settings.max_sessions:
        house.meters.refused.labels("full").inc()
        sentence = f"all {house.settings.max_sessions} sessions are taken: try again later"
        await _part(socket, TRY_LATER, sentence)
        return
    house.open += 1
    house.meters.sessions.set(house.open)
    connection = Connection(socket, house)
    try:
        await connection.run()
    except Refused as refusal:
        house.meters.refused.labels(refusal.reason).inc()
        await _part(socket, refusal.code, str(refusal))
    except WebSocketDisconnect:
        pass
    except Exception:
        await _part(socket, FAILED, "the service has failed: begin another session")
        raise
    finally:
        connection.stop()
        house.open -= 1
        house.meters.sessions.set(house.open)
        if house.open == 0:
            gc.collect()


class Connection:
    """The conversation over one socket."""

    def __init__(self, socket: WebSocket, house: House) -> None:
        self._socket = socket
        self._house = house
        self._settings = house.settings
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone = threading.Event()
        self._errors = 0
        self._last = monotonic()
        """When a message came last."""
        rate, burst = house.settings.messages_a_second, house.settings.burst
        self._allowance = Allowance(rate, burst, monotonic())

    async def run(self) -> None:
        """From hello to bye."""
        try:
            async with asyncio.timeout(self._settings.hello_seconds):
                session = await self._greet()
        except TimeoutError:
            seconds = self._settings.hello_seconds
            raise Refused(REFUSED, "silent", f"no hello came within {seconds:g} s") from None
        try:
            while True:
                for message in await self._read(session):
                    await self._answer(session, message)
        except SessionOver as over:
            await self._take_leave(session, str(over))

    def stop(self) -> None:
        """Nobody listens any more."""
        self._gone.set()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def _greet(self) -> LiveSession:
        """The session that the client asks for, as soon as it asks for one that can be had."""
        while True:
            [hello] = await self._read(None)
            if not isinstance(hello, Hello):
                raise Refused(
                    PROTOCOL, "protocol", f"a session begins with hello, not {hello.type}"
                )
            self._check_token(hello)
            try:
                if hello.duet is not None and self._house.generator is None:
                    raise ValueError("there is no duet: this service has no generator")
                session = LiveSession(self._house.roster, hello, self._settings, monotonic())
            except ValueError as error:
                await self._complain(str(error))
                continue
            await self._send([session.welcome()], session)
            self._follow_up(session)
            return session

    def _check_token(self, hello: Hello) -> None:
        """The client must know the token, in a header or in its hello."""
        if self._settings.token is None:
            return
        header = self._socket.headers.get("authorization", "").removeprefix("Bearer ")
        shown = (hello.token or header).encode()
        if not hmac.compare_digest(shown, self._settings.token.encode()):
            raise Refused(REFUSED, "token", "the token is missing or wrong")

    async def _read(self, session: LiveSession | None) -> Sequence[Message]:
        """The messages of the next frame that can be understood."""
        while True:
            frame = await self._socket.receive()
            if frame["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(frame.get("code", NORMAL))
            text, data = frame.get("text"), frame.get("bytes")
            size, most = len(text or data or ""), self._settings.max_message_bytes
            if size > most:
                raise Refused(TOO_BIG, "size", f"a message of {size:,}, but at most {most:,} bytes")
            try:
                if text is not None:
                    return [read_text(text)]
                if session is None:
                    raise Refused(PROTOCOL, "protocol", "a session begins with hello, as JSON")
                return read_binary(data or b"", session.lineup.ensemble.names)
            except ProtocolError as error:
                await self._complain(str(error))

    async def _answer(self, session: LiveSession, message: Message) -> None:
        """Everything that ``message`` gives rise to at once."""
        self._last = now = monotonic()
        wait = self._allowance.wait(now, HEAVY if isinstance(message, REHEARSED) else 1)
        try:
            for answers in session.receive(message, now):
                if answers:
                    await self._send(answers, session)
                elif isinstance(message, REHEARSED):
                    await asyncio.sleep(0)
        except ValueError as error:
            await self._complain(str(error))
        if isinstance(message, NoteOn | ChordOn) and not session.hello.look_ahead:
            self._house.meters.note_seconds.observe(monotonic() - now)
        self._follow_up(session)
        if wait:
            await asyncio.sleep(wait)

    def _follow_up(self, session: LiveSession) -> None:
        """See to what comes later: what is due at a time, and a phrase that is to be answered."""
        response = session.response
        phrase = None if response is None else response.think()
        if response is not None and phrase is not None:
            self._spawn(self._respond(session, response, phrase))
        deadline = min(session.deadline, self._last + self._settings.idle_seconds)
        if self._timer is not None:
            if self._due <= deadline:
                return
            self._timer.cancel()
        self._due = deadline
        later = max(0.0, deadline - monotonic()) + TICK
        self._timer = self._loop.call_later(later, self._ring, session)

    def _ring(self, session: LiveSession) -> None:
        self._timer = None
        self._spawn(self._tick(session))

    async def _tick(self, session: LiveSession) -> None:
        now, patience = monotonic(), self._settings.idle_seconds
        if self._last + patience <= now:
            await self._take_leave(session, f"nothing was played for {patience:g} s")
            return
        answers = session.tick(now)
        self._follow_up(session)
        await self._send(answers, session)

    async def _respond(self, session: LiveSession, response: Response, phrase: Phrase) -> None:
        """Have a phrase answered, note by note, by the generator in its thread."""
        generator, spec, answering = self._house.generator, session.hello.duet, response.answering
        assert generator is not None and spec is not None

        def add(note: Sounded) -> None:
            session.add_to_answer(answering, note, monotonic())
            self._follow_up(session)

        def think() -> None:
            for note in respond(generator, phrase, spec):
                if self._gone.is_set() or response.answering != answering:
                    break
                self._loop.call_soon_threadsafe(add, note)

        try:
            await self._loop.run_in_executor(self._house.thinkers, think)
        except ValueError as error:
            await self._send([Error(message=str(error))])
        response.complete(answering)
        await self._tick(session)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        async def until_gone() -> None:
            with contextlib.suppress(WebSocketDisconnect):
                await work

        task = self._loop.create_task(until_gone())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _complain(self, sentence: str) -> None:
        """Say what could not be done; who makes too many mistakes is sent away."""
        self._errors += 1
        if self._errors > self._settings.max_errors:
            raise Refused(PROTOCOL, "protocol", f"{self._errors} mistakes are too many: {sentence}")
        await self._send([Error(message=sentence)])

    async def _take_leave(self, session: LiveSession, reason: str) -> None:
        """The last words: what still sounds, why, and the recording."""
        answers: list[Answer] = [*session.close(monotonic())]
        if reason:
            answers.append(Error(message=reason))
        await self._send(answers, session)
        recording = None
        if session.hello.recording:
            midi = await asyncio.to_thread(session.recording)
            recording = base64.b64encode(midi).decode("ascii")
        await self._send([Farewell(notes=session.count, recording=recording)])
        await self._socket.close(NORMAL)

    async def _send(self, answers: Sequence[Answer], session: LiveSession | None = None) -> None:
        """In order."""
        binary = session is not None and session.hello.form == "binary"
        async with self._sending:
            for answer in answers:
                if binary and isinstance(answer, Note | End):
                    await self._socket.send_bytes(binary_answer(answer))
                else:
                    await self._socket.send_text(answer.model_dump_json())


async def _part(socket: WebSocket, code: int, sentence: str) -> None:
    """Say why, and close; a client that is gone need not hear it."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(Error(message=sentence).model_dump_json())
        await socket.close(code, sentence.encode()[:120].decode(errors="ignore"))


def _from_allowed_page(socket: WebSocket, settings: LiveSettings) -> bool:
    """A browser says from which page it comes; anything else may come from anywhere."""
    origin = socket.headers.get("origin")
    if origin is None or origin in settings.origins:
        return True
    return urlsplit(origin).netloc == socket.headers.get("host")
