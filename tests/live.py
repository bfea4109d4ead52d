"""A live service for the tests: tiny models behind a real socket on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import uvicorn
from websockets.sync.client import ClientConnection, connect

from serve.live.app import make_app
from serve.live.settings import LiveSettings


class Service:
    """A service that runs in a thread, at ``url``."""

    def __init__(self, settings: LiveSettings, port: int = 0) -> None:
        config = uvicorn.Config(make_app(settings), port=port, log_level="critical")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = monotonic() + 30
        while not self._server.started:
            assert self._thread.is_alive() and monotonic() < until
            sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/v1/live"
        self.http = f"http://127.0.0.1:{self.port}/v1/live"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def break_connections(self) -> None:
        """As a network does: without a word."""
        for connection in list(self._server.server_state.connections):
            connection.loop.call_soon_threadsafe(connection.transport.abort)

    @contextmanager
    def player(self, **hello: Any) -> Iterator[ClientConnection]:
        """A socket whose hello has been welcomed."""
        with connect(self.url) as socket:
            tell(socket, type="hello", **hello)
            assert hear(socket)["type"] == "welcome"
            yield socket


@contextmanager
def running(models: Path, **settings: Any) -> Iterator[Service]:
    names = (str(models / "chorale-live"), str(models / "chorale-chord-live"))
    service = Service(LiveSettings(models=names, **settings))
    try:
        yield service
    finally:
        service.stop()


def tell(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(10))
