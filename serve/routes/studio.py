"""GET /: the studio, a page where people arrange, hear and correct.

Serves what is built in ``serve/studio/dist``; knows nothing of what the page does.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from ..problems import ProblemError

router = APIRouter(include_in_schema=False)
BUILT = Path(__file__).parent.parent / "studio" / "dist"
HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "connect-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Permissions-Policy": "midi=(self), camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Nothing from elsewhere, nothing inline; a new build is seen at the next reload."""

_files = StaticFiles(directory=BUILT)


@router.get("/")
async def page(request: Request) -> Response:
    return await _answered("index.html", request)


@router.get("/studio/{name}")
async def file(name: Annotated[str, InPath(max_length=100)], request: Request) -> Response:
    return await _answered(name, request)


async def _answered(name: str, request: Request) -> Response:
    try:
        response = await _files.get_response(name, request.scope)
    except HTTPException as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"the studio has no file {name!r}") from error
    response.headers.update(HEADERS)
    return response
