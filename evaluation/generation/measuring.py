"""Measuring trained generators for the report.

Knows checkpoints, what is measured of them and where rows are kept; not how rows are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import arranger
from arranger.continuation import Generator
from arranger.files import read
from arranger.notes import IntArray
from arranger.token_checkpoints import TokenCheckpoint, load_tokens

from .command import Question, measure
from .results import Key, Row, checkpoint_digest, keep
from .speed import first_note, tokens_a_second

SONG = Path(arranger.__file__).parent / "examples" / "old-hundredth.abc"
"""What the first note is waited for behind; any tokens can say it."""


def measure_checkpoints(
    checkpoints: Iterable[Path], question: Question, folder: Path | None = None
) -> Iterator[Row]:
    """A row for each checkpoint, kept in ``folder`` (None: the package) as it is found."""
    for path in checkpoints:
        checkpoint = load_tokens(path)
        card = checkpoint.card
        row = Row(
            key=Key(card.name, question.data.name, question.split),
            checkpoint=checkpoint_digest(checkpoint),
            parameters=sum(weight.size for weight in checkpoint.weights.values()),
            context=card.context,
            training=dict(card.training),
            command=_command(checkpoint, question.data.name),
            speed=_speed(checkpoint),
            measured=measure(checkpoint, question),
        )
        keep([row], folder)
        yield row


def _command(checkpoint: TokenCheckpoint, data: str) -> str:
    """What trained it."""
    card = checkpoint.card
    command = f"arranger train configs/models/{card.name}.yaml --data {data}"
    start = card.training.get("start")
    return f"{command} --start runs/{start}" if start else command


def _speed(checkpoint: TokenCheckpoint) -> dict[str, Any]:
    card = checkpoint.card
    predictor = checkpoint.predictor()
    generator = Generator(card.name, checkpoint.tokenizer, predictor, card.context)
    with threadpool_limits(1):
        rates = tokens_a_second(predictor, heard_throughout(checkpoint))
        waited = first_note(generator, read(SONG).notes)
    return {"tokens_a_second": {str(n): rate for n, rate in rates.items()}, "first_note": waited}


def heard_throughout(checkpoint: TokenCheckpoint) -> IntArray:
    """The tokens that are to be had in every transposition that the model hears: after others it
    would hear fewer, and be quicker."""
    everywhere = np.ones(checkpoint.tokenizer.size, bool)
    for move in checkpoint.moves:
        everywhere &= move >= 0
    return np.flatnonzero(everywhere)
