"""Plain stacks of RNN, GRU and LSTM layers, with dropout between layers and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .causal import CausalBackbone

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
ONE_STEP: dict[str, Callable[..., Any]] = {
    "rnn": torch.rnn_tanh_cell,
    "gru": torch.gru_cell,
    "lstm": torch.lstm_cell,
}
"""The same without what torch prepares for whole sequences, which costs more than one step does."""

CellState = tuple[Any, ...]
"""For each layer its hidden state (1, batch, units); for an LSTM also the cell's."""


def _initialise(layer: nn.Module, units: int) -> None:
    """Weights that let three layers begin to learn: gate by gate Glorot's for inputs and orthogonal
    ones for the past; an LSTM remembers until it learns to forget (Jozefowicz et al. 2015)."""
    for name, weights in layer.named_parameters():
        for gate in weights.detach().chunk(len(weights) // units):
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(gate)
        if isinstance(layer, nn.LSTM) and name.startswith("bias_ih"):
            nn.init.ones_(weights.detach()[units : 2 * units])


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
        for layer in self.layers:
            _initialise(layer, units)
        self.dropout = nn.Dropout(dropout)

    def initial_state(self, batch: int) -> CellState:
        zeros = next(self.parameters()).new_zeros(1, batch, self.outputs)
        return tuple((zeros, zeros) if self.kind == "lstm" else zeros for _ in self.layers)

    def extend(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        after = []
        for depth, (layer, before) in enumerate(zip(self.layers, state, strict=True)):
            x = self.dropout(x) if depth else x
            x, behind = layer(x, before) if x.shape[1] > 1 else self._step(layer, x, before)
            after.append(behind)
        return x, tuple(after)

    def _step(self, layer: nn.Module, x: Tensor, before: Any) -> tuple[Tensor, Any]:
        """One position, x (batch, 1, inputs), of one layer."""
        weights = (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0)
        if self.kind == "lstm":
            hidden, cell = ONE_STEP["lstm"](x[:, 0], (before[0][0], before[1][0]), *weights)
            return hidden[:, None], (hidden[None], cell[None])
        hidden = ONE_STEP[self.kind](x[:, 0], before[0], *weights)
        return hidden[:, None], hidden[None]
