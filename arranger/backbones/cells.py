"""Plain stacks of RNN, GRU and LSTM layers, with dropout between layers and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from .causal import CausalBackbone

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

CellState = tuple[Any, ...]
"""For each layer its hidden state (1, batch, units); for an LSTM also the cell's."""


class CellStack(CausalBackbone[CellState]):
    """``layers`` layers of ``units`` cells; ``kind`` is rnn, gru or lstm."""

    def __init__(
        self, kind: str, inputs: int, units: int, layers: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.kind = kind
        self.outputs = units
        widths = [inputs] + [units] * (layers - 1)
        self.layers = nn.ModuleList(CELLS[kind](width, units, batch_first=True) for width in widths)
        self.dropout = nn.Dropout(dropout)

    def initial_state(self, batch: int) -> CellState:
        zeros = next(self.parameters()).new_zeros(1, batch, self.outputs)
        return tuple((zeros, zeros) if self.kind == "lstm" else zeros for _ in self.layers)

    def extend(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        after = []
        for depth, (layer, before) in enumerate(zip(self.layers, state, strict=True)):
            x, behind = layer(self.dropout(x) if depth else x, before)
            after.append(behind)
        return x, tuple(after)
