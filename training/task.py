"""What the loop needs of anything that is learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

B = TypeVar("B")


class Batch(Protocol):
    """Examples that a model can be shown together."""

    def to(self, device: torch.device) -> Any:
        """The same batch with what the model reads on ``device``."""


class Task(Protocol[B]):
    """A model to be, its examples, its loss and its score.

    ``config`` is the whole run's: a run is only resumed under the same one.
    """

    config: Any

    def new_model(self) -> nn.Module:
        """The untrained model."""

    def batches(self, size: int) -> int:
        """How many batches every epoch has."""

    def epoch(self, rng: np.random.Generator, size: int) -> Iterator[B]:
        """The batches of one epoch, the same for the same ``rng``."""

    def loss(self, model: Any, batch: B, progress: float, rng: np.random.Generator) -> Tensor:
        """What is to be lessened; ``progress`` through the run goes from 0 to 1."""

    def scores(self, model: Any) -> dict[str, float]:
        """How good the model is on the valid pieces: more is better, and their mean decides."""

    def card(self, training: Mapping[str, Any], scores: Mapping[str, float]) -> Any:
        """The card of a checkpoint with those scores."""
