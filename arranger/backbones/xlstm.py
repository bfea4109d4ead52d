"""xLSTM (Beck et al. 2024): mLSTM and sLSTM cells in residual blocks.

Both have exponential input gates, kept in range by a stabiliser m. The mLSTM has a matrix memory,
no recurrence from its outputs, and computes many positions at once; the sLSTM has a recurrent
matrix a head and goes step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .causal import CausalBackbone, distances


class MatrixState(NamedTuple):
    """``c`` (batch, heads, d, d), ``n`` (batch, heads, d), ``m`` (batch, heads)."""

    c: Tensor
    n: Tensor
    m: Tensor


class ScalarState(NamedTuple):
    """Each (batch, heads, d); ``m`` is the stabiliser, ``h`` the last output."""

    c: Tensor
    n: Tensor
    m: Tensor
    h: Tensor


CellState = MatrixState | ScalarState


class MLSTM(nn.Module):
    """h = S V / max(|row sums of S|, exp -m), S = (Q K' / sqrt d) * exp(D - m), where D holds the
    log of what the gates leave of each position at each later one."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.gates = nn.Linear(width, 2 * heads)
        self.out_gate = nn.Linear(width, width)
        self.norm = nn.GroupNorm(heads, width)
        self.out = nn.Linear(width, width)
        with torch.no_grad():  # remember much at first
            self.gates.bias[heads:] = torch.linspace(3.0, 6.0, heads)

    def initial_state(self, batch: int) -> MatrixState:
        weight, heads = self.out.weight, self.heads
        d = weight.shape[0] // heads
        zeros = weight.new_zeros(batch, heads, d, d, dtype=torch.float32)
        return MatrixState(zeros, zeros[..., 0], torch.full_like(zeros[..., 0, 0], -torch.inf))

    def forward(self, x: Tensor, state: MatrixState) -> tuple[Tensor, MatrixState]:
        batch, time, width = x.shape
        projected = self.query_key_value(x).view(batch, time, 3, self.heads, -1)
        q, k, v = projected.permute(2, 0, 3, 1, 4).float()  # (batch, heads, time, d)
        q = q / q.shape[-1] ** 0.5
        gates = self.gates(x).float().transpose(1, 2)  # (batch, 2 heads, time)
        enter, stay = gates[:, : self.heads], F.logsigmoid(gates[:, self.heads :])
        kept = stay.cumsum(-1)
        log = kept[..., None] - kept[:, :, None] + enter[:, :, None]  # (batch, heads, time, time)
        log = log.masked_fill(distances(time, time, x.device) < 0, -torch.inf)
        before = kept + state.m[..., None]
        m = torch.maximum(log.amax(-1), before)
        weight = torch.exp(log - m[..., None])
        remembered = torch.exp(before - m)[..., None]
        scores = q @ k.transpose(-1, -2) * weight
        total = scores.sum(-1, keepdim=True) + remembered * (q @ state.n[..., None])
        h = scores @ v + remembered * (q @ state.c)
        h = h / torch.maximum(total.abs(), torch.exp(-m)[..., None])
        last = weight[:, :, -1, :, None] * k  # each key as it is remembered at the end
        after = MatrixState(
            last.transpose(-1, -2) @ v + remembered[:, :, -1:] * state.c,
            last.sum(2) + remembered[:, :, -1] * state.n,
            m[..., -1],
        )
        flat = h.transpose(1, 2).reshape(batch * time, width).to(self.norm.weight.dtype)
        normed = self.norm(flat).view(batch, time, width)
        return self.out(torch.sigmoid(self.out_gate(x)) * normed), after


class SLSTM(nn.Module):
    """h = o * c / n with the gates i, f, o and the input z; each head mixes its own last output."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        d = width // heads
        self.input = nn.Linear(width, 4 * width)
        self.recurrent = nn.Parameter(torch.randn(heads, d, 4 * d) / d)
        self.norm = nn.GroupNorm(heads, width)
        self.out = nn.Linear(width, width)
        with torch.no_grad():  # remember much at first
            self.input.bias.view(heads, 4, d)[:, 1] = torch.linspace(3.0, 6.0, d)

    def initial_state(self, batch: int) -> ScalarState:
        weight, heads = self.out.weight, self.heads
        shape = (batch, heads, weight.shape[0] // heads)
        zeros = weight.new_zeros(shape, dtype=torch.float32)
        return ScalarState(zeros, zeros, torch.full_like(zeros, -torch.inf), zeros)

    def forward(self, x: Tensor, state: ScalarState) -> tuple[Tensor, ScalarState]:
        batch, time, width = x.shape
        entering = self.input(x).float().view(batch, time, self.heads, -1)
        c, n, m, h = state
        recurrent, outputs = self.recurrent.float(), []
        for t in range(time):
            mixed = torch.einsum("bhd,hde->bhe", h, recurrent)
            i, f, z, o = (entering[:, t] + mixed).chunk(4, dim=-1)
            stay = F.logsigmoid(f) + m
            m = torch.maximum(stay, i)
            left, new = torch.exp(stay - m), torch.exp(i - m)
            c, n = left * c + new * torch.tanh(z), left * n + new
            h = torch.sigmoid(o) * c / n
            outputs.append(h)
        flat = torch.stack(outputs, 1).reshape(batch * time, width).to(self.norm.weight.dtype)
        return self.out(self.norm(flat).view(batch, time, width)), ScalarState(c, n, m, h)


class Block(nn.Module):
    """A cell and a gated feed-forward layer, each normed before and added to its input."""

    def __init__(self, cell: MLSTM | SLSTM, width: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.cell_norm = nn.LayerNorm(width)
        self.cell = cell
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in = nn.Linear(width, 2 * feed_forward)
        self.feed_out = nn.Linear(feed_forward, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        y, after = self.cell(self.cell_norm(x), state)
        x = x + self.dropout(y)
        gate, value = self.feed_in(self.feed_norm(x)).chunk(2, dim=-1)
        return x + self.dropout(self.feed_out(F.gelu(gate) * value)), after


class XLSTM(CausalBackbone[tuple[CellState, ...]]):
    """``cells`` names the cell of each block: m for an mLSTM, s for an sLSTM, as in ``mmsm``."""

    def __init__(
        self,
        cells: str,
        inputs: int,
        width: int,
        heads: int = 4,
        feed_forward: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.outputs = width
        self.embed = nn.Linear(inputs, width)
        kinds: dict[str, Callable[..., MLSTM | SLSTM]] = {"m": MLSTM, "s": SLSTM}
        self.blocks = nn.ModuleList(
            Block(kinds[cell](width, heads), width, feed_forward, dropout) for cell in cells
        )
        self.norm = nn.LayerNorm(width)

    def initial_state(self, batch: int) -> tuple[CellState, ...]:
        blocks = cast("list[Block]", list(self.blocks))
        return tuple(block.cell.initial_state(batch) for block in blocks)

    def extend(
        self, x: Tensor, state: tuple[CellState, ...]
    ) -> tuple[Tensor, tuple[CellState, ...]]:
        x, after = self.embed(x), []
        for block, before in zip(self.blocks, state, strict=True):
            x, behind = block(x, before)
            after.append(behind)
        y: Tensor = self.norm(x)
        return y, tuple(after)
