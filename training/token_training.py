"""What a token model learns: the next token, in windows of varied pieces.

Gives the loop batches, a loss and a score; knows models, pieces and tokenizers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from arranger.notes import IntArray, NoteSequence
from arranger.token_checkpoints import TokenCard
from arranger.token_models import TokenModel
from arranger.tokenizers.chords import ChordTokens
from evaluation.generation.likelihood import NO_TOKEN, TokenBatch, total_nats, window_batch
from evaluation.generation.pieces import TokenPiece

from .batches import POOL
from .loop import Run, Start
from .token_configuration import TokenRunConfig

NOTHING = NoteSequence.from_rows(())[0]
STYLED = 0.5
"""The share of a piece's beginnings that say its style."""


class TokenTraining:
    """Learns ``train``; its score is minus the nats a token on ``valid``."""

    def __init__(
        self, config: TokenRunConfig, train: Sequence[TokenPiece], valid: Sequence[TokenPiece]
    ) -> None:
        self.config = config
        self.tokens = config.make_tokenizer()
        self.pieces = train
        self._ids: dict[tuple[int, int], IntArray] = {}
        self._rooms = [piece.room(self.tokens, config.windows.transpose) for piece in train]
        ahead = config.windows.length - 1
        weights = config.windows.weights
        self._shares = [
            -(-(len(self._said(i, 0)) - 1) // ahead) * weights.get(piece.style or "", 1)
            for i, piece in enumerate(train)
        ]
        few = config.training.valid
        looked_at = valid[:: -(-len(valid) // few)] if few else valid
        self._valid = [piece.ids(self.tokens) for piece in looked_at]

    def new_model(self) -> TokenModel:
        return TokenModel(self.config.model, self.tokens.bearings)

    def batches(self, size: int) -> int:
        return -(-sum(self._shares) // size)

    def epoch(self, rng: np.random.Generator, size: int) -> Iterator[TokenBatch]:
        """As many windows of each piece as cover it, at random places, each varied anew, batched
        with windows of a like length."""
        order = np.repeat(np.arange(len(self.pieces)), self._shares)
        rng.shuffle(order)
        config = self.config.windows
        for start in range(0, len(order), POOL * size):
            windows = [self._window(int(i), rng) for i in order[start : start + POOL * size]]
            windows.sort(key=len)
            batches = [windows[i : i + size] for i in range(0, len(windows), size)]
            for b in rng.permutation(len(batches)):
                yield window_batch(batches[b], config.length, config.last_only)

    def loss(
        self, model: TokenModel, batch: TokenBatch, progress: float, rng: np.random.Generator
    ) -> Tensor:
        """Mean cross entropy over the tokens to foretell."""
        return F.cross_entropy(
            model(batch.ids).float().transpose(1, 2),
            batch.targets,
            ignore_index=NO_TOKEN,
            label_smoothing=self.config.training.smoothing,
        )

    def scores(self, model: TokenModel) -> dict[str, float]:
        if not self._valid:
            return {}
        windows = self.config.windows
        nats, count = total_nats(model, self._valid, windows.length, windows.last_only)
        return {"likelihood": -nats / count}

    def card(self, training: Mapping[str, Any], scores: Mapping[str, float]) -> TokenCard:
        config = self.config
        return TokenCard(
            name=config.name,
            tokenizer=dict(config.tokenizer),
            config=config.model.to_dict(),
            context=config.windows.length - 1,
            data=config.data,
            licence=config.licence,
            last_only=config.windows.last_only,
            transpositions=list(config.transpositions),
            training={**training, "pieces": len(self.pieces)},
            metrics={"valid": {"nats": -scores["likelihood"]}} if scores else {},
        )

    def _window(self, i: int, rng: np.random.Generator) -> IntArray:
        low, high = self.config.windows.stretch
        if low < high and self.tokens.in_seconds:
            room = self._rooms[i]
            ids = self.pieces[i].ids(self.tokens, int(rng.choice(room)), rng.uniform(low, high))
        else:
            ids = self._said(i, int(rng.choice(self._rooms[i])))
        length, style = self.config.windows.length, self.pieces[i].style
        begin = 0 if style is None else -length // 4  # a style is told from how a piece begins
        start = max(0, int(rng.integers(begin, max(1, len(ids) - length + 1))))
        start -= start % self.config.windows.align
        window = ids[start : start + length]
        if start == 0 and style is not None and rng.random() < STYLED:
            opened = len(self.tokens.opening)
            said = self.tokens.encode(NOTHING, style=style)
            window = np.concatenate([window[:opened], said, window[opened:]])[:length]
        return window

    def _said(self, i: int, semitones: int) -> IntArray:
        if (i, semitones) not in self._ids:
            self._ids[i, semitones] = self.pieces[i].ids(self.tokens, semitones)
        return self._ids[i, semitones]


def token_run(
    config: TokenRunConfig,
    train: Sequence[TokenPiece],
    valid: Sequence[TokenPiece],
    folder: Path,
    start: Start | None = None,
    device: str | None = None,
) -> Run:
    """The run that ``config`` describes, its words learnt from ``train``."""
    if config.learn_words:
        known = ChordTokens.learn((piece.notes for piece in train), config.learn_words)
        config = config.with_words(known)
    return Run(TokenTraining(config, train, valid), config.training, folder, device, start)
