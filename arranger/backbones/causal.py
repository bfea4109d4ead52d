"""What a causal backbone promises, and the memory that attention keeps of the past."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

S = TypeVar("S")


class CausalBackbone(nn.Module, ABC, Generic[S]):
    """Vectors to vectors, none of which sees a later one. The state is a value: what is given is
    never changed, so that a state may be kept and continued from more than once.
    """

    outputs: int

    @abstractmethod
    def initial_state(self, batch: int) -> S:
        """The state before the first position."""

    @abstractmethod
    def extend(self, x: Tensor, state: S) -> tuple[Tensor, S]:
        """Some positions more: ``x`` (batch, time, inputs) to (batch, time, outputs), together
        with the state behind them."""

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Whole sequences (batch, time, inputs); what stands behind a sequence's end, at the
        position that ``lengths`` (batch,) says, changes nothing before it."""
        return self.extend(x, self.initial_state(len(x)))[0]

    def step(self, x: Tensor, state: S) -> tuple[Tensor, S]:
        """One position: ``x`` (batch, inputs) and the state before it; the state after it."""
        y, state = self.extend(x[:, None], state)
        return y[:, 0], state


class _Buffer:
    """Rows with room for more; ``used`` of them have been written, and are never overwritten."""

    def __init__(self, rows: Tensor, used: int) -> None:
        self.rows = rows
        self.used = used


@dataclass(frozen=True)
class Past:
    """Rows (batch, heads, time, width) of which the last ``length`` count, as a value.

    Appending writes into room behind the last row as long as nobody else has; otherwise, and
    where there is no room, it copies. A step thus costs no copy of the past, on average.
    """

    buffer: _Buffer
    start: int = 0
    length: int = 0

    @classmethod
    def empty(cls, like: Tensor, batch: int, heads: int, width: int) -> Past:
        """No rows, on the device and of the type of ``like``."""
        return cls(_Buffer(like.new_empty(batch, heads, 0, width), 0))

    @property
    def rows(self) -> Tensor:
        """(batch, heads, length, width)."""
        return self.buffer.rows[:, :, self.start : self.start + self.length]

    def append(self, new: Tensor, window: int | None = None) -> Past:
        """With the rows of ``new`` behind the others, of which only the last ``window`` stay."""
        time, end = new.shape[2], self.start + self.length
        length = self.length + time
        if self.length == 0:
            after = Past(_Buffer(new, time), 0, time)
        elif self.buffer.used == end and end + time <= self.buffer.rows.shape[2]:
            self.buffer.rows[:, :, end : end + time] = new
            self.buffer.used = end + time
            after = Past(self.buffer, self.start, length)
        elif torch.is_grad_enabled():
            after = Past(_Buffer(torch.cat([self.rows, new], dim=2), length), 0, length)
        else:
            room = new.new_empty(*new.shape[:2], 2 * length, new.shape[3])
            room[:, :, :length] = torch.cat([self.rows, new], dim=2)
            after = Past(_Buffer(room, length), 0, length)
        if window is None or length <= window:
            return after
        return Past(after.buffer, after.start + length - window, window)


def visible(time: int, keys: int, window: int | None, device: torch.device) -> Tensor:
    """Which of ``keys`` positions each of the last ``time`` may see, (time, keys): itself and
    those before it, in all at most ``window``."""
    distance = distances(time, keys, device)
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def distances(time: int, keys: int, device: torch.device) -> Tensor:
    """How far before each of the last ``time`` positions each of ``keys`` lies, (time, keys)."""
    query = torch.arange(keys - time, keys, device=device)
    return query[:, None] - torch.arange(keys, device=device)
