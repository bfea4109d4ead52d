from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arranger.decoding import Beam, Rules, report_violations
from arranger.ensembles import Ensemble, Part
from arranger.features import PartMemory
from arranger.notes import Meter, NoteSequence
from tests.music import CHORALE

TRIO = Ensemble(
    "trio",
    (Part("Flute", 73, 60, 96), Part("Horn", 60, 40, 77), Part("Piano", 0, 21, 108, voices=2)),
)


def decide(
    ensemble: Ensemble,
    notes: NoteSequence,
    likelihood: np.ndarray,
    width: int = 8,
    locks: dict | None = None,
) -> np.ndarray:
    """Play ``notes`` to a beam with fixed log probabilities (N, parts)."""
    beam = Beam(Rules(ensemble), width)
    sounding: list[int] = []
    for group in notes.onset_groups():
        now = int(notes.onset[group.start])
        for n in [n for n in sounding if notes.offset[n] <= now]:
            beam.release(n, now)
            sounding.remove(n)
        chord = range(group.start, group.stop)
        beam.press(chord, notes.pitch[group].tolist(), now, lambda n, _: likelihood[n][None], locks)
        sounding += list(chord)
    return beam.trace(len(notes))[0]


def broken(notes: NoteSequence, ensemble: Ensemble, parts: np.ndarray) -> int:
    return len(report_violations(notes, ensemble, parts))


@settings(max_examples=150, deadline=None)
@given(
    pitches=st.lists(st.integers(30, 100), min_size=1, max_size=5),
    seed=st.integers(0, 10_000),
)
def test_a_chord_is_decided_as_the_best_of_all_assignments(pitches: list[int], seed: int) -> None:
    notes, _ = NoteSequence.from_rows([(0, p, 24, 64) for p in pitches])
    rng = np.random.default_rng(seed)
    likelihood = np.log(rng.dirichlet(np.ones(3), len(notes)))
    rules = Rules(TRIO)

    def cost(parts: np.ndarray) -> float:
        crowded = sum(v.kind == "polyphony" for v in report_violations(notes, TRIO, parts))
        broken_rules = rules.outside[notes.pitch, parts].sum() + 1.15 * crowded
        return float(1e6 * broken_rules - likelihood[range(len(notes)), parts].sum())

    every = [np.array(choice) for choice in product(range(3), repeat=len(notes))]
    chosen = decide(TRIO, notes, likelihood, width=243)
    assert cost(chosen) == pytest.approx(min(cost(parts) for parts in every))


@settings(max_examples=150, deadline=None)
@given(
    pitches=st.lists(st.integers(30, 100), min_size=1, max_size=6),
    seed=st.integers(0, 10_000),
)
def test_even_a_greedy_beam_breaks_no_rule_of_a_chord_that_can_be_kept(
    pitches: list[int], seed: int
) -> None:
    notes, _ = NoteSequence.from_rows([(0, p, 24, 64) for p in pitches])
    likelihood = np.log(np.random.default_rng(seed).dirichlet(np.ones(3), len(notes)))
    fewest = min(
        broken(notes, TRIO, np.array(parts)) for parts in product(range(3), repeat=len(notes))
    )
    assert broken(notes, TRIO, decide(TRIO, notes, likelihood, width=1)) == fewest


def test_a_lock_is_kept_and_the_rest_gives_way() -> None:
    notes, _ = NoteSequence.from_rows([(0, p, 24, 64) for p in (48, 55, 64, 72)])
    likelihood = np.log(np.full((4, 4), 0.01) + 0.97 * np.eye(4)[::-1])
    assert decide(CHORALE, notes, likelihood).tolist() == [3, 2, 1, 0]
    assert decide(CHORALE, notes, likelihood, locks={1: 1}).tolist()[1] == 1
    assert sorted(decide(CHORALE, notes, likelihood, locks={1: 1}).tolist()) == [0, 1, 2, 3]


def test_a_part_that_holds_a_note_is_not_given_another() -> None:
    notes, _ = NoteSequence.from_rows([(0, 64, 96, 64), (24, 65, 24, 64)])
    likelihood = np.log(np.tile([[0.1, 0.8, 0.07, 0.03]], (2, 1)))
    assert decide(CHORALE, notes, likelihood).tolist() == [1, 0]


def test_a_player_may_let_go_of_a_key_after_striking_the_next() -> None:
    likely = np.log([[0.1, 0.8, 0.07, 0.03]])
    strict, legato = (Beam(Rules(CHORALE), legato=quarters) for quarters in (None, 0.125))
    for beam in (strict, legato):
        beam.press([0], [64], 0.0, lambda n, _: likely)
        beam.press([1], [65], 1.0, lambda n, _: likely)
    assert strict.trace(2)[0].tolist() == [1, 0]
    assert legato.trace(2)[0].tolist() == [1, 1]


def test_five_notes_for_four_voices_are_all_given_and_the_reason_is_said() -> None:
    notes, _ = NoteSequence.from_rows([(96, p, 24, 64) for p in (48, 52, 55, 64, 72)])
    notes = NoteSequence(
        notes.onset, notes.pitch, notes.duration, notes.velocity, 24, (Meter(0, 4, 4),)
    )
    parts = decide(CHORALE, notes, np.log(np.full((5, 4), 0.25)))
    assert set(parts) == {0, 1, 2, 3}
    (violation,) = report_violations(notes, CHORALE, parts)
    assert violation.kind == "polyphony"
    assert violation.reason == "bar 2: 5 notes at once, 4 voices"


def test_a_pitch_that_no_part_reaches_is_given_and_reported() -> None:
    notes, _ = NoteSequence.from_rows([(0, 20, 24, 64)])
    parts = decide(CHORALE, notes, np.log(np.array([[0.1, 0.1, 0.1, 0.7]])))
    assert parts.tolist() == [3]
    (violation,) = report_violations(notes, CHORALE, parts)
    assert violation.reason == "bar 1: G#0, Bass reaches from C2 to E4"


def test_where_no_part_reaches_a_pitch_the_nearest_takes_it() -> None:
    notes, _ = NoteSequence.from_rows([(0, 76, 24, 64), (0, 79, 24, 64)])
    likelihood = np.log([[0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]])
    assert decide(CHORALE, notes, likelihood).tolist() == [1, 0]


def test_a_wide_beam_takes_back_what_later_notes_make_unlikely() -> None:
    def score(n: int, memory: object) -> np.ndarray:
        if n == 0:
            return np.log([[0.05, 0.5, 0.4, 0.05]])
        last = memory.last_pitch  # the tenor's story goes on well, the alto's does not
        return np.where(last[:, 2:3] == 60, np.log([[0.01, 0.01, 0.97, 0.01]]), np.log(0.25))

    for width, expected in ((1, [1]), (8, [2, 2])):
        beam = Beam(Rules(CHORALE), width, PartMemory(1, 4))
        beam.press([0], [60], 0.0, score)
        beam.release(0, 1.0)
        beam.press([1], [62], 1.0, score)
        assert beam.trace(2)[0].tolist()[: len(expected)] == expected
