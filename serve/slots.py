"""Turns: how many pieces of work a process does at once, and how many may wait.

Work is a plain function that runs in a thread, so that the process goes on answering. Knows
threads and time; not music.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from .problems import busy

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Slots:
    """Does ``at_once`` pieces of work while up to ``waiting`` others wait; more are refused with
    the time after which to ask again."""

    def __init__(self, name: str, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._at_once = at_once
        self._most = at_once + waiting
        self._lock = threading.Lock()
        self._taken = 0
        self._usual = 0.1
        """Seconds that a piece of work has taken of late."""

    @property
    def taken(self) -> int:
        """How many pieces of work are being done or wait."""
        return self._taken

    async def run(
        self, work: Callable[Given, Result], /, *given: Given.args, **named: Given.kwargs
    ) -> Result:
        """What ``work`` returns. Cancelled while it waits, it is never begun."""
        with self._lock:
            if self._taken >= self._most:
                wait = self._taken * self._usual / self._at_once
                raise busy(f"{self._taken} requests are before this one: ask again later", wait)
            self._taken += 1

        def timed() -> Result:
            began = perf_counter()
            try:
                return work(*given, **named)
            finally:
                self._usual += 0.1 * (perf_counter() - began - self._usual)

        future = self._threads.submit(timed)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: Future[Any]) -> None:
        with self._lock:
            self._taken -= 1
