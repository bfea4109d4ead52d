"""Transformers whose attention knows how far apart two positions are, by learned embeddings.

Music Transformer (Huang et al. 2018): a table of distances a head, skewed into place, and layers
normed before. The one of "Symbolic Music Generation with Deep Learning Techniques", after
RealFormer (He et al. 2021): a table a layer that the heads share, layers normed behind, and each
layer's scores added to those of the layer before it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .causal import CausalBackbone, Past, visible

Pasts = tuple[tuple[Past, Past], ...]
"""Keys and values of each layer."""


class RelativeLayer(nn.Module):
    """Attention with scores (Q K' + Q E') / sqrt d, and a feed-forward layer."""

    def __init__(
        self,
        width: int,
        heads: int,
        feed_forward: int,
        distances: int,
        dropout: float,
        residual_scores: bool,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.residual_scores = residual_scores
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        tables = 1 if residual_scores else heads
        self.distance = nn.Parameter(0.02 * torch.randn(tables, distances, width // heads))
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.ReLU(), nn.Linear(feed_forward, width)
        )
        self.feed_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, past: tuple[Past, Past], carried: Tensor | None, window: int | None
    ) -> tuple[Tensor, tuple[Past, Past], Tensor | None]:
        """The layer's output, its keys and values, and the scores that the next layer adds to
        its own, (batch, heads, time, keys), minus infinity for what is not seen."""
        normed_behind = self.residual_scores
        attended, past, scores = self._attend(
            x if normed_behind else self.attention_norm(x), past, carried, window
        )
        x = x + self.dropout(attended)
        if normed_behind:
            x = self.attention_norm(x)
            return self.feed_norm(x + self.dropout(self.feed_forward(x))), past, scores
        return x + self.dropout(self.feed_forward(self.feed_norm(x))), past, None

    def _attend(
        self, x: Tensor, past: tuple[Past, Past], carried: Tensor | None, window: int | None
    ) -> tuple[Tensor, tuple[Past, Past], Tensor]:
        batch, time, width = x.shape
        projected = self.query_key_value(x).view(batch, time, 3, self.heads, -1)
        q, k, v = projected.permute(2, 0, 3, 1, 4)  # (batch, heads, time, d)
        keep = None if window is None else window + time - 1  # the first query still sees its own
        past = (past[0].append(k, keep), past[1].append(v, keep))
        keys, values = past[0].rows, past[1].rows
        count = keys.shape[2]
        q = q / q.shape[-1] ** 0.5
        far = torch.arange(count - 1, -1, -1, device=x.device)
        known = _skewed(self._by_distance(q, far))
        if carried is None:
            known = known.masked_fill(~visible(time, count, window, x.device), -torch.inf)
        else:
            known = known + carried
        scores = torch.baddbmm(
            known.flatten(0, 1), q.flatten(0, 1), keys.flatten(0, 1).transpose(1, 2)
        ).view_as(known)
        weights = F.softmax(scores, dim=-1)
        joined = (weights @ values).transpose(1, 2).reshape(batch, time, width)
        return self.out(joined), past, scores

    def _by_distance(self, q: Tensor, far: Tensor) -> Tensor:
        """What queries (batch, heads, time, d) say of the distances ``far`` (keys,)."""
        table = self.distance[:, far.clamp(max=self.distance.shape[1] - 1)]  # (tables, keys, d)
        if len(table) == 1:
            return q @ table[0].T
        return torch.einsum("bhtd,hkd->bhtk", q, table)


class RelativeTransformer(CausalBackbone[Pasts]):
    """``distances``: how many have an embedding; farther ones share the last. ``window``: how many
    positions one sees, itself among them; None: all. ``residual_scores``: the second of the two
    architectures above, else the first."""

    def __init__(
        self,
        inputs: int,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        distances: int,
        dropout: float = 0.0,
        residual_scores: bool = False,
        window: int | None = None,
    ) -> None:
        super().__init__()
        self.outputs = width
        self.heads = heads
        self.window = window
        self.embed = nn.Identity() if inputs == width else nn.Linear(inputs, width)
        self.layers = nn.ModuleList(
            RelativeLayer(width, heads, feed_forward, distances, dropout, residual_scores)
            for _ in range(layers)
        )
        self.norm = nn.Identity() if residual_scores else nn.LayerNorm(width)

    def initial_state(self, batch: int) -> Pasts:
        like = next(self.parameters())
        empty = Past.empty(like, batch, self.heads, self.outputs // self.heads)
        return tuple((empty, empty) for _ in self.layers)

    def extend(self, x: Tensor, state: Pasts) -> tuple[Tensor, Pasts]:
        x, after, carried = self.embed(x), [], None
        for layer, before in zip(self.layers, state, strict=True):
            x, behind, carried = layer(x, before, carried, self.window)
            after.append(behind)
        y: Tensor = self.norm(x)
        return y, tuple(after)


def _skewed(by_distance: Tensor) -> Tensor:
    """(..., time, keys) with columns from the farthest distance to 0: to columns by key.

    Row t moves left by time - 1 - t, in one reshape (Huang et al. 2018); what comes in from the
    right belongs to later keys, which are masked.
    """
    *outer, time, keys = by_distance.shape
    padded = F.pad(by_distance, (1, 0)).reshape(*outer, keys + 1, time)
    return padded[..., 1:, :].reshape(*outer, time, keys)
