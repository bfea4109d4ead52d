"""How likely a token model finds pieces: the nats of their tokens, each after those before it.

Knows models and tokens; not what the tokens mean, nor files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from arranger.notes import IntArray
from arranger.token_checkpoints import TokenCheckpoint
from arranger.token_configuration import TokenModelConfig
from arranger.token_models import TokenModel
from arranger.tokenizers.bearings import Bearings

from .pieces import TokenPiece

NO_TOKEN = -1


@dataclass(frozen=True)
class TokenBatch:
    """Windows (batch, time) of tokens and, for each, the one to foretell or ``NO_TOKEN``."""

    ids: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> TokenBatch:
        """The same batch on ``device``."""
        return TokenBatch(self.ids.to(device), self.targets.to(device))


def window_batch(windows: Sequence[IntArray], length: int, last_only: bool = False) -> TokenBatch:
    """Windows of at most ``length`` tokens, padded to the longest."""
    longest = max(map(len, windows))
    ids: NDArray[np.int64] = np.zeros((len(windows), longest - 1), np.int64)
    targets = np.full_like(ids, NO_TOKEN)
    for row, (shown, foretold) in enumerate(zip(ids, targets, strict=True)):
        window = windows[row]
        shown[: len(window) - 1] = window[:-1]
        begin = len(window) - 2 if last_only else 0
        foretold[begin : len(window) - 1] = window[1 + begin :]
    return TokenBatch(torch.from_numpy(ids), torch.from_numpy(targets))


@torch.no_grad()
def total_nats(
    model: TokenModel,
    pieces: Sequence[IntArray],
    length: int,
    last_only: bool = False,
    batch: int = 16,
) -> tuple[float, int]:
    """The nats that ``pieces`` (tokens) cost, and how many tokens they are, in windows of
    ``length`` that overlap by one token: every token but a piece's first is foretold once; with
    ``last_only`` only the last of each window."""
    windows = sorted(_windows(pieces, length), key=len)
    device = next(model.parameters()).device
    nats, count = 0.0, 0
    for start in range(0, len(windows), batch):
        shown = window_batch(windows[start : start + batch], length, last_only).to(device)
        scores = model(shown.ids).float().transpose(1, 2)
        nats += float(
            F.cross_entropy(scores, shown.targets, ignore_index=NO_TOKEN, reduction="sum")
        )
        count += int((shown.targets != NO_TOKEN).sum())
    return nats, count


@torch.no_grad()
def mean_nats(
    models: Sequence[TokenModel],
    pieces: Sequence[IntArray],
    length: int,
    moves: Sequence[IntArray],
) -> tuple[float, int]:
    """As ``total_nats``, of a committee that hears as ``arranger.transposing`` hears: what a token
    costs is told by the mean of the probabilities that the models give it in all transpositions
    that have had every token so far."""
    device = next(models[0].parameters()).device
    nats, count = 0.0, 0
    for window in _windows(pieces, length):
        said = np.stack([move[window] for move in moves])  # (transpositions, T)
        had = np.logical_and.accumulate(said >= 0, axis=1)
        ids = torch.from_numpy(np.maximum(said, 0)).to(device)
        each = [
            model(ids[:, :-1]).float().softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
            for model in models
        ]
        likely = torch.stack(each).mean(dim=0).double().cpu().numpy()
        mean = (likely * had[:, 1:]).sum(axis=0) / had[:, :-1].sum(axis=0)
        nats -= float(np.log(mean).sum())
        count += len(mean)
    return nats, count


def _windows(pieces: Sequence[IntArray], length: int) -> list[IntArray]:
    """Windows of at most ``length`` tokens that overlap by one, of two or more."""
    windows = [
        ids[start : start + length]
        for ids in pieces
        for start in range(0, max(1, len(ids) - 1), length - 1)
    ]
    return [window for window in windows if len(window) > 1]


def likelihood(checkpoint: TokenCheckpoint, pieces: Sequence[TokenPiece]) -> dict[str, float]:
    """How likely a checkpoint finds whole pieces, in windows as long as those of its training.

    ``nats_a_token`` is the mean over every token, also what ends a piece, or over a sample of them,
    one in a window, for a model that foretells only the last; ``nats_a_note`` and ``bits_a_second``
    spread that of all ``tokens`` over the pieces' notes and over their time.
    """
    models = [_model(*member, checkpoint.tokenizer.bearings) for member in checkpoint.members]
    said = [piece.ids(checkpoint.tokenizer) for piece in pieces]
    card = checkpoint.card
    length, moves = card.context + 1, checkpoint.moves
    if moves or len(models) > 1:
        nats, count = mean_nats(
            models, said, length, moves or [np.arange(checkpoint.tokenizer.size)]
        )
    else:
        nats, count = total_nats(models[0], said, length, card.last_only)
    tokens = sum(len(ids) - 1 for ids in said)
    notes = sum(len(piece.notes) for piece in pieces)
    seconds = sum(piece.seconds for piece in pieces)
    return {
        "pieces": len(pieces),
        "tokens": tokens,
        "notes": notes,
        "nats_a_token": nats / count,
        "nats_a_note": nats / count * tokens / notes,
        "bits_a_second": nats / count * tokens / math.log(2) / seconds,
    }


def _model(
    config: TokenModelConfig, weights: Mapping[str, NDArray[np.float32]], bearings: Bearings | None
) -> TokenModel:
    model = TokenModel(config, bearings).eval()
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    return model
