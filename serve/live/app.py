"""The live service as a plain ASGI app, for uvicorn, a test client or a replica of Ray Serve.

``WS /v1/live``, and beside it ``/v1/live/health`` and ``/v1/live/metrics``.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from arranger.continuation import Generator

from .connection import House, serve_player
from .lineup import Roster
from .settings import LiveSettings

NEVER = 1_000_000_000
"""Collections of the middle generation before one of the oldest."""

PATIENCE = 0.0005
"""Seconds for which a thread that computes keeps the others waiting."""


def make_app(settings: LiveSettings | None = None) -> Starlette:
    """The app; its models are loaded when it starts."""
    chosen = settings or LiveSettings()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.house = house = open_house(chosen)
        if chosen.real_time:
            go_first()
        with undisturbed():
            yield
        house.thinkers.shutdown(wait=False, cancel_futures=True)

    routes = [
        WebSocketRoute("/v1/live", live),
        Route("/v1/live/health", health),
        Route("/v1/live/metrics", metrics),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def open_house(settings: LiveSettings) -> House:
    """Load and warm up all that sessions need."""
    generator = (
        None if settings.generator is None else Generator.from_pretrained(settings.generator)
    )
    house = House(settings, Roster(settings.models), generator)
    house.roster.warm_up()
    return house


@contextmanager
def undisturbed() -> Iterator[None]:
    """Players are kept waiting neither by garbage nor by the generator of a duet.

    A full collection stops everybody at once: ``serve_player`` does it when nobody is left, and
    what is there now is there to stay and never looked at. A thread that computes gives way soon.
    """
    usual, patience = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(*usual[:2], NEVER)
    sys.setswitchinterval(PATIENCE)
    try:
        yield
    finally:
        sys.setswitchinterval(patience)
        gc.set_threshold(*usual)
        gc.unfreeze()


def go_first() -> None:
    """Have this thread, and none that it starts, run as soon as it has something to do."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (AttributeError, OSError) as error:
        raise RuntimeError(
            "real_time: the system does not let this process go first; on Linux it needs the "
            "capability SYS_NICE"
        ) from error


async def live(socket: WebSocket) -> None:
    await serve_player(socket, socket.app.state.house)


async def health(request: Request) -> JSONResponse:
    house: House = request.app.state.house
    return JSONResponse(
        {"status": "ok", "sessions": house.open, "max_sessions": house.settings.max_sessions}
    )


async def metrics(request: Request) -> Response:
    house: House = request.app.state.house
    return Response(house.meters.page(), media_type="text/plain; version=0.0.4")
