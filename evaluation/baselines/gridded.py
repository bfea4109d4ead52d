"""A baseline that hears music on a grid, as the models of its ensemble do.

On the 22,050 ticks a second of a console's log no two notes begin together, and which comes first
within a frame is the emulator's doing: who sees it knows more than anybody who listens.
"""

from __future__ import annotations

from dataclasses import dataclass

from arranger.arrangement import Arrangement
from arranger.hints import Hints
from arranger.notes import NoteSequence

from ..pieces import Labeller


@dataclass(frozen=True)
class Gridded:
    """``scorer`` with notes on ``resolution`` ticks a quarter."""

    scorer: Labeller
    resolution: int

    @property
    def name(self) -> str:
        return self.scorer.name

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        gridded, order = notes.on_grid(self.resolution)
        return self.scorer.label(gridded, hints.after(order)).of(notes, order)
