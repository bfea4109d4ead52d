from __future__ import annotations

import math

import muspy
import numpy as np
import pytest

from arranger.notes import NoteSequence
from evaluation.generation.copying import KnownRuns
from evaluation.generation.metrics import (
    empty_beat_rate,
    figures,
    groove_consistency,
    intersection,
    keeps_key,
    keeps_meter,
    keeps_motif,
    overlap_area,
    pitch_class_entropy,
    scale_consistency,
    self_similarity,
    similarity_matrix,
)

BAR = 16


def notes(*rows: tuple[int, int, int]) -> NoteSequence:
    """Rows of (onset, pitch, duration) in 16ths."""
    return NoteSequence.from_rows([(*row, 64) for row in rows], 4)[0]


def wandering(seed: int, bars: int = 4) -> NoteSequence:
    """Notes here and there, the last of which ends within the last bar and off every beat."""
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.integers(0, bars * BAR - 4, 20)).tolist()
    rows = [(t, int(rng.integers(48, 80)), 1 + 2 * (t % 2 == 0)) for t in onsets]
    return notes(*((t, p, d) for t, p, d in rows if (t + d) % 4))


def as_muspy(piece: NoteSequence) -> muspy.Music:
    track = muspy.Track(
        notes=[
            muspy.Note(time, pitch, duration, 64)
            for time, pitch, duration in zip(
                piece.onset.tolist(), piece.pitch.tolist(), piece.duration.tolist(), strict=True
            )
        ]
    )
    return muspy.Music(resolution=4, tracks=[track])


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_muspy(seed: int) -> None:
    piece = wandering(seed)
    music, last = as_muspy(piece), int(piece.offset.max())
    bars = last // BAR + 1
    assert pitch_class_entropy(piece) == pytest.approx(muspy.pitch_class_entropy(music))
    assert scale_consistency(piece) == pytest.approx(muspy.scale_consistency(music))
    assert groove_consistency(piece, BAR, bars) == pytest.approx(
        muspy.groove_consistency(music, BAR)
    )
    assert empty_beat_rate(piece, last // 4 + 1) == pytest.approx(muspy.empty_beat_rate(music))


def test_entropy_counts_pitch_classes() -> None:
    assert pitch_class_entropy(notes((0, 60, 4), (4, 72, 4))) == 0
    assert pitch_class_entropy(notes((0, 60, 1), (4, 61, 9))) == 1


def test_a_note_that_ends_with_a_beat_does_not_sound_in_the_next() -> None:
    assert empty_beat_rate(notes((0, 60, 4), (8, 60, 1)), 4) == 0.5


def test_nothing_has_no_key_but_empty_beats() -> None:
    silence = notes()
    assert math.isnan(pitch_class_entropy(silence)) and math.isnan(scale_consistency(silence))
    assert math.isnan(keeps_key(silence, notes((0, 60, 4))))
    assert math.isnan(keeps_motif(silence, silence, BAR, 2))
    assert empty_beat_rate(silence, 8) == 1


def test_bars_are_similar_by_what_begins_where() -> None:
    piece = notes((0, 60, 4), (8, 64, 4), (16, 72, 4), (24, 65, 4))
    assert similarity_matrix(piece, BAR, 3).tolist() == [
        pytest.approx(row) for row in ([1, 0.5, 0], [0.5, 1, 0], [0, 0, 0])
    ]
    assert self_similarity(piece, BAR, 3) == pytest.approx(0.5 * 2 / 6)


def test_a_key_is_kept_by_time() -> None:
    before = notes((0, 60, 12), (12, 64, 4))
    assert keeps_key(notes((0, 72, 3), (3, 76, 1)), before) == pytest.approx(1)
    assert keeps_key(notes((0, 60, 4), (4, 64, 4)), before) == pytest.approx(0.75)
    assert keeps_key(notes((0, 61, 4)), before) == 0


def test_a_meter_is_kept_by_where_notes_begin_in_a_bar() -> None:
    before = notes((0, 60, 4), (24, 60, 4))
    assert keeps_meter(notes((16, 70, 1), (40, 50, 1)), before, BAR) == 1
    assert keeps_meter(notes((0, 60, 1), (12, 60, 1)), before, BAR) == 0.5
    assert keeps_meter(notes((0, 60, 1), (12, 60, 1)), before, 12) == 1


def test_a_motif_is_kept_at_any_pitch_under_the_upper_line() -> None:
    before = notes((0, 60, 4), (4, 62, 4), (8, 64, 4), (12, 60, 4))
    moved = notes((16, 67, 4), (16, 40, 4), (20, 69, 4), (24, 71, 4), (28, 67, 4))
    assert [onset for onset, _ in figures(moved)] == [16]
    assert keeps_motif(moved, before, BAR, 2) == 0.5
    other = notes((0, 67, 4), (4, 69, 2), (8, 71, 4), (12, 68, 4))
    assert keeps_motif(other, before, BAR, 1) == 0


def test_densities_overlap_as_two_bells_do() -> None:
    assert overlap_area([1, 2, 3], [3, 2, 1]) == pytest.approx(1, abs=1e-3)
    assert overlap_area([0.5, 0.5], [0.5]) == 1
    assert math.isnan(overlap_area([float("nan")], [1.0]))
    distance, width = 1.0, 0.5 * 2**-0.2
    both = math.erfc(distance / (2 * width) / math.sqrt(2))
    assert overlap_area([0.0], [distance]) == pytest.approx(both, abs=1e-4)


def test_histograms_of_nothing_have_no_intersection() -> None:
    assert math.isnan(intersection(np.zeros(2), np.ones(2)))
    assert intersection(np.array([1.0, 1.0]), np.array([3.0, 0.0])) == 0.5


def test_the_longest_run_is_found_in_any_key_and_place() -> None:
    known = KnownRuns([notes((0, 60, 1), (4, 62, 1), (6, 65, 1), (8, 60, 1)), notes((0, 50, 4))])
    inside = notes((3, 40, 2), (5, 70, 2), (9, 72, 2), (11, 75, 1), (13, 71, 1))
    assert known.longest(inside) == 3
    assert known.longest(notes((0, 61, 1), (4, 63, 1), (6, 66, 1), (8, 61, 1))) == 4
    assert known.longest(notes((0, 61, 1), (1, 61, 1))) == 1
    assert known.longest(notes()) == 0


@pytest.mark.parametrize("length", range(1, 40, 3))
def test_a_part_of_a_piece_is_known_and_no_more(length: int) -> None:
    rng = np.random.default_rng(0)
    rows = [(4 * t, int(rng.integers(40, 90)), 4) for t in range(60)]
    piece = notes(*rows)
    part = piece.take(slice(10, 10 + length))
    strange = [(4 * (9 + length) + 2 + 3 * t, 60 + t, 1) for t in range(1, 6)]
    taken = [(o, p, d) for o, p, d in rows[10 : 10 + length]]
    assert KnownRuns([piece]).longest(part) == length
    assert KnownRuns([piece]).longest(notes(*taken, *strange)) == length
    assert KnownRuns([]).longest(part) == 1
