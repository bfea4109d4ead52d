"""The metrics: golden values worked out by hand, and their conventions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from arranger.ensembles import Ensemble, Part
from arranger.notes import NoteSequence
from evaluation import metrics
from evaluation.metrics import Scored

DUO = Ensemble("duo", (Part("High", 73, 60, 84, 1), Part("Low", 32, 36, 62, 1)))
CHORDS = Ensemble("chords", (Part("Melody", 73), Part("Piano", 0, voices=3), Part("Pad", 50)))


def sequence(*rows: tuple[int, int, int]) -> NoteSequence:
    """Notes of (onset, pitch, duration), given in order."""
    notes, order = NoteSequence.from_rows([(*row, 64) for row in rows])
    assert order.tolist() == list(range(len(rows))), "give the notes in order"
    return notes


def array(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


TRUTH = array(0, 0, 0, 0, 1, 1, 1, 2, 2, 2)
GUESS = array(0, 0, 0, 1, 1, 1, 0, 2, 2, 1)
CONFUSION = np.array([[3, 1, 0], [1, 2, 0], [0, 1, 2]])


def test_the_confusion_matrix_has_true_parts_in_rows() -> None:
    assert metrics.confusion_matrix(TRUTH, GUESS, 3).tolist() == CONFUSION.tolist()


def test_accuracies_and_f1_have_their_golden_values() -> None:
    assert metrics.accuracy(CONFUSION) == pytest.approx(7 / 10)
    assert metrics.balanced_accuracy(CONFUSION) == pytest.approx((3 / 4 + 2 / 3 + 2 / 3) / 3)
    assert metrics.macro_f1(CONFUSION) == pytest.approx((6 / 8 + 4 / 7 + 4 / 5) / 3)


def test_accuracies_and_f1_agree_with_scikit_learn() -> None:
    from sklearn import metrics as reference

    rng = np.random.default_rng(3)
    truth, guess = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    confusion = metrics.confusion_matrix(truth, guess, 4)
    assert metrics.balanced_accuracy(confusion) == pytest.approx(
        reference.balanced_accuracy_score(truth, guess)
    )
    assert metrics.macro_f1(confusion) == pytest.approx(
        reference.f1_score(truth, guess, average="macro")
    )


def test_a_part_that_never_plays_does_not_lower_the_means() -> None:
    confusion = np.pad(np.diag([5, 3]), (0, 1))
    assert metrics.balanced_accuracy(confusion) == 1.0
    assert metrics.macro_f1(confusion) == 1.0


def test_soundness_and_completeness_count_adjacent_notes_that_stay_together() -> None:
    # predicted part 0 holds true 0 0 0 1: two of three pairs; part 1 holds 0 1 1 2: one of three;
    # part 2 holds 2 2: one of one
    assert metrics.kept_together(GUESS, TRUTH) == (4, 7)
    # true part 0 became 0 0 0 1: two of three; part 1 became 1 1 0: one of two; part 2 2 2 1
    assert metrics.kept_together(TRUTH, GUESS) == (4, 7)
    assert metrics.kept_together(array(0, 0, 0, 0), array(0, 0, 1, 1)) == (2, 3)
    assert metrics.kept_together(array(0, 0, 1, 1), array(0, 0, 0, 0)) == (2, 2)


def test_links_of_a_melody_join_consecutive_notes_over_rests_too() -> None:
    notes = sequence((0, 60, 4), (4, 62, 2), (10, 64, 4))
    assert metrics.voice_links(notes, array(0, 0, 0)) == {(0, 1), (1, 2)}
    assert metrics.voice_links(notes, array(0, 1, 0)) == {(0, 2)}


def test_links_of_chords_join_every_note_of_one_to_every_note_of_the_next() -> None:
    notes = sequence((0, 60, 4), (0, 64, 4), (4, 62, 4), (4, 65, 4))
    assert metrics.voice_links(notes, array(0, 0, 0, 0)) == {(0, 2), (0, 3), (1, 2), (1, 3)}


def test_a_held_note_is_linked_to_what_follows_its_own_end() -> None:
    notes = sequence((0, 48, 8), (0, 60, 4), (4, 62, 4), (8, 64, 4))
    assert metrics.voice_links(notes, array(0, 0, 0, 0)) == {(0, 3), (1, 2), (2, 3)}


def test_a_note_without_length_is_never_linked_to_its_own_onset() -> None:
    notes = sequence((0, 60, 0), (0, 64, 4), (4, 62, 4))
    assert metrics.voice_links(notes, array(0, 0, 0)) == {(0, 2), (1, 2)}


def test_link_scores_have_their_golden_values() -> None:
    notes = sequence((0, 60, 4), (4, 62, 4), (8, 64, 4), (12, 65, 4))
    counts = metrics.link_counts(notes, array(0, 0, 0, 0), array(0, 0, 0, 1))
    assert counts == (2, 2, 3)
    assert counts.precision == 1.0
    assert counts.recall == pytest.approx(2 / 3)
    assert counts.f1 == pytest.approx(4 / 5)


def test_voice_consistency_ignores_the_names_of_parts() -> None:
    assert metrics.voice_consistency(CONFUSION) == pytest.approx((3 / 4 + 2 / 4 + 2 / 2) / 3)
    assert metrics.voice_consistency(CONFUSION[:, [2, 0, 1]]) == pytest.approx(
        metrics.voice_consistency(CONFUSION)
    )


def test_the_best_renaming_equals_the_best_of_all_permutations() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        confusion = rng.integers(0, 30, (4, 4))
        renaming = metrics.best_renaming(confusion)
        best = max(
            sum(confusion[p[k], k] for k in range(4)) for p in itertools.permutations(range(4))
        )
        assert sum(confusion[renaming[k], k] for k in range(4)) == best


def test_the_best_renaming_keeps_names_where_nothing_is_gained() -> None:
    assert metrics.best_renaming(np.full((3, 3), 7)).tolist() == [0, 1, 2]


def test_matched_accuracy_forgives_swapped_parts_and_their_unisons() -> None:
    notes = sequence((0, 60, 4), (0, 64, 4), (4, 62, 4), (4, 62, 4), (8, 60, 4), (8, 64, 4))
    truth = array(1, 0, 0, 1, 1, 0)
    swapped, _ = metrics.canonical(notes, 1 - truth)
    assert int(np.sum(swapped == truth)) == 2  # the twins alone
    assert metrics.matched_hits(notes, truth, swapped, 2) == 6


def test_twins_are_sorted_and_the_order_says_where_each_label_was() -> None:
    notes = sequence((0, 60, 4), (0, 60, 4), (0, 60, 8), (4, 60, 4))
    labels, order = metrics.canonical(notes, array(2, 0, 1, 0))
    assert labels.tolist() == [0, 2, 1, 0]
    assert order.tolist() == [1, 0, 2, 3]


def test_swapping_twins_costs_nothing_and_their_confidence_goes_with_them() -> None:
    notes = sequence((0, 60, 4), (0, 60, 4), (4, 50, 4), (4, 62, 4))
    truth = array(0, 1, 1, 0)
    given = Scored(notes, truth, array(1, 0, 1, 1), np.array([0.9, 0.6, 1.0, 0.3]))
    assert given.canonical().predicted.tolist() == [0, 1, 1, 1]
    assert given.canonical().confidence.tolist() == [0.6, 0.9, 1.0, 0.3]
    assert metrics.score_pieces([given], DUO)["accuracy"] == 0.75


def test_notes_outside_the_range_of_their_part_are_counted() -> None:
    notes = sequence((0, 36, 4), (0, 60, 4), (4, 35, 4), (4, 85, 4))
    assert metrics.range_violations(notes, array(1, 0, 1, 0), DUO) == 2
    assert metrics.range_violations(notes, array(0, 0, 1, 1), DUO) == 3


def test_notes_that_find_their_part_full_are_counted() -> None:
    notes = sequence((0, 60, 4), (0, 64, 8), (4, 62, 4), (8, 60, 4))
    assert metrics.polyphony_violations(notes, array(0, 0, 0, 0), CHORDS) == 2
    assert metrics.polyphony_violations(notes, array(0, 1, 0, 0), CHORDS) == 0
    assert metrics.polyphony_violations(notes, array(1, 1, 1, 1), CHORDS) == 0


def test_a_part_of_three_voices_takes_three_notes_and_not_four() -> None:
    notes = sequence((0, 60, 4), (0, 64, 4), (0, 67, 4), (0, 72, 4), (1, 60, 1))
    assert metrics.polyphony_violations(notes, array(1, 1, 1, 1, 0), CHORDS) == 1
    assert metrics.polyphony_violations(notes, array(1, 1, 2, 1, 0), CHORDS) == 0


def test_a_note_without_length_is_over_before_those_that_last_begin() -> None:
    notes = sequence((0, 67, 0), (0, 60, 4), (0, 64, 4), (0, 72, 4))
    assert metrics.polyphony_violations(notes, array(1, 1, 1, 1), CHORDS) == 0


def test_a_part_without_a_limit_is_never_full() -> None:
    free = Ensemble("free", (Part("Piano", 0, voices=None),))
    notes = sequence(*((0, pitch, 4) for pitch in range(40, 80)))
    assert metrics.polyphony_violations(notes, np.zeros(40, dtype=np.int64), free) == 0


def test_the_calibration_error_has_its_golden_value() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    correct = np.array([True, True, True, False, True, False])
    expected = 4 / 6 * abs(0.75 - 0.95) + 2 / 6 * abs(0.5 - 0.55)
    assert metrics.calibration_error(confidence, correct) == pytest.approx(expected)


def test_a_bin_of_the_calibration_error_holds_its_upper_edge() -> None:
    confidence, correct = np.array([0.6, 0.5]), np.array([True, False])
    assert metrics.calibration_error(confidence, correct, bins=2) == pytest.approx(0.45)


def test_a_sure_and_right_scorer_is_calibrated_and_a_sure_and_wrong_one_is_not() -> None:
    assert metrics.calibration_error(np.ones(5), np.ones(5, dtype=bool)) == 0.0
    assert metrics.calibration_error(np.ones(5), np.zeros(5, dtype=bool)) == 1.0


def test_a_confidence_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1, not 1\.5"):
        metrics.calibration_error(np.array([0.5, 1.5]), np.array([True, True]))
    with pytest.raises(ValueError, match=r"0\.\.1, not nan"):
        metrics.calibration_error(np.array([np.nan]), np.array([True]))


def test_scores_over_pieces_weigh_notes_and_count_perfect_pieces() -> None:
    long = sequence(*((4 * i, 62, 4) for i in range(9)))
    short = sequence((0, 61, 4))
    pieces = [
        Scored(long, np.zeros(9, dtype=np.int64), array(*[0] * 6, 1, 1, 1), np.ones(9)),
        Scored(short, array(1), array(1), np.ones(1)),
    ]
    row = metrics.score_pieces(pieces, DUO)
    assert row["pieces"] == 2 and row["notes"] == 10
    assert row["accuracy"] == pytest.approx(0.7)
    assert row["perfect_pieces"] == 0.5
    assert row["soundness"] == 1.0
    assert row["completeness"] == pytest.approx(7 / 8)
    assert row["link_f1"] == pytest.approx(2 * 7 / (7 + 8))
    assert row["avc"] == 1.0
    assert row["matched_accuracy"] == pytest.approx(0.7)
    assert row["ece"] == pytest.approx(0.3)
    assert row["range_violations"] == 0 and row["polyphony_violations"] == 0


def test_an_empty_piece_has_nothing_wrong() -> None:
    empty = Scored(sequence(), array(), array(), np.zeros(0))
    row = metrics.score_pieces([empty], DUO)
    assert row["notes"] == 0
    assert row["accuracy"] == row["link_f1"] == row["avc"] == row["perfect_pieces"] == 1.0


def test_arrays_of_another_length_than_the_notes_are_refused() -> None:
    with pytest.raises(ValueError, match="predicted has 2 entries for 1 notes"):
        Scored(sequence((0, 60, 4)), array(0), array(0, 1), np.ones(1))
