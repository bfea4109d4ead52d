"""Two applications for Ray Serve: ``api`` and ``live``.

Thin: each deployment wraps a plain class. They are two, so that a redeploy of one never drops the
other, and a long piece never stalls a player.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from typing import Any

from ray import serve
from ray.serve import Application, Deployment
from starlette.types import ASGIApp, Receive, Scope, Send

from .app import make_app
from .jobs.runner import Runner
from .models import Models
from .reading import Reader
from .services import kept_in
from .settings import ApiSettings, section_of


@serve.ingress()
class Api:
    """Answers requests. Its processes stand back behind those of players."""

    def __init__(self, settings: ApiSettings, runner: object) -> None:
        os.nice(settings.nice)
        self._settings = settings
        self._runner = runner  # deployed with this application; nobody calls it

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return make_app(self._settings)


class JobRunner:
    """Does jobs; of several, each job is done by one."""

    def __init__(self, settings: ApiSettings) -> None:
        os.nice(2 * settings.nice)
        store, folder = kept_in(settings.data)
        runner = Runner(
            store, folder, Models(settings.models), Reader(settings.reading), settings.jobs
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=runner.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def check_health(self) -> None:
        """Ray Serve starts another where this raises."""
        if not self._thread.is_alive():
            raise RuntimeError("the runner of jobs has ended")

    async def __del__(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, 5.0)


@serve.ingress()
class Live:
    """Holds sessions with players; the model is in the same process as the socket."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self._args = dict(args)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        from .live.app import make_app as make_live_app  # type: ignore[import-untyped, unused-ignore]
        from .live.settings import LiveSettings  # type: ignore[import-untyped, unused-ignore]

        return unmounted(make_live_app(section_of(LiveSettings, self._args, "args of live")))


def unmounted(app: ASGIApp) -> ASGIApp:
    """``app`` with the whole path, whatever prefix Serve routes to it."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": ""}, receive, send)

    return routed


Options = Mapping[str, Mapping[str, Any]]
"""Options of Ray Serve for each deployment, by its name."""


def api_with(args: Mapping[str, Any], options: Options) -> Application:
    """The application ``api``; ValueError where ``args`` are not its settings."""
    settings = ApiSettings.from_dict(args)
    runner = _deployed(JobRunner, options).bind(settings)
    return _deployed(Api, options).bind(settings, runner)


def live_with(args: Mapping[str, Any], options: Options) -> Application:
    """The application ``live``."""
    return _deployed(Live, options).bind(args)


def _deployed(kind: type[Any], options: Options) -> Deployment:
    deployment: Deployment = serve.deployment(**options.get(kind.__name__, {}))(kind)
    return deployment


BUILT = {"api": api_with, "live": live_with}


def api(args: dict[str, Any]) -> Application:
    """``api`` as ``serve run`` asks for it, which adds the options itself."""
    return api_with(args, {})


def live(args: dict[str, Any]) -> Application:
    """``live`` as ``serve run`` asks for it, which adds the options itself."""
    return live_with(args, {})
