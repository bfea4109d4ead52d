"""What there is to measure of an ensemble, and measuring what is not known yet.

Shipped checkpoints in all their modes, with all their hints; the baselines; corrections; and the
runs of a config, seed by seed. Knows checkpoints, the runner and which rows are out of date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arranger.checkpoints import Checkpoint, load
from arranger.ensembles import Ensemble
from arranger.hints import HINT_KINDS

from .baselines import FITTED, load_baselines
from .command import labeller_for, waiting
from .corrections import evaluate_corrections
from .others import OTHER_HINTS, OTHERS, players_of
from .pieces import Labeller, Oracle, Piece
from .results import (
    Key,
    Results,
    Row,
    Seeds,
    checkpoint_digest,
    files_digest,
    load_results,
    protocol_digest,
    save_results,
)
from .runner import evaluate
from .splits import HIDDEN, load_split, reported_splits

CORPORA = {"chorale": "chorales", "quartet": "quartets", "game": "game", "pop": "pop"}
"""The ensembles that are reported, each with the folder of its prepared corpus."""

VELOCITIES_TELL = {"game"}
"""The ensembles that are measured a second time without velocities: a console's triangle has one
volume, which says who plays."""

LOOK_AHEADS = (50, 200)
"""Milliseconds."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """A row that can be measured: ``labeller`` has the digest ``checkpoint``."""

    key: Key
    checkpoint: str
    labeller: Labeller | Oracle

    def measure(self, pieces: Sequence[Piece], ensemble: Ensemble, workers: int) -> dict[str, Any]:
        """The metrics of the row."""
        if self.key.mode == "corrections":
            assert not isinstance(self.labeller, Oracle)
            return evaluate_corrections(self.labeller, pieces, self.key.hints, workers)
        mode, hints = self.key.mode, self.key.hints
        report = evaluate(self.labeller, pieces, hints, ensemble, mode, workers=workers)
        deciles = np.quantile([result.accuracy for result in report.results], np.arange(11) / 10)
        said_by_key = {"ensemble", *Key._fields}
        own = {name: v for name, v in report.metrics.items() if name not in said_by_key}
        return {**own, "confusion": report.confusion.tolist(), "deciles": deciles.tolist()}


def update(
    ensemble: Ensemble,
    corpus: Path,
    folder: Path | None = None,
    workers: int = 1,
    fresh: bool = False,
    say: Say = print,
) -> Results:
    """Measure on the test pieces of ``corpus`` what is not known yet; ``fresh``: everything.

    The results in ``folder`` (None: those of the package) are written after each row, so that a
    measurement that was stopped goes on from there.
    """
    results = load_results(ensemble.name, folder)
    models: set[str] = set()
    splits = reported_splits(corpus)
    if ensemble.name in VELOCITIES_TELL:
        splits += [split + HIDDEN for split in splits]
    for split in splits:
        pieces = load_split(corpus, split, ensemble)
        protocol = protocol_digest(pieces, ensemble)
        for task in tasks(ensemble, split):
            models.add(task.key.model)
            known = results.rows.get(task.key)
            if known and not fresh and known.is_of(task.checkpoint, protocol):
                continue
            metrics = task.measure(pieces, ensemble, workers)
            results = results.plus(Row(task.key, task.checkpoint, protocol, metrics))
            save_results(results, folder)
            say(f"{' '.join(task.key)}: {metrics['seconds']:.0f} s")
    results = results.only(models)
    save_results(results, folder)
    return results


def tasks(ensemble: Ensemble, split: str) -> Iterator[Task]:
    """Every row that the shipped checkpoints and baselines of ``ensemble`` can give; where
    velocities are hidden, those of checkpoints whose answers do not wait."""
    hidden = split.endswith(HIDDEN)
    for name, checkpoint in players_of(ensemble):
        digest = checkpoint_digest(checkpoint)
        for mode, hints in ways(checkpoint):
            passed_over = ensemble.name in OTHERS and hints not in OTHER_HINTS
            if not passed_over and not (hidden and "+" in mode):
                yield Task(Key(name, split, mode, hints), digest, labeller_for(checkpoint, mode))
        if not hidden and name == f"{ensemble.name}-offline":
            for hints in ("none", "both"):
                labeller = labeller_for(checkpoint, "offline")
                yield Task(Key(name, split, "corrections", hints), digest, labeller)
    fitted = FITTED / ensemble.name
    if fitted.is_dir() and not hidden:
        digest = files_digest(sorted(fitted.iterdir()))
        for row in load_baselines(ensemble).rows():
            yield Task(Key(row.scorer.name, split, row.mode, row.hints), digest, row.scorer)


def outdated(ensemble: Ensemble, results: Results) -> int:
    """How many of the rows are not those of the checkpoints and baselines that are shipped now."""
    current = {
        (task.key, task.checkpoint)
        for split in {key.split for key in results.rows}
        for task in tasks(ensemble, split)
    }
    return sum((key, row.checkpoint) not in current for key, row in results.rows.items())


def ways(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """The modes and hints in which a checkpoint is measured; on a stage without hints, and the
    live default with answers that wait."""
    mode = checkpoint.card.mode
    kinds = HINT_KINDS if "hints" in checkpoint.config.values else HINT_KINDS[:1]
    found = [(mode, hints) for hints in kinds]
    if mode == "live":
        found.append(("stage", "none"))
    if checkpoint.card.name == f"{checkpoint.ensemble.name}-live":
        found += [(waiting(m, ms), "none") for m in ("live", "stage") for ms in LOOK_AHEADS]
    return found


def measure_runs(
    runs: Iterable[Path],
    corpus: Path,
    split: str,
    folder: Path | None = None,
    workers: int = 1,
) -> Iterator[Seeds]:
    """Measure training runs on a split, and keep the accuracies of all runs of a name together.

    They take the place of what was kept of that name before. Yields what it finds, as it does.
    """
    by_name: dict[tuple[str, str], list[Checkpoint]] = defaultdict(list)
    for run in runs:
        checkpoint = load(run)
        by_name[checkpoint.ensemble.name, checkpoint.card.name].append(checkpoint)
    for (ensemble_name, name), checkpoints in by_name.items():
        ensemble = checkpoints[0].ensemble
        pieces = load_split(corpus, split, ensemble)
        for mode, hints in ways(checkpoints[0]):
            accuracies = {}
            for checkpoint in checkpoints:
                labeller = labeller_for(checkpoint, mode)
                report = evaluate(labeller, pieces, hints, ensemble, mode, workers=workers)
                accuracies[checkpoint_digest(checkpoint)] = float(report.metrics["accuracy"])
            seeds = Seeds.of(Key(name, split, mode, hints), accuracies)
            save_results(load_results(ensemble_name, folder).plus(seeds), folder)
            yield seeds
