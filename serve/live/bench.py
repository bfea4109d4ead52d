"""``python -m serve.live.bench``: from a key to its answer, through real WebSockets on loopback.

So many players at once strike ten keys a second each, out of step with one another, as in a bundled
piece; the service runs in a process of its own, under uvicorn or Ray Serve. Times are taken by the
players: from handing over a message to reading its answer. ``--neighbours`` keeps every core busy
with processes as nice as those that serve the HTTP API.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

import arranger
from arranger.files import read
from arranger.performance import as_played

from .protocol import NOTE_OFF, NOTE_ON, binary_event

PIECE = Path(arranger.__file__).parent / "examples" / "tegner-betlehems-stjarna.mid"
RATE = 10.0
"""Notes a second of each player."""

NICE = 10
"""How nice those processes are that serve the HTTP API."""

CORE_SECONDS = "process_cpu_seconds_total"
BUSY = (
    "import os; os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)); os.nice({nice})\n"
    "while True: sum(range(10000))"
)


@dataclass
class Player:
    """One session; ``seconds`` are from each key to its answer."""

    seconds: list[float] = field(default_factory=list)
    struck: deque[float] = field(default_factory=deque)

    async def play(
        self, url: str, mode: str, keys: Sequence[tuple[bool, int]], last: float
    ) -> None:
        """Play ``keys`` (goes down, pitch) until ``last``, by the event loop's clock."""
        hello = {"type": "hello", "mode": mode, "form": "binary", "recording": False}
        clock = asyncio.get_running_loop().time
        async with connect(url, max_queue=None, compression=None) as service:
            await service.send(json.dumps(hello))
            assert json.loads(await service.recv())["type"] == "welcome"
            listening = asyncio.create_task(self.listen(service))
            due = clock() + np.random.default_rng(id(self)).uniform(0.0, 1.0 / RATE)
            while due < last:
                for is_on, pitch in keys:
                    await asyncio.sleep(due - clock())
                    kind = NOTE_ON if is_on else NOTE_OFF
                    if is_on:
                        self.struck.append(time.perf_counter())
                        due += 1.0 / RATE
                    await service.send(binary_event(kind, pitch, 64 if is_on else 0))
                    if due >= last:
                        break
            await asyncio.sleep(1.0)
            listening.cancel()

    async def listen(self, service: ClientConnection) -> None:
        async for frame in service:
            if isinstance(frame, bytes) and frame[0] == NOTE_ON:
                self.seconds.append(time.perf_counter() - self.struck.popleft())


def piece() -> list[tuple[bool, int]]:
    """The keys of a piece as somebody plays it: goes down or up, and pitch."""
    notes = read(PIECE).notes
    events = as_played(notes, np.random.default_rng(0))
    return [(event.is_on, int(notes.pitch[event.note])) for event in events]


async def measure(url: str, mode: str, players: int, seconds: float) -> list[Player]:
    """So many players play at once."""
    gc.disable()
    last = asyncio.get_running_loop().time() + seconds
    keys, band = piece(), [Player() for _ in range(players)]
    await asyncio.gather(*(player.play(url, mode, keys, last) for player in band))
    return band


def core_seconds(url: str) -> float:
    """How long the service has kept a core busy, since it began."""
    page = url.replace("ws://", "http://") + "/metrics"
    with urllib.request.urlopen(page, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(CORE_SECONDS))


def report(band: Sequence[Player], core: float) -> str:
    """The numbers of one run, in which the service kept a core busy for ``core`` seconds."""
    took = 1e3 * np.array([second for player in band for second in player.seconds])
    lost = sum(len(player.struck) for player in band)
    median, late, worst = np.quantile(took, (0.5, 0.99, 1.0))
    return (
        f"{len(band):3d} sessions, {len(took):6d} notes: median {median:5.2f} ms, "
        f"99 % {late:6.2f} ms, worst {worst:6.2f} ms, unanswered {lost}; "
        f"{1e3 * core / len(took):.2f} ms of a core for each"
    )


@contextlib.contextmanager
def service(under: str) -> Iterator[str]:
    """The service in a process of its own: its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if under == "uvicorn":
        command = [sys.executable, "-m", "uvicorn", "--factory", "serve.live.app:make_app"]
        command += ["--port", str(port), "--log-level", "warning"]
    else:
        command = [sys.executable, "-m", "serve.live.bench", "--replica", str(port)]
    switches = {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
    environment = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", **switches}
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.PIPE)
    try:
        _wait(f"http://127.0.0.1:{port}/v1/live/health", process)
        yield f"ws://127.0.0.1:{port}/v1/live"
    finally:
        assert process.stdin is not None
        process.stdin.close()
        if under == "uvicorn":
            process.terminate()
        process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() - began > 120:
                raise RuntimeError(f"{url} does not answer") from None
            time.sleep(0.2)


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[None]:
    """So many nice processes that only count."""
    spin = [sys.executable, "-c", BUSY.format(nice=NICE)]
    others = [subprocess.Popen(spin) for _ in range(count)]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


def run_replica(port: int) -> None:
    """One replica of Ray Serve behind its proxy, until the end of the standard input."""
    import ray
    from ray import serve

    from .app import make_app

    ray.init(include_dashboard=False, log_to_driver=False, num_cpus=4)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    replica = serve.ingress(make_app)()
    serve.run(serve.deployment(max_ongoing_requests=200)(replica).bind(), name="live")
    sys.stdin.read()
    serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


def main() -> None:
    """Print a line for each number of sessions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--under", choices=("uvicorn", "ray"), default="uvicorn")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--mode", choices=("stage", "live"), default="stage")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--neighbours", type=int, default=0)
    parser.add_argument("--url", help="a service that runs already")
    parser.add_argument("--replica", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.replica:
        run_replica(chosen.replica)
        return
    known = contextlib.nullcontext(chosen.url) if chosen.url else service(chosen.under)
    with known as url, neighbours(chosen.neighbours):
        for players in chosen.sessions:
            busy, before = os.getloadavg()[0], core_seconds(url)
            band = asyncio.run(measure(url, chosen.mode, players, chosen.seconds))
            print(f"{report(band, core_seconds(url) - before)}; load before {busy:.1f}", flush=True)


if __name__ == "__main__":
    main()
