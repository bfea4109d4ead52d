"""Transformer encoder stack, causal or not: pre-norm blocks over whole sequences."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .causal import visible

Cache = list[tuple[Tensor, Tensor]]


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each added to its input."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.ReLU(), nn.Linear(feed_forward, width)
        )
        self.dropout = nn.Dropout(dropout)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, heads, time, width / heads)."""
        batch, time, width = x.shape
        projected = self.query_key_value(self.attention_norm(x))
        shaped = projected.view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = shaped.permute(2, 0, 3, 1, 4)
        return q, k, v

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """``attended`` (batch, heads, time, width / heads) joined to ``x`` and fed forward."""
        joined = attended.transpose(1, 2).reshape(x.shape)
        x = x + self.dropout(self.out(joined))
        y: Tensor = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return y


class Transformer(nn.Module):
    """``layers`` blocks. ``forward`` maps (batch, time, inputs) to (batch, time, width).

    Position is not added: the features carry time. ``causal``: no position sees a later one,
    and each sees the last ``window``, itself among them (None: all).
    """

    def __init__(
        self,
        inputs: int,
        width: int = 128,
        layers: int = 3,
        heads: int = 8,
        feed_forward: int = 256,
        dropout: float = 0.2,
        causal: bool = False,
        window: int | None = None,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.window = window
        self.outputs = width
        self.embed = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            Block(width, heads, feed_forward, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    @property
    def _stack(self) -> list[Block]:
        return cast("list[Block]", list(self.blocks))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """``x`` (batch, time, inputs), ``lengths`` (batch,)."""
        x = self.embed(x)
        mask = self._mask(x.shape[1], lengths.to(x.device))
        for block in self._stack:
            q, k, v = block.project(x)
            attended = F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=self.causal and mask is None
            )
            x = block.finish(x, attended)
        y: Tensor = self.norm(x)
        return y

    def _mask(self, time: int, lengths: Tensor) -> Tensor | None:
        """Which of ``time`` positions see which; None: all that come before, or all there are."""
        if self.causal:
            near = self.window is None or time <= self.window
            return None if near else visible(time, time, self.window, lengths.device)
        inside = torch.arange(time, device=lengths.device) < lengths[:, None]
        return None if bool(inside.all()) else inside[:, None, None, :]

    def initial_state(self, batch: int) -> Cache:
        """Empty keys and values for each block; only a causal stack has them."""
        if not self.causal:
            raise ValueError("a bidirectional stack has no state: it needs the whole sequence")
        block = self._stack[0]
        empty = self.embed.weight.new_zeros(batch, block.heads, 0, self.outputs // block.heads)
        return [(empty, empty) for _ in self._stack]

    def step(self, x: Tensor, state: Cache) -> tuple[Tensor, Cache]:
        """One position: ``x`` (batch, inputs) and the keys and values before it."""
        x = self.embed(x)[:, None]
        after: Cache = []
        for block, (keys, values) in zip(self._stack, state, strict=True):
            q, k, v = block.project(x)
            keys, values = (self._kept(torch.cat(rows, 2)) for rows in ((keys, k), (values, v)))
            after.append((keys, values))
            x = block.finish(x, F.scaled_dot_product_attention(q, keys, values))
        return self.norm(x)[:, 0], after

    def _kept(self, rows: Tensor) -> Tensor:
        return rows if self.window is None else rows[:, :, -self.window :]
