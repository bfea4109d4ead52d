"""What ``arranger train`` does with the config of a token model: read a corpus, train."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from arranger.checkpoints import save
from arranger.token_checkpoints import load_tokens
from evaluation.generation.pieces import load_token_pieces

from .token_configuration import load_token_run
from .token_training import token_run


def train_tokens(
    config: str | Path,
    data: str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
) -> Path:
    """Train the run that ``config`` describes on the corpus in ``data``.

    The run's folder (``out``, or runs/NAME-SEED) holds the best checkpoint by its likelihood of
    the valid pieces, in half precision; a run that was stopped goes on from there. Returns the
    folder.
    """
    run = load_token_run(config)
    if seed is not None:
        run = run.with_seed(seed)
    folder = Path(out) if out else Path("runs") / f"{run.name}-{run.training.seed}"
    tokens = run.make_tokenizer()
    train, valid = (
        load_token_pieces(data, split, tokens, run.valid_share) for split in ("train", "valid")
    )
    token_run(run, train, valid, folder).train(quiet)
    keep_halves(folder)
    return folder


def keep_halves(folder: Path) -> None:
    """Write the weights of the checkpoint in ``folder`` in half precision, as it is measured."""
    checkpoint = load_tokens(folder)
    halves = {name: weight.astype(np.float16) for name, weight in checkpoint.weights.items()}
    save(folder, checkpoint.card, halves)
