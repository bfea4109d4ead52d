"""``make bench-serve``: what the service adds to the model, and how it bears what is too much.

Absolute times drift with the machine and with what else runs on it; so each figure of the service
is taken in turn with the same work done in this process, and told as a ratio. Live sessions have a
bench of their own. ``--url`` measures a service that runs already.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from arranger.files import read_bytes
from evaluation.bench import made_up

from . import answers, settings, work
from .launch import serving
from .models import Models
from .schemas import ArrangementOptions

QUERY = "/v1/arrangements?ensemble=chorale"
BEATS = 125
"""Of the made-up piece, which then has some 500 notes."""

HTTP_GOAL = "goal: 1.5 times and 2 ms more"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure the service.")
    parser.add_argument("--url", help="a service that runs; otherwise one is started")
    parser.add_argument("--port", type=int, default=8000, help="where to start one (8000)")
    parser.add_argument("--rounds", type=int, default=40, help="requests of each kind (40)")
    parser.add_argument("--clients", type=int, default=16, help="clients at once (16)")
    arguments = parser.parse_args()
    service = settings.load().at(None, arguments.port)
    began, used = time.perf_counter(), tree_seconds()
    running = nullcontext(0.0) if arguments.url else serving(service)
    with running as seconds:
        url = arguments.url or f"http://127.0.0.1:{service.port}"
        if not arguments.url:
            spent = tree_seconds() - used
            took = time.perf_counter() - began
            print(f"start: {seconds:.1f} s, of which {spent:.1f} s of processor time", end="")
            print(f" ({took:.1f} s with imports; goal: 20 s)")
            print(f"idle: {megabytes():.0f} MB in all its processes together")
        print_offline(url, arguments.rounds)
        print_throughput(url, arguments.rounds, arguments.clients)
        print_overload(url)


def print_offline(url: str, rounds: int) -> None:
    """One request at a time, in turn with the same work in this process."""
    piece = made_up(BEATS)
    notes = len(read_bytes(piece, ".mid", "piece").notes)
    for kind in (answers.MIDI, answers.JSON):
        alone = in_process(piece, kind)
        inside, outside = [], []
        with asking(url, kind) as ask:
            ask(piece)
            for _ in range(rounds):
                inside.append(timed(alone))
                outside.append(timed(partial(ask, piece)))
        a, b = statistics.median(inside), statistics.median(outside)
        print(f"{notes} notes, MIDI to {kind}: in process {1000 * a:.1f} ms, ", end="")
        print(f"through HTTP {1000 * b:.1f} ms: {b / a:.2f} times ({HTTP_GOAL})")


def print_throughput(url: str, rounds: int, clients: int) -> None:
    """Many clients at once, in turn with the model alone on one core."""
    piece = made_up(BEATS)
    alone = in_process(piece, answers.MIDI)
    inside, outside, refused = [], [], 0
    for _ in range(3):
        inside.append(timed(lambda: [alone() for _ in range(rounds)]) / rounds)
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            found = list(pool.map(lambda _: ask_once(url, piece), range(rounds)))
        served = found.count(200)
        refused += len(found) - served
        outside.append((time.perf_counter() - began) / max(1, served))
    a, b = statistics.median(inside), statistics.median(outside)
    print(f"{clients} clients: {1 / b:.1f} pieces a second; the model alone {1 / a:.1f}: ", end="")
    print(f"{100 * a / b:.0f} % (goal: 90 %); {refused} refused")


def print_overload(url: str, at_once: int = 200) -> None:
    """So many requests at once: what is answered, and what memory is left taken."""
    piece = made_up(BEATS)
    for _ in range(20):
        ask_once(url, piece)
    before = megabytes()
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        found = Counter(pool.map(lambda _: ask_once(url, piece), range(at_once)))
    seconds = time.perf_counter() - began
    time.sleep(2)
    after = megabytes()
    told = ", ".join(f"{count} x {status}" for status, count in sorted(found.items()))
    print(f"{at_once} requests at once: {told}, the last after {seconds:.1f} s; ", end="")
    print(f"memory {before:.0f} MB before, {after:.0f} MB after ({after / before - 1:+.1%})")


def in_process(piece: bytes, kind: str) -> Callable[[], bytes]:
    """The same work as a request's: from the bytes of a file to the bytes of another."""
    models = Models(settings.Models())

    def work_on() -> bytes:
        source = work.Source("piece", read_bytes(piece, ".mid", "piece"))
        return answers.arranged_as(kind, work.arrange(models, source, ArrangementOptions()))

    work_on()
    return work_on


@contextmanager
def asking(url: str, kind: str = answers.MIDI) -> Iterator[Callable[[bytes], int]]:
    """Ask over one connection that stays; the answer comes as ``kind``."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)

    def ask(piece: bytes) -> int:
        line.request("POST", QUERY, piece, {"Content-Type": answers.MIDI, "Accept": kind})
        answer = line.getresponse()
        answer.read()
        return answer.status

    try:
        yield ask
    finally:
        line.close()


def ask_once(url: str, piece: bytes) -> int:
    """The status of one answer over a connection of its own; 0 where there was none."""
    try:
        with asking(url) as ask:
            return ask(piece)
    except OSError:
        return 0


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def megabytes() -> float:
    """The memory of this process's descendants, what they share counted once."""
    total = 0
    for process in descendants():
        try:
            lines = (process / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def tree_seconds() -> float:
    """Processor time of this process and its descendants."""
    ticks = 0
    for process in [Path(f"/proc/{os.getpid()}"), *descendants()]:
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def descendants() -> list[Path]:
    """The processes below this one."""
    parents: dict[str, list[str]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            parents.setdefault(parent, []).append(process.name)
    found, ahead = [], [str(os.getpid())]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found += children
        ahead += children
    return [Path("/proc") / number for number in found]


if __name__ == "__main__":
    main()
