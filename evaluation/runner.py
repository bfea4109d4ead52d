"""One way to score everything: models in each of their modes, and the baselines.

Gives each reference piece without its parts to a labeller, times it, and measures the answer.
Knows pieces, hints and metrics. Does not know what a labeller does, nor how to draw.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble
from arranger.hints import Hints

from .baselines import Baselines
from .metrics import Scored, accuracy, confusion_matrix, score_pieces
from .pieces import Labeller, Oracle, Piece, read_references

__all__ = [
    "Labeller",
    "Oracle",
    "Piece",
    "PieceResult",
    "Report",
    "evaluate",
    "evaluate_baselines",
    "map_pieces",
    "read_references",
    "table",
    "write_json",
]

Answer = TypeVar("Answer")

MODES = ("live", "stage", "chord-live", "offline", "oracle")

COUNTS = ("pieces", "notes", "range_violations", "polyphony_violations")
"""Metrics that are numbers of things; ``seconds`` apart, all others are shares."""


@dataclass(frozen=True)
class PieceResult:
    """One piece as it was labelled. ``truth`` and ``arrangement`` have their twins sorted."""

    name: str
    truth: NDArray[np.int64]
    arrangement: Arrangement
    accuracy: float
    seconds: float

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """The notes with the wrong part."""
        return np.flatnonzero(self.truth != self.arrangement.parts)


@dataclass(frozen=True)
class Report:
    """``metrics``: the row of the table; ``confusion``: counts (K, K), true part by predicted."""

    metrics: dict[str, Any]
    ensemble: Ensemble
    results: tuple[PieceResult, ...]
    confusion: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """The row, and what it is made of, for JSON."""
        return {
            **self.metrics,
            "parts": list(self.ensemble.names),
            "confusion": self.confusion.tolist(),
            "per_piece": [
                {
                    "name": result.name,
                    "notes": len(result.truth),
                    "mistakes": len(result.mistakes),
                    "accuracy": result.accuracy,
                    "seconds": result.seconds,
                }
                for result in self.results
            ],
        }


def evaluate(
    labeller: Labeller | Oracle,
    pieces: Sequence[Piece],
    hints: str,
    ensemble: Ensemble,
    mode: str,
    progress: Callable[[str], None] | None = None,
    workers: int = 1,
) -> Report:
    """Label every piece, whole, and measure.

    ``hints`` (none, entry, pitch or both) are taken from each reference. ``mode`` names how the
    labeller works, with its look-ahead if it has one (stage+50ms), and is only written down.
    ``seconds`` is the processor time spent labelling. No other number depends on ``workers``, the
    processes that share the pieces.
    """
    if mode.partition("+")[0] not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if not pieces:
        raise ValueError("there is no piece to evaluate")
    results, scored = [], []
    label = partial(_label, labeller, hints=hints, ensemble=ensemble)
    for result, measured in map_pieces(label, pieces, workers):
        results.append(result)
        scored.append(measured)
        if progress is not None:
            progress(f"{result.name}: {result.accuracy:.2%}")
    row: dict[str, Any] = {
        "model": labeller.name,
        "ensemble": ensemble.name,
        "mode": mode,
        "hints": hints,
        **score_pieces(scored, ensemble),
        "seconds": sum(result.seconds for result in results),
    }
    confusion = sum(
        (confusion_matrix(s.truth, s.predicted, len(ensemble)) for s in scored),
        start=np.zeros((len(ensemble), len(ensemble)), dtype=np.int64),
    )
    return Report(row, ensemble, tuple(results), confusion)


def map_pieces(
    function: Callable[[Piece], Answer], pieces: Sequence[Piece], workers: int
) -> Iterator[Answer]:
    """``function`` of each piece, in order, in up to ``workers`` processes.

    Every process calculates in one thread, so that the answers do not depend on their number.
    """
    if min(workers, len(pieces)) <= 1:
        with threadpool_limits(1):
            yield from map(function, pieces)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads
    with ProcessPoolExecutor(
        min(workers, len(pieces)), mp_context=context, initializer=threadpool_limits, initargs=(1,)
    ) as pool:
        longest_first = sorted(range(len(pieces)), key=lambda i: -len(pieces[i].notes))
        answers = {i: pool.submit(function, pieces[i]) for i in longest_first}
        yield from (answers[i].result() for i in range(len(pieces)))


def _label(
    labeller: Labeller | Oracle, piece: Piece, hints: str, ensemble: Ensemble
) -> tuple[PieceResult, Scored]:
    given = Hints.from_reference(piece.notes, piece.parts, hints)
    started = time.process_time()
    if isinstance(labeller, Oracle):
        labeller = labeller.informed(piece.notes, piece.parts)
    answer = labeller.label(piece.notes, given)
    seconds = time.process_time() - started
    if len(answer.parts) != len(piece.notes):
        raise ValueError(
            f"{labeller.name} gave {len(answer.parts)} parts for the {len(piece.notes)} notes "
            f"of {piece.name}"
        )
    scored = Scored(piece.notes, piece.parts, answer.parts, answer.confidence).canonical()
    arrangement = Arrangement(
        piece.notes, ensemble, scored.predicted, scored.confidence, answer.violations
    )
    right = accuracy(confusion_matrix(scored.truth, scored.predicted, len(ensemble)))
    return PieceResult(piece.name, scored.truth, arrangement, right, seconds), scored


def evaluate_baselines(
    baselines: Baselines, pieces: Sequence[Piece], workers: int = 1
) -> list[Report]:
    """A report for each baseline, with the hints and the mode that it is made for."""
    return [
        evaluate(row.scorer, pieces, row.hints, baselines.ensemble, row.mode, workers=workers)
        for row in baselines.rows()
    ]


_COLUMNS = {
    "model": "model",
    "mode": "mode",
    "hints": "hints",
    "accuracy": "acc",
    "balanced_accuracy": "bal",
    "macro_f1": "F1",
    "soundness": "sound",
    "completeness": "compl",
    "link_f1": "link",
    "avc": "avc",
    "matched_accuracy": "match",
    "perfect_pieces": "perfect",
    "range_violations": "range",
    "polyphony_violations": "poly",
    "ece": "ece",
    "seconds": "s",
}


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """The ``metrics`` of reports as aligned plain text: shares in %, violations as counts, the
    ECE in 0..1."""
    lines = [list(_COLUMNS.values())]
    lines += [[_cell(key, metrics[key]) for key in _COLUMNS] for metrics in reports]
    widths = [max(len(line[c]) for line in lines) for c in range(len(_COLUMNS))]
    words = 3  # columns that are words, aligned to the left
    rows = [
        "  ".join(
            cell.ljust(width) if c < words else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rows.insert(1, "  ".join("-" * width for width in widths))
    if reports:
        first = reports[0]
        rows.insert(0, f"{first['ensemble']}: {first['pieces']} pieces, {first['notes']} notes")
    return "\n".join(rows)


def _cell(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if key in COUNTS:
        return str(value)
    if key == "ece":
        return f"{value:.3f}"
    return f"{value:.1f}" if key == "seconds" else f"{100 * value:.2f}"


def write_json(reports: Sequence[Report], path: str | Path) -> None:
    """One report as an object, several as a list of objects."""
    documents = [report.to_dict() for report in reports]
    document = documents[0] if len(documents) == 1 else documents
    text = json.dumps(document, indent=1, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")
