"""What routes have in common: which form of answer a client accepts, and whether it still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import Request

from .problems import ProblemError

Result = TypeVar("Result")

GONE = 499
"""The status, in logs and counts alone, of a request whose client did not wait for the answer."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


def accepted(request: Request, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that the client likes best; the first where it does not
    mind."""
    wanted = []
    for entry in request.headers.get("accept", "*/*").split(","):
        kind, _, parameters = entry.strip().lower().partition(";")
        wanted.append((-_quality(parameters), kind.strip()))
    for dislike, kind in sorted(wanted, key=lambda one: one[0]):
        if dislike == 0:
            continue
        for offer in offered:
            if kind in {offer, "*/*", f"{offer.partition('/')[0]}/*"}:
                return offer
    raise ProblemError(
        HTTPStatus.NOT_ACCEPTABLE,
        f"none of the types in Accept can be answered; offered are {', '.join(offered)}",
    )


async def while_waiting(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What ``work`` returns, unless the client goes away before: then it is cancelled."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        watch.cancel()
        task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
