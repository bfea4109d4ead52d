"""What a client is told when something cannot be done: one sentence, as RFC 9457 has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from arranger.checkpoints import CheckpointError

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """``detail`` is one sentence that says what happened and what was expected."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    def document(self) -> dict[str, object]:
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }

    def response(self) -> Response:
        body = json.dumps(self.document(), ensure_ascii=False).encode(errors="backslashreplace")
        return Response(body, self.status, self.headers, MEDIA_TYPE)


def busy(detail: str, seconds: float) -> ProblemError:
    """What cannot be done now and may be asked again after so many seconds."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(max(1, round(seconds)))}
    )


def unprocessable(detail: str) -> ProblemError:
    """What was understood and cannot be done."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


@contextmanager
def refusals() -> Iterator[None]:
    """What the library refuses, with one sentence, is what the client is told."""
    try:
        yield
    except CheckpointError as error:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
    except ValueError as error:  # FileError is of this kind
        raise unprocessable(str(error)) from error


def answer(_: Request, problem: Exception) -> Response:
    """The response to a ProblemError that a route raised."""
    assert isinstance(problem, ProblemError)
    return problem.response()
