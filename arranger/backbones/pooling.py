"""Pooling: what the notes of a piece that are alike in something are like on average.

Deep sets (Zaheer et al. 2017) over groups of notes: one note weighs as much as another, however
far away it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Pooling(nn.Module):
    """For every note the mean of what is made of each note of its group (``units`` numbers), and
    how many they are, for each of ``pools`` ways to group the notes of a piece and for the piece
    as a whole. ``causal``: of the notes up to this one."""

    def __init__(self, inputs: int, pools: int, units: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.into = nn.Linear(inputs, units)
        self.outputs = (pools + 1) * (units + 1)

    def forward(self, x: Tensor, groups: Tensor, lengths: Tensor) -> Tensor:
        """``x`` (batch, time, inputs), ``groups`` (batch, time, pools) from 0 on, ``lengths``
        (batch,): (batch, time, outputs)."""
        made = torch.relu(self.into(x)).float()
        beyond = torch.arange(x.shape[1], device=x.device) >= lengths.to(x.device)[:, None]
        ways = [*groups.unbind(-1), torch.zeros_like(beyond, dtype=torch.long)]
        means = [group_means(made, way.masked_fill(beyond, -1), self.causal) for way in ways]
        return torch.cat(means, dim=-1).to(x.dtype)


def group_means(made: Tensor, group: Tensor, causal: bool) -> Tensor:
    """The mean of ``made`` (batch, time, width) over the positions of the same ``group`` (batch,
    time), up to each position if ``causal``, and the logarithm of how many these are, in fives:
    (batch, time, width + 1)."""
    time = made.shape[1]
    order = torch.argsort(group, dim=1, stable=True)
    ranked = group.gather(1, order)
    sums = nn.functional.pad(_rows(made, order).cumsum(1), (0, 0, 1, 0))  # before each, then all
    place = torch.arange(time, device=made.device).expand_as(ranked)
    begins = torch.ones_like(ranked, dtype=torch.bool)
    begins[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    first = torch.where(begins, place, 0).cummax(1).values
    last = place + 1
    if not causal:
        ends = torch.roll(begins, -1, 1)
        last = torch.where(ends, last, time).flip(1).cummin(1).values.flip(1)
    count = (last - first)[..., None]
    mean = (_rows(sums, last) - _rows(sums, first)) / count
    found = torch.cat([mean, torch.log1p(count) / 5], dim=-1)
    return _rows(found, torch.argsort(order, dim=1))


def _rows(x: Tensor, index: Tensor) -> Tensor:
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))
