"""A token model that hears a piece in several transpositions at once, and expects their mean.

Averaging over transpositions evens out what a model has learnt of single keys. Knows predictors
and what each token is in another key; not notes, tokenizers or torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .notes import IntArray
from .sampling import NextToken, Scores, probabilities, scores_of

Heard = list[tuple[Any] | None]
"""The state of the model in each transposition, by itself in a tuple; None where a token has come
that is not to be had in that transposition: it is heard no further."""


class Transposing:
    """``moves``: for each transposition what every token becomes, (tokens,), -1 where it has none
    (``Tokenizer.moved``); one of them changes nothing."""

    def __init__(self, model: NextToken, moves: Sequence[IntArray]) -> None:
        self._model = model
        self._moves = moves

    def read(self, ids: IntArray, state: Any = None) -> tuple[Scores, Heard]:
        """As ``NextToken.read``; the scores are logarithms of mean probabilities."""
        before: Heard = [(None,)] * len(self._moves) if state is None else state
        after: Heard = []
        expected = np.zeros(len(self._moves[0]))
        for move, heard in zip(self._moves, before, strict=True):
            moved = move[ids]
            if heard is None or moved.min() < 0:
                after.append(None)
                continue
            scores, past = self._model.read(moved, heard[0])
            likely = probabilities(scores)
            expected += np.where(move < 0, 0.0, likely[move])
            after.append((past,))
        count = sum(heard is not None for heard in after)
        return scores_of(expected / count), after
