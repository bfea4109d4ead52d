"""POST /v1/continuations: go on from a piece, each note told as soon as it is decided."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from arranger.notes import Note

from .. import answers, schemas, uploads, work
from ..http import accepted, while_waiting
from ..problems import ProblemError, refusals
from ..services import Services
from . import describing
from .taking import one_piece

router = APIRouter(tags=["continuing"])
EVENTS = "text/event-stream"
OFFERED = (answers.JSON, EVENTS, answers.MIDI, answers.MUSICXML, answers.PNG)
_SILENCE = 2.0
"""Seconds without a note after which a comment is sent, so that no proxy gives the stream up."""

Event = tuple[str, answers.Json]


class _StoppedError(Exception):
    """Nobody listens any more."""


@router.post(
    "/v1/continuations",
    summary="Go on from a piece, or begin one",
    response_class=Response,
    responses=describing.answers(schemas.Continuation, *OFFERED[1:]),
    openapi_extra=describing.body(
        schemas.ContinuationRequest, schemas.ContinuationOptions, required=False
    ),
)
async def continue_(request: Request) -> Response:
    """Send a piece as for arranging, or nothing. With `Accept: text/event-stream` each new note
    comes as an event `note` as soon as it is decided, and the whole as an event `finished`; who
    goes away stops the work. The same seed gives the same notes."""
    services: Services = request.app.state.services
    kind = accepted(request, OFFERED)
    parcel = await uploads.receive(request, services.body)
    source, wish = await while_waiting(request, _asked(services, parcel))
    if kind == EVENTS:
        return await _streamed(services, source, wish)
    return await while_waiting(request, _whole(services, source, wish, kind))


async def _asked(
    services: Services, parcel: uploads.Parcel
) -> tuple[work.Source, schemas.ContinuationOptions]:
    forms = (schemas.ContinuationRequest, schemas.ContinuationOptions)
    return await one_piece(services, parcel, *forms, may_be_nothing=True)


async def _whole(
    services: Services, source: work.Source, wish: schemas.ContinuationOptions, kind: str
) -> Response:
    stop = threading.Event()

    def listen(_: Note) -> None:
        if stop.is_set():
            raise _StoppedError

    def do() -> bytes:
        return answers.continued_as(kind, _continue(services, source, wish, listen))

    try:
        return Response(await services.generating.run(do), media_type=kind)
    finally:
        stop.set()


_UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def _streamed(
    services: Services, source: work.Source, wish: schemas.ContinuationOptions
) -> Response:
    """A stream that has begun well: what cannot be done is refused before."""
    events = _events(services, source, wish)
    first = await anext(events)
    return StreamingResponse(_sent(first, events), media_type=EVENTS, headers=_UNBUFFERED)


async def _sent(first: Event | None, events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    """Events as they go over the line."""
    yield _line(first)
    try:
        async for event in events:
            yield _line(event)
    except ProblemError as problem:
        yield _line(("problem", problem.document()))


def _line(event: Event | None) -> bytes:
    if event is None:
        return b": waiting\n\n"
    name, document = event
    return b"event: %b\ndata: %b\n\n" % (name.encode(), answers.dumped(document))


async def _events(
    services: Services, source: work.Source, wish: schemas.ContinuationOptions
) -> AsyncIterator[Event | None]:
    """Each note and the finished piece; None from time to time while there is nothing to say."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event] = asyncio.Queue()
    stop = threading.Event()
    told = answers.decided(work.clock_of(source, wish))

    def listen(note: Note) -> None:
        if stop.is_set():
            raise _StoppedError
        loop.call_soon_threadsafe(queue.put_nowait, ("note", told(note)))

    def do() -> Event:
        return "finished", answers.continuation(_continue(services, source, wish, listen))

    finished = asyncio.ensure_future(services.generating.run(do))
    try:
        while not (finished.done() and queue.empty()):
            waiting = asyncio.ensure_future(queue.get())
            await asyncio.wait({waiting, finished}, timeout=_SILENCE, return_when="FIRST_COMPLETED")
            if waiting.done():
                yield waiting.result()
            else:
                waiting.cancel()
                if not finished.done():
                    yield None
        yield finished.result()
    finally:
        stop.set()
        finished.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await finished


def _continue(
    services: Services,
    source: work.Source,
    wish: schemas.ContinuationOptions,
    listen: Callable[[Note], None],
) -> work.Continued:
    with refusals():
        done = work.continue_(services.models, source, wish, listen)
    services.metrics.notes.labels("continuation").inc(int(done.new.sum()))
    return done
