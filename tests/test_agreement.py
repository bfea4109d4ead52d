"""Beliefs that are tilted until they agree with pitch hints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arranger import agreement
from arranger.agreement import tilt
from arranger.engine.model import log_softmax

PITCH = np.arange(40, 81)
UNDECIDED = np.full((len(PITCH), 2), 0.5)


def tilted(likely: np.ndarray, moved: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax(np.log(likely) + moved))


def mean_pitch(likely: np.ndarray, part: int) -> float:
    return float(np.average(PITCH, weights=likely[:, part]))


def test_without_slack_each_part_lies_as_high_as_hinted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "SLACK", 0.0)
    agreed = tilted(UNDECIDED, tilt(UNDECIDED, PITCH, {0: 52.0, 1: 66.0}))
    assert mean_pitch(agreed, 0) == pytest.approx(52, abs=0.01)
    assert mean_pitch(agreed, 1) == pytest.approx(66, abs=0.01)


def test_with_slack_it_goes_most_of_the_way() -> None:
    agreed = tilted(UNDECIDED, tilt(UNDECIDED, PITCH, {0: 52.0}))
    assert 52 < mean_pitch(agreed, 0) < 54  # 60 before


def test_nothing_is_added_where_the_belief_agrees() -> None:
    likely = np.stack([PITCH < 60, PITCH >= 60], axis=1) * 0.8 + 0.1
    hints = {part: mean_pitch(likely, part) for part in (0, 1)}
    assert np.abs(tilt(likely, PITCH, hints)).max() < 1e-3


def test_a_part_without_a_hint_is_left_alone() -> None:
    moved = tilt(np.full((len(PITCH), 3), 1 / 3), PITCH, {1: 52.0})
    assert not moved[:, [0, 2]].any()
    assert moved[:, 1].any()


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    notes=st.integers(1, 30),
    hinted=st.dictionaries(st.integers(0, 3), st.floats(0, 127), min_size=1),
)
def test_any_belief_and_any_hint_give_the_nearest_belief_that_agrees(
    seed: int, notes: int, hinted: dict[int, float]
) -> None:
    rng = np.random.default_rng(seed)
    likely, pitch = rng.dirichlet(np.full(4, 0.3), notes), rng.integers(0, 128, notes)
    moved = tilt(likely, pitch, hinted)
    agreed = tilted(np.maximum(likely, agreement.DOUBT), moved)
    for part, mean in hinted.items():  # the gradient of a convex function is nothing at its least
        above = (pitch - mean) / 12
        if not np.abs(above).max() > 0.01:
            continue
        furthest = np.abs(above).argmax()
        slope = moved[furthest, part] / above[furthest]
        gap = (agreed[:, part] * above).mean()
        assert gap + agreement.SLACK * slope == pytest.approx(0, abs=1e-3)
