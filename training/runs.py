"""What ``arranger train`` does: read a config and a corpus, train, calibrate, measure.

Knows the loop, the corpus and the library's own arrangers, through which a finished checkpoint is
measured as its users will meet it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from arranger.checkpoints import Card, Checkpoint, load, save
from arranger.offline import Arranger
from arranger.online import LiveArranger
from evaluation.pieces import Labeller, Piece
from evaluation.runner import evaluate
from evaluation.splits import load_split

from .calibration import best_temperature
from .configuration import RunConfig, load_run
from .loop import Start
from .part_training import part_run

SAMPLE = 10_000
"""About how many notes of the valid pieces a finished checkpoint is calibrated and measured on."""

HINTS = ("none", "entry", "pitch", "both")


def train(
    config: str | Path,
    data: str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
    start: str | Path | None = None,
) -> Path:
    """Train the run that ``config`` describes on the corpus in ``data``.

    The run's folder (``out``, or runs/NAME-SEED) holds the best checkpoint; a run that was
    stopped goes on from there. ``start`` is a checkpoint that it begins with, with the same
    features. Returns the folder.
    """
    run = load_run(config)
    if seed is not None:
        run = run.with_seed(seed)
    folder = Path(out) if out else Path("runs") / f"{run.name}-{run.training.seed}"
    begun = None if start is None else _start(start, run)
    train, valid = (load_split(data, split, run.ensemble) for split in ("train", "valid"))
    part_run(run, train, valid, folder, begun).train(quiet)
    finish(folder, run, valid)
    return folder


def _start(checkpoint: str | Path, run: RunConfig) -> Start:
    known = load(checkpoint)
    if known.config.spec != run.model.spec:
        raise ValueError(f"{checkpoint}: its features are not those of {run.name}")
    return Start(Path(checkpoint).name, known.weights)


def finish(folder: Path, run: RunConfig, valid: Sequence[Piece]) -> Card:
    """Calibrate the checkpoint in ``folder`` on ``valid`` and write its numbers on its card.

    The weights are kept in half precision, which is what is measured.
    """
    checkpoint = load(folder)
    halves = {name: array.astype(np.float16) for name, array in checkpoint.weights.items()}
    weights = {name: array.astype(np.float32) for name, array in halves.items()}
    checkpoint, pieces = replace(checkpoint, weights=weights), beginnings(valid, SAMPLE)
    card = replace(checkpoint.card, transpositions=list(run.transpositions), width=run.width)
    temperature = best_temperature(replace(checkpoint, card=card), pieces, arranger_for)
    card = replace(card, temperature=temperature)
    measured = measure(replace(checkpoint, card=card), pieces)
    card = replace(card, metrics={"valid": measured})
    save(folder, card, halves)
    return card


def beginnings(pieces: Sequence[Piece], notes: int) -> list[Piece]:
    """About so many notes: whole pieces if they have no more, else the beginnings of some, evenly
    spread, of up to a tenth of ``notes`` each."""
    if sum(len(piece.notes) for piece in pieces) <= notes:
        return list(pieces)
    most = notes // 10
    cut = [Piece(p.name, p.notes.take(slice(0, most)), p.parts[:most]) for p in pieces]
    total = sum(len(piece.notes) for piece in cut)
    return cut[:: max(1, round(total / notes))]


def measure(checkpoint: Checkpoint, pieces: Sequence[Piece]) -> dict[str, float]:
    """The accuracy with each kind of hints, and on a stage for a live checkpoint."""
    mode, ensemble = checkpoint.card.mode, checkpoint.ensemble
    kinds = HINTS if "hints" in checkpoint.config.values else ("none",)
    labeller = arranger_for(checkpoint)
    found = {
        kind: float(evaluate(labeller, pieces, kind, ensemble, mode).metrics["accuracy"])
        for kind in kinds
    }
    if mode == "live":
        stage = evaluate(LiveArranger(checkpoint, True), pieces, "none", ensemble, "stage")
        found["stage"] = float(stage.metrics["accuracy"])
    return found


def arranger_for(checkpoint: Checkpoint) -> Labeller:
    """The arranger that a checkpoint's mode asks for."""
    return Arranger(checkpoint) if checkpoint.card.mode == "offline" else LiveArranger(checkpoint)
