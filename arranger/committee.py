"""Several models of the same tokens that expect the mean of what each expects.

What each of them has learnt by heart of its training pieces differs; what they know of music does
not. Knows predictors; not notes, tokenizers or torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .notes import IntArray
from .sampling import NextToken, Scores, probabilities, scores_of


class Committee:
    """``members``: one or more. The state holds theirs."""

    def __init__(self, members: Sequence[NextToken]) -> None:
        self._members = members

    def read(self, ids: IntArray, state: Any = None) -> tuple[Scores, list[Any]]:
        """As ``NextToken.read``; the scores are logarithms of mean probabilities."""
        before = [None] * len(self._members) if state is None else state
        read = [member.read(ids, past) for member, past in zip(self._members, before, strict=True)]
        expected = np.mean([probabilities(scores) for scores, _ in read], axis=0)
        return scores_of(expected), [after for _, after in read]
