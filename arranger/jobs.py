"""Files in, files out: what ``arranger arrange`` does with a path.

Knows files, arrangers and reports; not how a command line is parsed, nor how to draw.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checkpoints import load
from .ensembles import load_ensemble
from .files import FileError, read
from .hints import Hints, load_hints
from .offline import ArrangedScore, Arranger
from .online import LiveArranger

READABLE = (".mid", ".midi", ".musicxml", ".xml", ".mxl", ".abc", ".json")
WRITABLE = (".mid", ".musicxml", ".json", ".png")

Draw = Callable[[ArrangedScore, str, Path], None]


@dataclass(frozen=True)
class Job:
    """One file to arrange, and where the result goes."""

    source: Path
    output: Path


@dataclass(frozen=True)
class Outcome:
    """A finished job."""

    job: Job
    result: ArrangedScore
    model: str
    seconds: float

    def lines(self) -> list[str]:
        """What was done, for a person to read."""
        arrangement, score = self.result.arrangement, self.result.score
        count = Counter(arrangement.parts.tolist())
        shares = ", ".join(f"{p.name} {count[k]}" for k, p in enumerate(arrangement.ensemble.parts))
        said = [f"{self.job.source} -> {self.job.output}: {len(score.notes)} notes ({shares})"]
        said += [f"  warning: {warning}" for warning in score.warnings]
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
            "parts": {
                name: int((arrangement.parts == k).sum()) for k, name in enumerate(names)
            },
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


class Desk:
    """Arranges one file after the other with one model."""

    def __init__(self, ensemble: str, mode: str, model: str | None, hints: Path | None) -> None:
        self.ensemble = load_ensemble(ensemble)
        checkpoint = load(model or f"{self.ensemble.name}-{mode}")
        if checkpoint.ensemble.names != self.ensemble.names:
            raise ValueError(
                f"model {checkpoint.card.name} arranges for {', '.join(checkpoint.ensemble.names)}"
                f", not for {', '.join(self.ensemble.names)}"
            )
        if (checkpoint.card.mode == "offline") != (mode == "offline"):
            raise ValueError(f"model {checkpoint.card.name} is {checkpoint.card.mode}, not {mode}")
        self.hints = load_hints(hints, self.ensemble) if hints else Hints()
        self._arranger = (
            Arranger(checkpoint) if mode == "offline" else LiveArranger(checkpoint)
        )

    def arrange(self, job: Job) -> Outcome:
        """Arrange one file in memory; FileError if it cannot be read."""
        began = time.perf_counter()
        score = read(job.source)
        beyond = [n for n in self.hints.locks if not 0 <= n < len(score.notes)]
        if beyond:
            raise ValueError(
                f"{job.source}: there is no note {beyond[0]} to lock, only {len(score.notes)}"
            )
        arrangement = self._arranger.label(score.notes, self.hints)
        seconds = time.perf_counter() - began
        return Outcome(job, ArrangedScore(score, arrangement), self._arranger.name, seconds)


def plan(source: Path, output: Path) -> list[Job]:
    """The jobs that a source and an output mean: one for a file, one each for a folder's files.

    In a folder, each result takes the name of its source, as MIDI.
    """
    if not source.is_dir():
        if output.suffix.lower() not in WRITABLE:
            raise ValueError(f"{output}: expected a suffix among {', '.join(WRITABLE)}")
        return [Job(source, output)]
    sources = sorted(p for p in source.rglob("*") if p.suffix.lower() in READABLE and p.is_file())
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


def run(desk: Desk, jobs: Iterable[Job], draw: Draw) -> Iterator[Outcome | FileError]:
    """Arrange and write each job; a file that cannot be used gives its error instead."""
    for job in jobs:
        try:
            outcome = desk.arrange(job)
            job.output.parent.mkdir(parents=True, exist_ok=True)
            if job.output.suffix.lower() == ".png":
                draw(outcome.result, job.source.stem, job.output)
            else:
                outcome.result.write(job.output)
        except FileError as error:
            yield error
        else:
            yield outcome


def write_report(outcomes: list[Outcome], path: Path) -> None:
    """One report as an object, several as a list."""
    reports = [outcome.report() for outcome in outcomes]
    document = reports[0] if len(reports) == 1 else reports
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


