"""``python -m serve.bench_device --device cuda``: notes a second with numpy and in torch.

The bundled pieces, again and again, are heard by the model, and arranged from first to last: one by
one, and from several threads, which share passes. The ways are taken in turn, and the median round
of each counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import arranger
from arranger.accelerated import AcceleratedEngine
from arranger.checkpoints import Checkpoint, load
from arranger.devices import PRECISIONS
from arranger.engine import Engine
from arranger.features import describe
from arranger.files import read
from arranger.files.formats import READABLE
from arranger.hints import Hints
from arranger.notes import NoteSequence
from arranger.offline import Arranger
from arranger.passes import Features
from arranger.sampling import NextToken
from arranger.token_checkpoints import load_tokens

from .settings import Models

EXAMPLES = Path(arranger.__file__).parent / "examples"
TOKENS = 128
"""Tokens that a generator is given one by one, behind as many at once."""


@dataclass(frozen=True)
class Way:
    """To hear and to arrange with an engine, from so many threads at once."""

    name: str
    engine: Engine
    threads: int = 1

    def run(self, work: Callable[[Any], Any], pieces: Sequence[Any]) -> list[Any]:
        """What ``work`` gives for each piece."""
        if self.threads == 1:
            return [work(piece) for piece in pieces]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, pieces))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure models in torch against numpy.")
    parser.add_argument("--device", default="cuda", help="torch's name of it (cuda)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument("--model", default="chorale-offline")
    parser.add_argument("--generator", default="continuation")
    parser.add_argument("--pieces", type=int, default=48, help="how many (48)")
    parser.add_argument("--rounds", type=int, default=3, help="of each way (3)")
    parser.add_argument("--at-once", type=int, default=Models().at_once, help="threads")
    chosen = parser.parse_args()
    checkpoint = load(chosen.model)
    try:
        engine = partial(AcceleratedEngine, checkpoint, chosen.device, chosen.precision)
        where = f"torch on {chosen.device}, {chosen.precision}"
        ways = [
            Way("numpy", checkpoint.engine()),
            Way("torch on cpu, fp32", AcceleratedEngine(checkpoint)),
            Way(f"{where}, one by one", engine()),
            Way(f"{where}, {chosen.at_once} threads", engine(), chosen.at_once),
        ]
    except ValueError as error:
        parser.error(str(error))
    print_arranging(checkpoint, ways, bundled(chosen.pieces), chosen.rounds)
    print_continuing(chosen.generator, chosen.device, chosen.precision, chosen.rounds)


def print_arranging(
    checkpoint: Checkpoint, ways: Sequence[Way], music: Sequence[NoteSequence], rounds: int
) -> None:
    """Notes a second that the model hears, and that are arranged; and how alike the results are."""
    heard = [features(checkpoint, notes) for notes in music]
    count = sum(len(notes) for notes in music)
    for way in ways:
        if isinstance(way.engine, AcceleratedEngine):
            way.engine.warm_up()
    hearing, hears = in_turn(
        [partial(way.run, partial(_hear, way.engine), heard) for way in ways], rounds
    )
    arrangers = [Arranger(checkpoint, engine=way.engine) for way in ways]
    arranging, arrangements = in_turn(
        [
            partial(way.run, partial(_label, arranger), music)
            for way, arranger in zip(ways, arrangers, strict=True)
        ],
        rounds,
    )
    print(
        f"{checkpoint.card.name}: {len(music)} pieces of {min(map(len, music))} to "
        f"{max(map(len, music))} notes, {count:,} in all, each heard "
        f"{len(checkpoint.card.transpositions)} times"
    )
    for n, way in enumerate(ways):
        print(f"  {way.name}: {count / hearing[n]:,.0f} notes a second heard, ", end="")
        print(f"{count / arranging[n]:,.0f} arranged ", end="")
        print(f"({hearing[0] / hearing[n]:.2f} and {arranging[0] / arranging[n]:.2f} x numpy)")
        apart = max(float(np.abs(a - b).max()) for a, b in zip(hears[n], hears[0], strict=True))
        same = sum(
            int((a.parts == b.parts).sum())
            for a, b in zip(arrangements[n], arrangements[0], strict=True)
        )
        print(f"    heard within {apart:.1g}, {count - same} notes given otherwise", end="")
        if isinstance(way.engine, AcceleratedEngine):
            passes = way.engine.passes
            share = passes.padding / (passes.padding + passes.notes)
            print(f"; {passes.count} passes, of which {100 * share:.1f} % padding", end="")
        print()


def print_continuing(name: str, device: str, precision: str, rounds: int) -> None:
    """Tokens a second, one by one."""
    checkpoint = load_tokens(name)
    models = {"numpy": checkpoint.predictor(), device: checkpoint.predictor(device, precision)}
    seconds, _ = in_turn(
        [partial(_say, model, checkpoint.tokenizer.size) for model in models.values()], rounds
    )
    print(f"{name}: tokens a second, one by one behind {TOKENS}")
    for where, took in zip(models, seconds, strict=True):
        print(f"  {where}: {TOKENS / took:.0f} ({seconds[0] / took:.2f} x numpy)")


def in_turn(works: Sequence[Callable[[], Any]], rounds: int) -> tuple[list[float], list[Any]]:
    """The median seconds of each, and what each gave last; none is timed the first time."""
    results = [work() for work in works]
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for n, work in enumerate(works):
            began = time.perf_counter()
            results[n] = work()
            seconds[n].append(time.perf_counter() - began)
    return [statistics.median(each) for each in seconds], results


def bundled(count: int) -> list[NoteSequence]:
    """So many of the bundled pieces, in turn."""
    paths = sorted(path for path in EXAMPLES.iterdir() if path.suffix in READABLE)
    found = [read(path).notes for path in paths]
    return [found[n % len(found)] for n in range(count)]


def features(checkpoint: Checkpoint, notes: NoteSequence) -> Features:
    """What the model hears of a piece, in each of its hearings."""
    spec = checkpoint.config.spec
    table = describe(notes.on_grid(checkpoint.config.resolution)[0], Hints(), spec)
    moved = [table.transposed(by, spec) for by in checkpoint.card.transpositions]
    return Features(np.stack([t.codes for t in moved]), np.stack([t.values for t in moved]))


def _hear(engine: Engine, given: Features) -> Any:
    return engine.hear(*given)


def _label(arranger: Arranger, notes: NoteSequence) -> Any:
    return arranger.label(notes, Hints())


def _say(model: NextToken, size: int) -> None:
    tokens = np.random.default_rng(0).integers(0, size, (2, TOKENS))
    _, state = model.read(tokens[0])
    for token in tokens[1]:
        _, state = model.read(token[None], state)


if __name__ == "__main__":
    main()
