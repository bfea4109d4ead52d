"""Correcting an arrangement: how right the rest becomes when a person has set some notes right.

As a person would: the least certain notes first, whether they turn out wrong or not, then the piece
is solved again with them locked, and the next are chosen by the new confidence. One round a level:
all notes of a level are chosen at once. Knows labellers and locks; not models.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from arranger.hints import Hints

from .metrics import canonical, share
from .pieces import Labeller, Piece
from .runner import map_pieces

LEVELS = (0.0, 0.01, 0.02, 0.05)
"""Shares of the notes of a piece that have been looked at, each level after the one before."""


class Round(NamedTuple):
    """After one level, in one piece: notes that are right and notes that nobody looked at."""

    right: int
    left: int


def evaluate_corrections(
    labeller: Labeller, pieces: Sequence[Piece], hints: str, workers: int = 1
) -> dict[str, Any]:
    """``corrected`` maps each level to the accuracy on the notes that were left, in 0..1.

    Over all pieces together. ``hints`` are given from the beginning; ``seconds`` is the
    processor time spent labelling, once a level.
    """
    rounds, seconds = [], 0.0
    for of_piece, spent in map_pieces(partial(_correct, labeller, hints=hints), pieces, workers):
        rounds.append(of_piece)
        seconds += spent
    totals = np.sum(rounds, axis=0).tolist()  # (levels, 2)
    return {
        "pieces": len(pieces),
        "notes": sum(len(piece.notes) for piece in pieces),
        "corrected": {
            str(level): share(right, left)
            for level, (right, left) in zip(LEVELS, totals, strict=True)
        },
        "seconds": seconds,
    }


def _correct(labeller: Labeller, piece: Piece, hints: str) -> tuple[list[Round], float]:
    """The rounds of one piece, a level each, and the processor seconds."""
    notes = piece.notes
    truth, _ = canonical(notes, piece.parts)
    given = Hints.from_reference(notes, piece.parts, hints)
    locked = np.zeros(len(notes), dtype=bool)
    rounds: list[Round] = []
    seconds = 0.0
    confidence = np.zeros(len(notes))
    for level in LEVELS:
        more = round(level * len(notes)) - int(locked.sum())
        open_notes = np.flatnonzero(~locked)
        locked[open_notes[np.argsort(confidence[open_notes], kind="stable")[:more]]] = True
        locks = {n: int(truth[n]) for n in np.flatnonzero(locked).tolist()}
        started = time.process_time()
        answer = labeller.label(notes, replace(given, locks=locks))
        seconds += time.process_time() - started
        confidence = answer.confidence
        rest = notes.take(~locked)  # twins are interchangeable among those nobody looked at
        wanted, _ = canonical(rest, truth[~locked])
        found, _ = canonical(rest, answer.parts[~locked])
        rounds.append(Round(int(np.sum(wanted == found)), len(rest)))
    return rounds, seconds


def corrections_table(corrected: Mapping[str, float]) -> str:
    """Accuracies on the rest by level, as lines of text."""
    lines = ["corrected  accuracy on the rest"]
    lines += [f"{float(k):9.0%}  {100 * accuracy:20.2f}" for k, accuracy in corrected.items()]
    return "\n".join(lines)
