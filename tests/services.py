"""The service under a real server, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from serve.app import make_app
from serve.services import Services
from serve.settings import ApiSettings, Models

MIDI = {"Content-Type": "audio/midi"}


def settings(folder: Path, generator: Path | None = None, **more: Any) -> ApiSettings:
    """Settings of a service that keeps its jobs in ``folder``."""
    folders = () if generator is None else (str(generator),)
    return ApiSettings(folder=str(folder), models=Models(folders=folders), **more)


@contextmanager
def serving(chosen: ApiSettings) -> Iterator[tuple[httpx.Client, Services]]:
    """A client of the service with these settings, and what its routes share."""
    services = Services.start(chosen)
    with listening(make_app(chosen, services)) as port:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield client, services


@contextmanager
def listening(app: ASGIApp) -> Iterator[int]:
    """The port at which ``app`` is served."""
    config = uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def said(answer: httpx.Response, status: int) -> str:
    """The sentence of a refusal, which must be one of the right form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert "\n" not in problem["detail"]
    assert "Traceback" not in problem["detail"]
    return str(problem["detail"])
