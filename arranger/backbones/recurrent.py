"""LSTM and BiLSTM stacks with layer normalisation and dropout after each layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = list[tuple[Tensor, Tensor]]


class Recurrent(nn.Module):
    """``layers`` LSTM layers of ``units`` units (each way, if ``bidirectional``).

    ``forward`` maps (batch, time, inputs) to (batch, time, outputs); positions at or after a
    sequence's length hold no information. With ``residual``, every layer but the first adds its
    input to its output.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        layers: int,
        dropout: float = 0.2,
        bidirectional: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.units = units
        self.bidirectional = bidirectional
        self.residual = residual
        self.outputs = units * (2 if bidirectional else 1)
        widths = [inputs] + [self.outputs] * (layers - 1)
        self.lstms = nn.ModuleList(nn.LSTM(width, units, batch_first=True) for width in widths)
        self.backward_lstms = nn.ModuleList(
            nn.LSTM(width, units, batch_first=True) for width in widths if bidirectional
        )
        self.norms = nn.ModuleList(nn.LayerNorm(self.outputs) for _ in widths)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """``x`` (batch, time, inputs), ``lengths`` (batch,)."""
        mirror = _mirror(lengths.to(x.device), x.shape[1])
        for depth, (lstm, norm) in enumerate(zip(self.lstms, self.norms, strict=True)):
            y, _ = lstm(x)
            if self.bidirectional:
                back, _ = self.backward_lstms[depth](_reorder(x, mirror))
                y = torch.cat([y, _reorder(back, mirror)], dim=-1)
            y = self.dropout(norm(y))
            x = x + y if self.residual and depth else y
        return x

    def initial_state(self, batch: int) -> State:
        """The state before the first position; only a causal stack has one."""
        if self.bidirectional:
            raise ValueError("a bidirectional stack has no state: it needs the whole sequence")
        zeros = next(self.parameters()).new_zeros(batch, self.units)
        return [(zeros, zeros) for _ in self.lstms]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One position: ``x`` (batch, inputs) and the state before it; the state after it."""
        after: State = []
        for depth, (lstm, norm) in enumerate(zip(self.lstms, self.norms, strict=True)):
            h, c = state[depth]
            y, (h, c) = lstm(x[:, None], (h[None], c[None]))
            after.append((h[0], c[0]))
            y = self.dropout(norm(y[:, 0]))
            x = x + y if self.residual and depth else y
        return x, after


def _mirror(lengths: Tensor, time: int) -> Tensor:
    """Indices (batch, time) that reverse each sequence and leave its padding where it is."""
    position = torch.arange(time, device=lengths.device)
    reversed_position = lengths[:, None] - 1 - position
    return torch.where(reversed_position >= 0, reversed_position, position)


def _reorder(x: Tensor, index: Tensor) -> Tensor:
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))
