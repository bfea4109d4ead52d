"""PartModel: features of notes in, scores over the parts of an ensemble out.

front (embeddings beside real features) + backbone + head. A head is linear, or it also reads
what each part has played under the decisions so far (``features.memory``). Knows torch; the same
models run without it in ``engine``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .backbones import Pooling, Recurrent, Transformer
from .configuration import ModelConfig
from .features import memory_width
from .features.table import CODE_SIZES
from .tailoring import DESCRIPTION


class Front(nn.Module):
    """Embeds the integer features, and sets beside them the real ones and what is pooled."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        tables = [nn.Embedding(CODE_SIZES[name], width) for name, width in config.codes.items()]
        for name, table in zip(config.codes, tables, strict=True):
            if name == "beat":
                table.weight = nn.Parameter(_sinusoids(*table.weight.shape), requires_grad=False)
        self.embeddings = nn.ModuleList(tables)
        self.outputs = sum(config.codes.values()) + config.spec.width
        self._columns = config.pooled_by
        if self._columns:
            pool = config.pool
            self.pooling = Pooling(self.outputs, len(pool.by), pool.units, config.causal)
            self.outputs += self.pooling.outputs

    def forward(self, codes: Tensor, values: Tensor, lengths: Tensor) -> Tensor:
        """``codes`` (batch, time, C) integers, ``values`` (batch, time, D), ``lengths`` (batch,):
        (batch, time, outputs)."""
        embedded = [table(codes[..., i]) for i, table in enumerate(self.embeddings)]
        x = torch.cat([*embedded, values], dim=-1)
        if not self._columns:
            return x
        return torch.cat([x, self.pooling(x, codes[..., self._columns], lengths)], dim=-1)


class MemoryHead(nn.Module):
    """Scores from the backbone's output and the relation of the note to each part's past."""

    def __init__(
        self, inputs: int, parts: int, units: int, dropout: float, recalls: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.recalls = tuple(recalls)
        self.heard = nn.Linear(inputs, units)
        self.played = nn.Linear(parts * memory_width(recalls), units, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(units, units)
        self.out = nn.Linear(units, parts)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """``x`` (..., inputs), ``memory`` (..., parts * memory_width(recalls)): (..., parts)."""
        h = self.dropout(torch.relu(self.heard(x) + self.played(memory)))
        h = h + self.dropout(torch.relu(self.hidden(h)))
        scores: Tensor = self.out(h)
        return scores


class Describer(nn.Module):
    """Reads how the parts of an ensemble are described, each by itself and among the others, and
    says how much of each role each part is; see ``tailoring``."""

    def __init__(self, units: int, roles: int) -> None:
        super().__init__()
        self.own = nn.Linear(DESCRIPTION, units)
        self.others = nn.Linear(units, units)
        self.among = nn.Linear(units, units)
        self.roles = nn.Linear(units, roles)

    def forward(self, described: Tensor, there: Tensor) -> Tensor:
        """``described`` (..., K, DESCRIPTION), ``there`` (..., K), 0 where there is no part:
        (..., K, roles), zeros for no part."""
        own = torch.relu(self.own(described)) * there[..., None]
        mean = own.sum(-2, keepdim=True) / there.sum(-1)[..., None, None]
        mix: Tensor = self.roles(torch.relu(self.among(own) + self.others(mean)))
        return mix * there[..., None]


class PartModel(nn.Module):
    """The whole model; ``forward`` gives what a head reads, ``head`` the scores (logits)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.front = Front(config)
        backbone = config.backbone
        self.backbone: Recurrent | Transformer
        if backbone.kind == "lstm":
            self.backbone = Recurrent(
                self.front.outputs,
                backbone.units,
                backbone.layers,
                backbone.dropout,
                bidirectional=not config.causal,
                residual=backbone.residual,
            )
        else:
            self.backbone = Transformer(
                self.front.outputs,
                backbone.units,
                backbone.layers,
                backbone.heads,
                backbone.feed_forward,
                backbone.dropout,
                causal=config.causal,
                window=backbone.window,
            )
        parts = config.spec.parts
        self.head: nn.Module
        if config.head.kind == "memory":
            self.head = MemoryHead(
                self.backbone.outputs,
                parts,
                config.head.units,
                backbone.dropout,
                config.head.recalls,
            )
        else:
            self.head = nn.Linear(self.backbone.outputs, parts)
        if config.described:
            self.describer = Describer(config.described, parts)

    def forward(self, codes: Tensor, values: Tensor, lengths: Tensor) -> Tensor:
        """``codes`` (batch, time, C), ``values`` (batch, time, D): (batch, time, outputs)."""
        y: Tensor = self.backbone(self.front(codes, values, lengths), lengths)
        return y


def _sinusoids(count: int, width: int) -> Tensor:
    """Fixed sine and cosine embeddings (Vaswani et al. 2017), shape (count, width)."""
    position = torch.arange(count)[:, None]
    rate = 10000.0 ** (-torch.arange(0, width, 2) / width)
    table = torch.empty(count, width)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)
    return table
