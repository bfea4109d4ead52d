"""Who may ask: a token, the names under which the service may be called, and how often.

A page on another site can make a browser call this machine; so the Host must be one of ours, and
an Origin, where there is one, must be the Host or one of those allowed. Plain ASGI: serves HTTP
and WebSocket alike.
"""

from __future__ import annotations

import hmac
import os
import time
from collections import OrderedDict
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import ProblemError
from .settings import Access

TOKEN = "ARRANGER_TOKEN"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What a load balancer asks, which has no token."""

PAGE = "/studio/"
"""Where the files of the page lie. A browser shows them without a token; the page asks for one."""

_CLIENTS = 10_000
"""Clients that are remembered for their rate."""


class Guard:
    """Lets through what is allowed; the rest is told why not. ``token`` None: from the
    environment; empty: none is asked for."""

    def __init__(
        self, app: ASGIApp, access: Access, requests_a_minute: int = 0, token: str | None = None
    ) -> None:
        self._app = app
        self._hosts = LOOPBACK | frozenset(access.hosts)
        self._origins = frozenset(access.origins)
        self._token = os.environ.get(TOKEN, "") if token is None else token
        self._rates = Rates(requests_a_minute) if requests_a_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            problem = self._refusal(scope)
            if problem is not None:
                await self._refuse(problem, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        headers, path = Headers(scope=scope), scope["path"]
        if path in OPEN_PATHS:
            return None
        host = headers.get("host", "")
        if "*" not in self._hosts and _hostname(f"//{host}") not in self._hosts:
            return ProblemError(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"this service does not go by the name {host!r}: name it under access.hosts",
            )
        origin = headers.get("origin")
        if origin and origin not in self._origins and urlsplit(origin).netloc != host:
            return ProblemError(
                HTTPStatus.FORBIDDEN,
                f"pages of {origin} may not use this service: name it under access.origins",
            )
        is_page = scope["type"] == "http" and (path == "/" or path.startswith(PAGE))
        if (
            self._token
            and not is_page
            and not hmac.compare_digest(_given(headers), self._token.encode())
        ):
            return ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "a token is needed: Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )
        if self._rates is not None:
            wait = self._rates.wait((scope.get("client") or ("",))[0], time.monotonic())
            if wait:
                return ProblemError(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"more than {self._rates.a_minute} requests a minute from this client",
                    {"Retry-After": str(max(1, round(wait)))},
                )
        return None

    async def _refuse(
        self, problem: ProblemError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:120]})
            return
        await problem.response()(scope, receive, send)


class Rates:
    """How long each client must wait so as not to ask more than ``a_minute`` times a minute: a
    bucket that holds a minute's worth and fills steadily."""

    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Seconds until ``client`` may ask; 0, and the request is counted, where it may now."""
        left, since = self._left.pop(client, (float(self.a_minute), now))
        left = min(float(self.a_minute), left + (now - since) * self.a_minute / 60)
        allowed = left >= 1
        self._left[client] = (left - allowed, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.a_minute


def _given(headers: Headers) -> bytes:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip().encode() if scheme.lower() == "bearer" else b""


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
