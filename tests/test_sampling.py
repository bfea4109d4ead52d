from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arranger.sampling import Sampling, allowed, draw, min_p, probabilities, tempered, top_k, top_p

LIKELY = np.log(np.array([0.5, 0.25, 0.15, 0.1]))


def kept(scores: np.ndarray) -> list[int]:
    return np.flatnonzero(np.isfinite(scores)).tolist()


def test_each_filter_keeps_what_it_says() -> None:
    assert kept(top_k(2)(LIKELY)) == [0, 1]
    assert kept(top_p(0.5)(LIKELY)) == [0]
    assert kept(top_p(0.51)(LIKELY)) == [0, 1]
    assert kept(min_p(0.3)(LIKELY)) == [0, 1, 2]
    assert kept(allowed(np.array([False, True, False, True]))(LIKELY)) == [1, 3]
    assert kept(tempered(0)(LIKELY)) == [0]


def test_a_low_temperature_sharpens_and_a_high_one_flattens() -> None:
    np.testing.assert_allclose(probabilities(tempered(1.0)(LIKELY)), np.exp(LIKELY))
    assert probabilities(tempered(0.5)(LIKELY))[0] > 0.5 > probabilities(tempered(2.0)(LIKELY))[0]


@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=20),
    st.floats(0, 10),
    st.integers(1, 30),
    st.floats(0.001, 1),
    st.floats(0, 1),
    st.integers(0, 19),
)
def test_a_token_can_always_be_drawn_and_is_always_allowed(
    scores: list[float], temperature: float, k: int, p: float, share: float, only: int
) -> None:
    mask = np.zeros(len(scores), bool)
    mask[[0, only % len(scores)]] = True
    filters = [allowed(mask), *Sampling(temperature, k, p, share).filters()]
    assert mask[draw(np.array(scores), filters, np.random.default_rng(0))]


def test_the_same_seed_draws_the_same_tokens() -> None:
    one, two = (
        [draw(LIKELY, [], rng) for _ in range(20)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    )
    assert one == two and len(set(one)) > 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": -1.0}, r"temperature must lie in 0\.\.10, not -1"),
        ({"temperature": 1e9}, r"temperature must lie in 0\.\.10, not 1e\+09"),
        ({"temperature": float("nan")}, "not nan"),
        ({"top_k": 0}, "top-k must be 1 or more, not 0"),
        ({"top_p": 0.0}, "top-p must be above 0 and at most 1, not 0"),
        ({"min_p": 2.0}, r"min-p must lie in 0\.\.1, not 2"),
    ],
)
def test_absurd_values_are_refused_in_a_sentence(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Sampling(**options)
