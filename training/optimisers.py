"""Optimisers and their learning rates, by the names that a config gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import nn

from .configuration import TrainingConfig

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": partial(torch.optim.AdamW, betas=(0.9, 0.98)),
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.9),
}


def make_optimizer(
    options: TrainingConfig, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """The optimiser that ``options`` name; ValueError for an unknown one."""
    if options.optimizer not in OPTIMIZERS:
        raise ValueError(
            f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {options.optimizer!r}"
        )
    make = OPTIMIZERS[options.optimizer]
    optimizer: torch.optim.Optimizer = make(
        parameters, lr=options.rate, weight_decay=options.weight_decay
    )
    return optimizer


def rate_at(options: TrainingConfig, step: int, epoch: int) -> float:
    """The learning rate at ``step``, where an epoch has ``epoch`` steps.

    ``cosine``: from the highest rate to 2 % of it over the run. ``epochs``: times ``decay`` with
    each epoch behind the first ``decay_after``, but never below ``floor``.
    """
    if options.schedule == "cosine":
        rate = options.rate * (0.02 + 0.49 * (1 + math.cos(math.pi * step / options.steps)))
    elif options.schedule == "epochs":
        decayed = max(0, step // epoch - options.decay_after)
        rate = max(options.floor, options.rate * options.decay**decayed)
    else:
        raise ValueError(f"schedule must be cosine or epochs, not {options.schedule!r}")
    return rate * min(1.0, (step + 1) / options.warmup)
