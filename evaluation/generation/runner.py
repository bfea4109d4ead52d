"""Whoever goes on from excerpts, measured side by side.

Knows excerpts, continuers and metrics; not checkpoints, corpora or how a command line is parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arranger.notes import NoteSequence

from .continuers import Continuer, Truth
from .copying import KnownRuns
from .excerpts import Excerpt
from .metrics import (
    empty_beat_rate,
    groove_consistency,
    keeps_key,
    keeps_meter,
    keeps_motif,
    overlap_area,
    pitch_class_entropy,
    scale_consistency,
    self_similarity,
)

Metric = Callable[[Excerpt, NoteSequence], float]

ALONE: Mapping[str, Metric] = {
    "pitch_class_entropy": lambda _, notes: pitch_class_entropy(notes),
    "scale_consistency": lambda _, notes: scale_consistency(notes),
    "groove_consistency": lambda at, notes: groove_consistency(notes, at.bar, at.bars),
    "empty_beat_rate": lambda at, notes: empty_beat_rate(notes, at.beats),
    "self_similarity": lambda at, notes: self_similarity(notes, at.bar, at.bars),
}
"""What notes are like: better the more the values of many are spread as those of the truth."""

AFTER: Mapping[str, Metric] = {
    "keeps_key": lambda at, notes: keeps_key(notes, at.prompt),
    "keeps_meter": lambda at, notes: keeps_meter(notes, at.prompt, at.bar),
    "keeps_motif": lambda at, notes: keeps_motif(notes, at.prompt, at.bar, at.bars),
    "true_key": lambda at, notes: keeps_key(notes, at.truth),
}
"""How they suit what stands before them, or what really followed."""


@dataclass(frozen=True)
class Sampled:
    """What one continuer gave: the value of each metric for each excerpt, nan where it gave no
    notes, and the longest known runs."""

    name: str
    notes: int
    values: Mapping[str, Sequence[float]]
    longest: Sequence[int]

    def row(self, truth: Sampled) -> dict[str, Any]:
        """The means over the excerpts, and the overlap areas with the truth."""
        overlap = {
            metric: overlap_area(self.values[metric], truth.values[metric]) for metric in ALONE
        }
        silent = int(np.isnan(self.values["pitch_class_entropy"]).sum())
        return {
            "name": self.name,
            "excerpts": len(self.longest),
            "silent": silent,
            "notes": self.notes,
            **{metric: _mean(values) for metric, values in self.values.items()},
            "overlap": overlap,
            "longest_run": float(np.mean(self.longest)),
            "longest_run_of_all": max(self.longest),
        }


def evaluate_continuers(
    continuers: Sequence[Continuer], excerpts: Sequence[Excerpt], known: KnownRuns, seed: int = 0
) -> list[dict[str, Any]]:
    """A row for each of ``continuers``, then one for the truth."""
    found = [_sampled(each, excerpts, known, seed) for each in (*continuers, Truth())]
    return [each.row(found[-1]) for each in found]


def _sampled(
    continuer: Continuer, excerpts: Sequence[Excerpt], known: KnownRuns, seed: int
) -> Sampled:
    given = [continuer.go_on(excerpt, seed + n) for n, excerpt in enumerate(excerpts)]
    values = {
        name: [metric(at, notes) for at, notes in zip(excerpts, given, strict=True)]
        for name, metric in {**ALONE, **AFTER}.items()
    }
    longest = [known.longest(notes) for notes in given]
    return Sampled(continuer.name, sum(map(len, given)), values, longest)


def _mean(values: Sequence[float | None]) -> float:
    """The mean of the values that are numbers; nan if none is."""
    finite = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


COLUMNS = {
    "name": "",
    "pitch_class_entropy": "entropy",
    "scale_consistency": "scale",
    "groove_consistency": "groove",
    "empty_beat_rate": "empty",
    "self_similarity": "similar",
    "overlap": "overlap",
    "keeps_key": "key",
    "keeps_meter": "meter",
    "keeps_motif": "motif",
    "true_key": "true key",
    "longest_run": "run",
    "longest_run_of_all": "longest",
}


def cells(row: Mapping[str, Any]) -> list[str]:
    """A row for a table with ``COLUMNS``; one overlap area, the mean of all."""
    mean_overlap = _mean([*row["overlap"].values()])
    return [_cell({**row, "overlap": mean_overlap}[key]) for key in COLUMNS]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    return "–" if value is None or np.isnan(value) else f"{value:.2f}"


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as aligned plain text."""
    lines = [[*COLUMNS.values()], *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "  ".join(
            cell.rjust(width) if c else cell.ljust(width)
            for c, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    shown.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(shown)
