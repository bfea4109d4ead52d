"""Files in, files out: what ``arranger arrange`` does with a path.

Knows files, arrangers and reports; not how a command line is parsed, nor how to draw.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .checkpoints import load_for
from .ensembles import load_ensemble
from .files import FileError, read
from .files.formats import READABLE, WRITABLE
from .hints import Hints, load_hints
from .offline import ArrangedScore, Arranger
from .online import LiveArranger

PICTURES = (".png",)
OUTPUTS = (*WRITABLE, *PICTURES)
"""The suffixes that a result may have: those of scores, and of a picture of one."""

CORPUS_INDEX = "split.json"
"""A prepared corpus keeps its splits in this file, which is no score."""

Draw = Callable[[ArrangedScore, str, Path], None]


@dataclass(frozen=True)
class Job:
    """One file to arrange, where the result goes, and a picture of it if there is to be one."""

    source: Path
    output: Path
    picture: Path | None = None

    def alternative(self, n: int) -> Path:
        """Where the ``n``-th best result goes; the best one is the first."""
        return self.output if n == 1 else self.output.with_stem(f"{self.output.stem}-{n}")


@dataclass(frozen=True)
class Outcome:
    """A finished job. ``others`` are the alternatives to its result that were asked for."""

    job: Job
    result: ArrangedScore
    model: str
    seconds: float
    others: tuple[ArrangedScore, ...] = ()

    def lines(self) -> list[str]:
        """What was done, for a person to read."""
        arrangement, score = self.result.arrangement, self.result.score
        count = Counter(arrangement.parts.tolist())
        shares = ", ".join(f"{p.name} {count[k]}" for k, p in enumerate(arrangement.ensemble.parts))
        what = f"{len(score.notes)} notes ({shares})"
        if len(score.notes) == 0:
            what = "no notes to arrange; all else was kept"
        said = [f"{self.job.source} -> {self.job.output}: {what}"]
        said += [f"  warning: {warning}" for warning in score.warnings]
        for n, other in enumerate(self.others, 2):
            differ = int((other.arrangement.parts != arrangement.parts).sum())
            said.append(f"  {self.job.alternative(n)}: {differ} notes given otherwise")
        said += [f"  {violation.reason}" for violation in arrangement.violations[:10]]
        if len(arrangement.violations) > 10:
            said.append(f"  and {len(arrangement.violations) - 10} more like these")
        return said

    def report(self) -> dict[str, Any]:
        """What was done, for a program to read."""
        arrangement = self.result.arrangement
        notes, names = arrangement.notes, arrangement.ensemble.names
        sure = arrangement.confidence
        return {
            "input": str(self.job.source),
            "output": str(self.job.output),
            "model": self.model,
            "ensemble": arrangement.ensemble.name,
            "seconds": round(self.seconds, 3),
            "notes": len(notes),
            "parts": {name: int((arrangement.parts == k).sum()) for k, name in enumerate(names)},
            "mean_confidence": round(float(sure.mean()), 4) if len(sure) else None,
            "warnings": list(self.result.score.warnings),
            "violations": [violation._asdict() for violation in arrangement.violations],
            "decisions": [
                {"onset": o, "pitch": p, "part": names[k], "confidence": round(c, 4)}
                for o, p, k, c in zip(
                    notes.onset.tolist(),
                    notes.pitch.tolist(),
                    arrangement.parts.tolist(),
                    sure.tolist(),
                    strict=True,
                )
            ],
        }


@dataclass(frozen=True)
class Order:
    """What is wanted of every file: names or paths, as a person gives them."""

    ensemble: str = "chorale"
    mode: str = "offline"
    model: str | None = None
    hints: Path | None = None
    alternatives: int = 1

    def __post_init__(self) -> None:
        if self.alternatives < 1:
            raise ValueError(f"alternatives must be 1 or more, not {self.alternatives}")
        if self.alternatives > 1 and self.mode != "offline":
            raise ValueError(f"alternatives need the whole piece: mode offline, not {self.mode}")


class Desk:
    """Arranges one file after the other with one model."""

    def __init__(self, order: Order) -> None:
        ensemble = load_ensemble(order.ensemble)
        checkpoint = load_for(order.model, ensemble, order.mode)
        self.hints = load_hints(order.hints, ensemble) if order.hints else Hints()
        self.alternatives = order.alternatives
        offline = order.mode == "offline"
        self._arranger = Arranger(checkpoint) if offline else LiveArranger(checkpoint)

    def arrange(self, job: Job) -> Outcome:
        """Arrange one file in memory; FileError if it cannot be read."""
        began = time.perf_counter()
        score = read(job.source)
        beyond = [n for n in self.hints.locks if not 0 <= n < len(score.notes)]
        if beyond:
            raise FileError(
                f"{job.source}: there is no note {beyond[0]} to lock; its {len(score.notes)} "
                f"notes are counted from 0"
            )
        if isinstance(self._arranger, Arranger):
            found = self._arranger.alternatives(score.notes, self.hints, self.alternatives)
        else:
            found = [self._arranger.label(score.notes, self.hints)]
        seconds = time.perf_counter() - began
        best, *others = (ArrangedScore(score, arrangement) for arrangement in found)
        return Outcome(job, best, self._arranger.name, seconds, tuple(others))


def plan(source: Path, output: Path, picture: Path | None = None) -> list[Job]:
    """The jobs that a source and an output mean: one for a file, one each for a folder's files.

    In a folder, each result takes the name of its source, as MIDI. Raises ValueError for what
    cannot be meant.
    """
    if not source.is_dir():
        for path, suffixes in ((output, OUTPUTS), (picture, PICTURES)):
            if path is not None and path.suffix.lower() not in suffixes:
                raise ValueError(f"{path}: expected a suffix among {', '.join(suffixes)}")
        return [Job(source, output, picture)]
    if picture is not None:
        raise ValueError(f"{picture}: a picture shows one piece, and {source} is a folder")
    found = (p for p in source.rglob("*") if p.suffix.lower() in READABLE and p.is_file())
    sources = sorted(p for p in found if p.name != CORPUS_INDEX)
    if not sources:
        raise ValueError(f"{source}: no file with a suffix among {', '.join(READABLE)}")
    jobs, taken = [], set()
    for path in sources:
        target = output / path.relative_to(source).with_suffix(".mid")
        if target in taken:  # the same name with another suffix
            target = target.with_name(f"{path.name}.mid")
        taken.add(target)
        jobs.append(Job(path, target))
    return jobs


def run(
    order: Order, jobs: Sequence[Job], draw: Draw, workers: int = 1
) -> Iterator[Outcome | FileError]:
    """Arrange and write each job, in order, with so many processes; a file that cannot be used
    gives its error instead.

    Raises ValueError before the first job for an order that cannot be carried out.
    """
    desk = Desk(order)
    if min(workers, len(jobs)) <= 1:
        return (carry_out(desk, draw, job) for job in jobs)
    return _share(order, jobs, draw, min(workers, len(jobs)))


def _share(
    order: Order, jobs: Sequence[Job], draw: Draw, workers: int
) -> Iterator[Outcome | FileError]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers, initializer=_open_desk, initargs=(order,)) as pool:
        yield from pool.map(partial(_do_at_desk, draw), jobs)


_desks: list[Desk] = []
"""The desk of a process that shares in the work."""


def _open_desk(order: Order) -> None:
    _desks.append(Desk(order))


def _do_at_desk(draw: Draw, job: Job) -> Outcome | FileError:
    return carry_out(_desks[0], draw, job)


def carry_out(desk: Desk, draw: Draw, job: Job) -> Outcome | FileError:
    """Arrange and write one job; the error of a file that cannot be used."""
    try:
        outcome = desk.arrange(job)
        job.output.parent.mkdir(parents=True, exist_ok=True)
        for n, result in enumerate((outcome.result, *outcome.others), 1):
            if job.output.suffix.lower() in PICTURES:
                draw(result, job.source.stem, job.alternative(n))
            else:
                result.write(job.alternative(n))
        if job.picture is not None:
            draw(outcome.result, job.source.stem, job.picture)
    except FileError as error:
        return error
    except OSError as error:
        where = error.filename or job.output
        return FileError(f"{where}: cannot be written ({error.strerror or error})")
    return outcome


def write_report(report: dict[str, Any] | list[dict[str, Any]], path: Path) -> None:
    """Write the report of one file, or a list of those of a folder's files, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
