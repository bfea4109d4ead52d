"""What ``arranger train`` does with the config of a token model: read a corpus, train."""

from __future__ import annotations

from pathlib import Path

from arranger.token_checkpoints import load_tokens
from evaluation.generation.pieces import load_token_pieces

from .loop import Start
from .token_configuration import TokenRunConfig, load_token_run
from .token_training import token_run


def train_tokens(
    config: str | Path,
    data: str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
    start: str | Path | None = None,
    also: str | Path | None = None,
) -> Path:
    """Train the run that ``config`` describes on the corpus in ``data``.

    The run's folder (``out``, or runs/NAME-SEED) holds the best checkpoint by its likelihood of
    the valid pieces, in half precision; a run that was stopped goes on from there. ``start`` is a
    checkpoint that it begins with, with the same tokens; the training pieces of the corpus in
    ``also`` are learnt besides. Returns the folder.
    """
    run = load_token_run(config)
    if seed is not None:
        run = run.with_seed(seed)
    folder = Path(out) if out else Path("runs") / f"{run.name}-{run.training.seed}"
    tokens = run.make_tokenizer()
    begun = None if start is None else _start(start, run)
    train = load_token_pieces(data, "train", tokens, run.valid_share)
    if also is not None:
        train += load_token_pieces(also, "train", tokens, run.valid_share)
    valid = load_token_pieces(data, "valid", tokens, run.valid_share) if run.valid_share else []
    token_run(run, train, valid, folder, begun).train(quiet)
    return folder


def _start(checkpoint: str | Path, run: TokenRunConfig) -> Start:
    known = load_tokens(checkpoint)
    if dict(known.card.tokenizer) != dict(run.tokenizer):
        raise ValueError(f"{checkpoint}: its tokens are not those of {run.name}")
    return Start(Path(checkpoint).name, known.weights)
