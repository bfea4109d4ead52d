"""Correcting: which notes are looked at, and what is counted afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble, Part
from arranger.hints import Hints
from arranger.notes import NoteSequence
from evaluation.corrections import LEVELS, corrections_table, evaluate_corrections
from evaluation.pieces import Piece

DUO = Ensemble("duo", (Part("High", 73), Part("Low", 32)))


def piece(count: int = 200) -> Piece:
    rows = [(24 * i, 60 + i % 12, 24, 64) for i in range(count)]
    notes, _ = NoteSequence.from_rows(rows)
    return Piece("made up", notes, np.arange(count) % 2)


@dataclass
class Doubtful:
    """Right but for the notes in ``wrong``, of which it is the less sure the earlier they come;
    a locked note keeps its lock, and with ``learns`` every lock mends the note after it."""

    wrong: tuple[int, ...]
    learns: bool = False
    name: str = "doubtful"
    locked: list[list[int]] = field(default_factory=list)
    hints: list[Hints] = field(default_factory=list)

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        self.locked.append(sorted(hints.locks))
        self.hints.append(hints)
        parts, confidence = np.arange(len(notes)) % 2, np.ones(len(notes))
        for note in self.wrong:
            if not (self.learns and note - 1 in hints.locks):
                parts[note] = 1 - parts[note]
                confidence[note] = 0.5 + note / 1000
        for note, part in hints.locks.items():
            parts[note] = part
        return Arrangement(notes, DUO, parts, confidence)


def test_the_least_certain_notes_are_set_right_and_the_rest_is_counted() -> None:
    labeller = Doubtful(wrong=tuple(range(100, 108)))
    found = evaluate_corrections(labeller, [piece()], "entry")
    assert labeller.locked[:3] == [[], [100, 101], [100, 101, 102, 103]]
    assert len(labeller.locked[3]) == 10 and set(range(100, 108)) < set(labeller.locked[3])
    assert list(found["corrected"]) == [str(level) for level in LEVELS]
    expected = [192 / 200, 192 / 198, 192 / 196, 1.0]
    assert list(found["corrected"].values()) == pytest.approx(expected)
    assert (found["pieces"], found["notes"]) == (1, 200)
    assert all(hints.entries == {0: 0.0, 1: 1.0} for hints in labeller.hints)


def test_the_next_notes_are_chosen_by_what_the_model_says_after_a_correction() -> None:
    labeller = Doubtful(wrong=(10, 11, 20, 30), learns=True)
    found = evaluate_corrections(labeller, [piece(100)], "none")
    assert labeller.locked[1:3] == [[10], [10, 20]]
    assert found["corrected"]["0.01"] == pytest.approx(97 / 99)


def test_notes_that_are_right_already_are_looked_at_too() -> None:
    class Overcareful(Doubtful):
        def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
            answer = super().label(notes, hints)
            return Arrangement(notes, DUO, answer.parts, 1.5 - answer.confidence)

    found = evaluate_corrections(Overcareful(wrong=(10, 30)), [piece(100)], "none")
    assert found["corrected"]["0.05"] == pytest.approx(93 / 95)


def test_twins_nobody_looked_at_are_interchangeable() -> None:
    rows = [(24 * (i // 2), 60, 24, 64) for i in range(100)]  # fifty unisons
    notes, _ = NoteSequence.from_rows(rows)

    class Swapped(Doubtful):
        def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
            return Arrangement(notes, DUO, 1 - np.arange(len(notes)) % 2, np.ones(len(notes)))

    found = evaluate_corrections(Swapped(()), [Piece("unisons", notes, np.arange(100) % 2)], "none")
    assert found["corrected"]["0.0"] == 1.0


def test_a_piece_too_short_for_a_level_is_left_alone() -> None:
    labeller = Doubtful(wrong=(1,))
    found = evaluate_corrections(labeller, [piece(8)], "none")
    assert labeller.locked == [[], [], [], []]
    assert set(found["corrected"].values()) == {7 / 8}


def test_levels_are_shown_in_percent() -> None:
    lines = corrections_table({"0.0": 0.5, "0.02": 0.98765}).splitlines()
    assert [line.split() for line in lines[1:]] == [["0%", "50.00"], ["2%", "98.77"]]
