from __future__ import annotations

import numpy as np
import pytest

from arranger.notes import Meter, NoteSequence


def test_rows_are_sorted_by_onset_then_pitch_then_duration() -> None:
    notes, order = NoteSequence.from_rows(
        [(5, 60, 1, 1), (0, 64, 9, 1), (0, 64, 2, 1), (0, 60, 1, 1)]
    )
    assert notes.onset.tolist() == [0, 0, 0, 5]
    assert notes.pitch.tolist() == [60, 64, 64, 60]
    assert notes.duration.tolist() == [1, 2, 9, 1]
    assert order.tolist() == [3, 2, 1, 0]


def test_a_piece_without_notes_is_a_piece() -> None:
    notes, order = NoteSequence.from_rows([])
    assert len(notes) == 0
    assert notes.onset_groups() == []
    assert notes.twins() == []
    assert len(notes.on_grid()[0]) == 0
    assert len(order) == 0


def test_moving_to_the_grid_keeps_every_note_and_says_which_it_was() -> None:
    notes, _ = NoteSequence.from_rows([(0, 72, 480, 1), (1, 60, 478, 2), (480, 61, 3, 3)], 480)
    gridded, order = notes.on_grid(24)
    assert gridded.onset.tolist() == [0, 0, 24]
    assert gridded.pitch.tolist() == [60, 72, 61]  # one onset now, so the lower note comes first
    assert gridded.duration.tolist() == [24, 24, 0]
    assert notes.pitch[order].tolist() == gridded.pitch.tolist()


def test_onset_groups_are_the_notes_that_begin_together() -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 1, 1), (0, 64, 1, 1), (3, 60, 1, 1)])
    assert notes.onset_groups() == [slice(0, 2), slice(2, 3)]


def test_twins_are_equal_in_onset_pitch_and_duration() -> None:
    rows = [(0, 60, 4, 1), (0, 60, 4, 9), (0, 60, 5, 1), (2, 60, 4, 1), (2, 60, 4, 1)]
    notes, _ = NoteSequence.from_rows(rows)
    assert notes.twins() == [slice(0, 2), slice(3, 5)]


def test_islands_are_the_notes_that_overlap_no_others() -> None:
    rows = [
        (0, 48, 48, 1),
        (0, 60, 24, 1),
        (24, 62, 24, 1),
        (48, 60, 0, 1),
        (48, 64, 24, 1),
        (96, 60, 1, 1),
    ]
    notes, _ = NoteSequence.from_rows(rows)
    assert notes.islands() == [slice(0, 3), slice(3, 5), slice(5, 6)]


@pytest.mark.parametrize(("tick", "bar"), [(0, 1), (95, 1), (96, 2), (191, 2), (192, 3), (264, 4)])
def test_bars_follow_the_meters(tick: int, bar: int) -> None:
    notes = NoteSequence(*(np.zeros(0, np.int64),) * 4, 24, (Meter(0, 4, 4), Meter(192, 3, 4)))
    assert notes.bar_number(tick) == bar
