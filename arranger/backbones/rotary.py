"""A Transformer of today's kind: rotary positions (Su et al. 2021), RMS norms before each layer,
gated feed-forward layers (Shazeer 2020) and torch's own attention.

Its positions may be musical: then some pairs of numbers turn by given angles instead of with the
count of positions, and a vector knows its place in the bar, the class and the octave of its pitch.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .causal import CausalBackbone, Past, visible

BASE = 10_000.0
CHROMAS, OCTAVES = 12, 11
EPSILON = torch.finfo(torch.float32).eps
"""Of the norms, in any precision: that of half precision would hide what is small."""


class RotaryState(NamedTuple):
    """``position`` of the next vector; keys, already rotated, and values of each layer."""

    position: int
    pasts: tuple[tuple[Past, Past], ...]


class Positions(NamedTuple):
    """Of each vector: angles (batch, time, pairs), place in the bar (batch, time), and pitch."""

    angles: Tensor
    place: Tensor
    pitch: Tensor


class RotaryLayer(nn.Module):
    """Attention and a gated feed-forward layer, each normed before and added to its input."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.RMSNorm(width, EPSILON)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.feed_norm = nn.RMSNorm(width, EPSILON)
        self.feed_in = nn.Linear(width, 2 * feed_forward, bias=False)
        self.feed_out = nn.Linear(feed_forward, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, past: tuple[Past, Past], turn: Tensor, window: int | None
    ) -> tuple[Tensor, tuple[Past, Past]]:
        """``turn`` (2, time, d / 2), or (2, batch, 1, time, d / 2): the cosine and sine of each
        position's angles."""
        batch, time, width = x.shape
        projected = self.query_key_value(self.attention_norm(x)).view(
            batch, time, 3, self.heads, -1
        )
        q, k, v = projected.permute(2, 0, 3, 1, 4)  # (batch, heads, time, d)
        keep = None if window is None else window + time - 1  # the first query still sees its own
        past = (past[0].append(_rotated(k, turn), keep), past[1].append(v, keep))
        keys, values = past[0].rows, past[1].rows
        count = keys.shape[2]
        if time == 1 or (count == time and (window is None or time <= window)):
            causal = time > 1  # a single one sees all that are kept
            y = F.scaled_dot_product_attention(_rotated(q, turn), keys, values, is_causal=causal)
        else:
            mask = visible(time, count, window, x.device)
            y = F.scaled_dot_product_attention(_rotated(q, turn), keys, values, attn_mask=mask)
        x = x + self.dropout(self.out(y.transpose(1, 2).reshape(batch, time, width)))
        gate, value = self.feed_in(self.feed_norm(x)).chunk(2, dim=-1)
        return x + self.dropout(self.feed_out(F.silu(gate) * value)), past


class RotaryTransformer(CausalBackbone[RotaryState]):
    """``window``: how many positions one sees, itself among them; None: all. ``places``: how
    many there are in a bar, for musical positions; 0: they are plain."""

    def __init__(
        self,
        inputs: int,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        dropout: float = 0.0,
        window: int | None = None,
        places: int = 0,
    ) -> None:
        super().__init__()
        self.outputs = width
        self.heads = heads
        self.pairs = width // heads // 2
        self.window = window
        self.embed = nn.Identity() if inputs == width else nn.Linear(inputs, width, bias=False)
        if places:
            self.place = nn.Embedding(places, width)
            self.chroma = nn.Embedding(CHROMAS, width)
            self.octave = nn.Embedding(OCTAVES, width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            RotaryLayer(width, heads, feed_forward, dropout) for _ in range(layers)
        )
        self.norm = nn.RMSNorm(width, EPSILON)

    def initial_state(self, batch: int) -> RotaryState:
        like = self.norm.weight
        empty = Past.empty(like, batch, self.heads, self.outputs // self.heads)
        return RotaryState(0, tuple((empty, empty) for _ in self.layers))

    def extend(
        self, x: Tensor, state: RotaryState, where: Positions | None = None
    ) -> tuple[Tensor, RotaryState]:
        """``where`` each of ``x`` stands, for musical positions."""
        turn = self._turn(state.position, x, where)
        x, after = self.embed(x), []
        if where is not None:
            x = x + self.place(where.place)
            x = x + self.chroma(where.pitch % CHROMAS) + self.octave(where.pitch // CHROMAS)
        x = self.dropout(x)
        for layer, before in zip(cast("list[RotaryLayer]", self.layers), state.pasts, strict=True):
            x, behind = layer(x, before, turn, self.window)
            after.append(behind)
        y: Tensor = self.norm(x)
        return y, RotaryState(state.position + x.shape[1], tuple(after))

    def _turn(self, position: int, x: Tensor, where: Positions | None) -> Tensor:
        """The cosine and sine of the angles of ``x`` (batch, time, ...), as layers take them."""
        given = 0 if where is None else where.angles.shape[-1]
        pairs = self.pairs - given
        count = torch.arange(position, position + x.shape[1], device=x.device)
        angles = count[:, None] * BASE ** (-torch.arange(pairs, device=x.device) / pairs)
        if where is not None:
            counted = angles.expand(len(x), -1, -1)
            angles = torch.cat([counted, where.angles], dim=-1)[:, None]
        return torch.stack([angles.cos(), angles.sin()]).to(x.dtype)


def _rotated(x: Tensor, turn: Tensor) -> Tensor:
    """Each pair of ``x`` (..., time, d), its halves being the pairs' sides, turned by its angle."""
    (a, b), (cos, sin) = x.chunk(2, dim=-1), turn
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
