"""What ``arranger train`` and ``arranger calibrate`` do: read a config and a corpus, train,
calibrate, measure.

Knows the loop, the corpus and the library's own arrangers, through which a finished checkpoint is
measured as its users will meet it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from arranger.checkpoints import Card, Checkpoint, find, load, save_card
from arranger.hints import HINT_KINDS
from arranger.offline import Arranger
from arranger.online import LiveArranger
from evaluation.pieces import Labeller, Piece
from evaluation.splits import load_split

from .calibration import Trial, accuracy, answers, best_temperature, errors, fit_curves
from .configuration import RunConfig, load_run
from .described_training import described_run, excerpt_trials
from .loop import Start
from .part_training import part_run
from .pool import read_pool

SAMPLE = 20_000
"""About how many notes of the valid pieces a finished checkpoint is calibrated and measured on."""


def train(
    config: str | Path,
    data: str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
    start: str | Path | None = None,
    also: str | Path | None = None,
) -> Path:
    """Train the run that ``config`` describes on the corpus in ``data``.

    The run's folder (``out``, or runs/NAME-SEED) holds the best checkpoint; a run that was
    stopped goes on from there. ``start`` is a checkpoint that it begins with, with the same
    features; the training pieces of the corpus in ``also`` are learnt besides. Returns the
    folder.
    """
    run = load_run(config)
    if seed is not None:
        run = run.with_seed(seed)
    folder = Path(out) if out else Path("runs") / f"{run.name}-{run.training.seed}"
    begun = None if start is None else _start(start, run)
    if run.model.described:
        if also is not None:
            raise ValueError(f"{config}: learns from corpora in one folder, not from another also")
        learnt, known = (read_pool(Path(data), split) for split in ("train", "valid"))
        described_run(run, learnt, known, folder, begun).train(quiet)
    else:
        train, valid = (load_split(data, split, run.ensemble) for split in ("train", "valid"))
        if also is not None:
            train += load_split(also, "train", run.ensemble)
        part_run(run, train, valid, folder, begun).train(quiet)
    finish(folder, _trials(load(folder), data, SAMPLE))
    return folder


def _start(checkpoint: str | Path, run: RunConfig) -> Start:
    """A model of described parts begins with another; one of an ensemble also with what is
    tailored to it."""
    known = load(checkpoint)
    config, weights = known.config, known.weights
    if known.pattern is not None and run.model.described:
        config, weights = known.pattern.config, known.pattern.weights
    elif known.pattern is not None:
        at_work = known.cast_for(run.ensemble)
        config, weights = at_work.config, at_work.weights
    if config.spec != run.model.spec:
        raise ValueError(f"{checkpoint}: its features are not those of {run.name}")
    return Start(Path(checkpoint).name, weights)


def finish(folder: Path, trials: Sequence[Trial]) -> Card:
    """Calibrate the checkpoint in ``folder`` in ``trials``, and write its numbers on its card."""
    temperature = best_temperature(trials, arranger_for)
    trials = [trial.with_card(temperature=temperature) for trial in trials]
    curves = fit_curves(answers(trials))
    trials = [trial.with_card(certainty=curves) for trial in trials]
    card = replace(trials[0].checkpoint.card, metrics={"valid": measure(trials)})
    save_card(folder, card)
    return card


def calibrate(
    name_or_path: str | Path, data: str | Path, notes: int = SAMPLE, workers: int = 1
) -> Iterator[str]:
    """Write on the card of a checkpoint how sure it is, from ``notes`` of the valid pieces of the
    corpus in ``data``, and say what that gives; its answers stay as they are."""
    if notes < 1:
        raise ValueError(f"calibration needs 1 note or more, not {notes}")
    checkpoint = load(name_or_path)
    trials = _trials(checkpoint, data, notes)
    heard = sum(len(trial.pieces) for trial in trials)
    if heard < 2:
        raise ValueError(f"{data}: calibration needs two valid pieces or more, not {heard}")
    found = list(answers(trials, workers))
    save_card(find(name_or_path), replace(checkpoint.card, certainty=fit_curves(found)))
    yield f"{checkpoint.card.name}: calibrated on {len(found[0].right)} notes; error before, after"
    for one, before, after in errors(found):
        yield f"  {one.mode} {one.hints}: {before:.3f} {after:.3f}"


def _trials(checkpoint: Checkpoint, data: str | Path, notes: int) -> list[Trial]:
    """The valid pieces of a corpus; excerpts of many, for a model of described parts."""
    if checkpoint.pattern is not None:
        return excerpt_trials(checkpoint, read_pool(Path(data), "valid"))
    pieces = load_split(data, "valid", checkpoint.ensemble)
    return [Trial(checkpoint, beginnings(pieces, notes))]


def beginnings(pieces: Sequence[Piece], notes: int) -> list[Piece]:
    """The first notes of every piece, as many of each as make ``notes`` in all. The naming of like
    parts is right or wrong for a whole piece, so that few whole pieces would say little."""
    lengths = np.array([len(piece.notes) for piece in pieces])

    def total(most: int) -> int:
        return int(np.minimum(lengths, most).sum())

    most = max(1, bisect_right(range(lengths.max() + 1), notes, key=total) - 1)
    return [Piece(p.name, p.notes.take(slice(0, most)), p.parts[:most]) for p in pieces]


def measure(trials: Sequence[Trial]) -> dict[str, float]:
    """The accuracy with each kind of hints, and on a stage for a live checkpoint."""
    first = trials[0].checkpoint
    mode = first.card.mode
    kinds = HINT_KINDS if "hints" in first.config.values else HINT_KINDS[:1]
    found = {kind: accuracy(trials, arranger_for, mode, kind) for kind in kinds}
    if mode == "live":
        found["stage"] = accuracy(trials, partial(LiveArranger, stage=True), "stage")
    return found


def arranger_for(checkpoint: Checkpoint) -> Labeller:
    """The arranger that a checkpoint's mode asks for."""
    return Arranger(checkpoint) if checkpoint.card.mode == "offline" else LiveArranger(checkpoint)
