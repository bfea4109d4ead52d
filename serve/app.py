"""The application ``api`` as plain ASGI: everything but live sessions.

Runs under any server, in a test as in a replica of Ray Serve. Knows routes and what they share;
not Ray.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from arranger import __version__

from . import problems, reference, schemas
from .counting import Counting
from .guard import Guard
from .http import GONE, ClientGoneError
from .jobs.store import StoreError
from .problems import ProblemError, busy
from .routes import arrangements, catalogue, continuations, evaluations, health, jobs, studio
from .services import Services
from .settings import ApiSettings

_ROUTERS = (arrangements, continuations, evaluations, jobs, catalogue, health, studio)
_FORMS: tuple[type[BaseModel], ...] = (
    *(schemas.ArrangementRequest, schemas.ArrangementOptions, schemas.Arrangement),
    *(schemas.ContinuationRequest, schemas.ContinuationOptions, schemas.Continuation),
    *(schemas.EvaluationOptions, schemas.Evaluation, schemas.JobOptions, schemas.Job),
    schemas.Problem,
)
"""The forms of bodies that routes read and write by themselves."""

_log = logging.getLogger(__name__)


def make_app(settings: ApiSettings, services: Services | None = None) -> ASGIApp:
    """The application; ``services`` are made from the settings unless given."""
    services = services or Services.start(settings)
    counted = Counting(make_api(services), services.metrics)
    return Guard(counted, settings.access, settings.limits.requests_a_minute)


def make_api(services: Services) -> FastAPI:
    """The routes, without what guards and counts them."""
    api = FastAPI(
        title="Arranger",
        version=__version__,
        summary="Gives every note of a piece to a part of an ensemble.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=_lifespan,
    )
    api.state.services = services
    for module in _ROUTERS:
        api.include_router(module.router)
    api.add_api_route("/docs", _docs, include_in_schema=False)
    for kind, handler in _HANDLERS.items():
        api.add_exception_handler(kind, handler)
    api.openapi = lambda: _openapi(api)  # type: ignore[method-assign]
    return api


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    services: Services = api.state.services
    await asyncio.to_thread(services.models.warm_up, services.settings.models.warm)
    yield
    services.close()


async def _docs(request: Request) -> HTMLResponse:
    return HTMLResponse(reference.page(request.app.openapi()), headers=reference.HEADERS)


def _unread(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(place) for place in first["loc"][1:])
    return problems.unprocessable(f"{where}: {first['msg']}").response()


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return ProblemError(HTTPStatus(error.status_code), str(error.detail), error.headers).response()


def _store(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    if error.full:
        return ProblemError(HTTPStatus.INSUFFICIENT_STORAGE, str(error)).response()
    return busy(str(error), 5).response()


def _disk(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return _fault(request, error)
    return ProblemError(HTTPStatus.INSUFFICIENT_STORAGE, "there is no room to keep it").response()


def _gone(_: Request, error: Exception) -> Response:
    return Response(status_code=GONE)


def _fault(_: Request, error: Exception) -> Response:
    _log.error("a fault of ours", exc_info=error)
    detail = "the service has a fault: this has been written to its log"
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail).response()


_HANDLERS: dict[type[Exception], Any] = {
    ProblemError: problems.answer,
    RequestValidationError: _unread,
    HTTPException: _http,
    StoreError: _store,
    OSError: _disk,
    ClientGoneError: _gone,
    ClientDisconnect: _gone,
    Exception: _fault,
}


def _openapi(api: FastAPI) -> dict[str, Any]:
    """OpenAPI, with the forms of bodies that routes read and write by themselves."""
    if api.openapi_schema is None:
        document = get_openapi(
            title=api.title, version=api.version, summary=api.summary, routes=api.routes
        )
        _, forms = models_json_schema(
            [(form, "validation") for form in _FORMS], ref_template="#/components/schemas/{model}"
        )
        known = document.setdefault("components", {}).setdefault("schemas", {})
        for name, form in forms["$defs"].items():
            known.setdefault(name, form)
        api.openapi_schema = document
    return api.openapi_schema
