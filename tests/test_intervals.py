"""Pitches as intervals to those said before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from arranger.notes import IntArray
from arranger.token_configuration import IntervalConfig, TokenModelConfig
from arranger.token_models import TokenModel
from arranger.tokenizers import tokenizer
from arranger.tokenizers.bearings import UNSAID, Bearings
from arranger.tokenizers.grid import REST
from arranger.tokenizers.intervals import REACH, SIZES, Intervals
from tests.generators import tiny_bearings, tiny_config

BACK = (1, 2, 5)
NEAR = IntervalConfig(heard=BACK, foretold=(1, 3))
OTHER = SIZES - 1
PITCHES = tiny_bearings().pitches


def latest_of(ids: IntArray) -> list[list[int]]:
    """The same as ``Intervals.read`` of one sequence, one token at a time."""
    found, said = [], [UNSAID] * (max(BACK) + 1)
    for token in ids:
        if PITCHES[token] != UNSAID:
            said = [int(PITCHES[token]), *said[:-1]]
        found.append(said)
    return found


@pytest.mark.parametrize("cut", [1, 3, 30])
def test_the_latest_pitches_are_told_across_reads(cut: int) -> None:
    ids = np.random.default_rng(0).integers(0, 11, (2, 60))
    intervals = Intervals(tiny_bearings(), BACK, (1,))
    before, past = intervals.read(ids[:, :cut])
    after, _ = intervals.read(ids[:, cut:], past)
    found = np.concatenate([before, after], axis=1)
    assert found.tolist() == [latest_of(row) for row in ids]


def test_intervals_are_counted_from_far_below_to_far_above() -> None:
    bearings = Bearings.silent(5, quarter=4)
    bearings.pitches[1:] = 20, 60, 64, 127
    intervals = Intervals(bearings, (1, 2), (1, 2))
    latest, _ = intervals.read(np.array([[2, 0, 3, 4]]))
    heard = intervals.heard(latest)[0] - [0, SIZES]
    assert heard.tolist() == [[OTHER, OTHER]] * 2 + [[REACH + 4, OTHER], [2 * REACH] * 2]
    next_one = intervals.foretold(latest)[0, 2] - [[0], [SIZES]]
    assert next_one[0].tolist() == [OTHER, 0, REACH - 4, REACH, 2 * REACH]
    assert next_one[1].tolist() == [OTHER, 0, REACH, REACH + 4, 2 * REACH]


def test_a_voice_that_rests_keeps_its_turn() -> None:
    tokens = tokenizer("grid")
    assert tokens.bearings is not None
    sung = [(72, 67, 64, 48), (72, REST, REST, 50), (74, REST, 65, 50)]
    ids = tokens.encode_voices(sung)  # type: ignore[attr-defined]
    latest, _ = Intervals(tokens.bearings, (1, 2, 3, 4), (4,)).read(ids[None])
    assert latest[0, -1].tolist() == [50, 65, UNSAID, 74, 50]
    assert latest[0, 7].tolist() == [50, UNSAID, UNSAID, 72, 48]


@pytest.mark.parametrize("name", ["grid", "bar"])
def test_what_is_heard_and_foretold_by_intervals_alone_moves_with_the_piece(name: str) -> None:
    tokens = tokenizer(name)
    assert tokens.bearings is not None
    torch.manual_seed(0)
    config = replace(tiny_config(tokens.size, "gru"), intervals=NEAR)
    model = TokenModel(config, tokens.bearings).eval()
    with torch.no_grad():
        model.embedding.weight.zero_()  # type: ignore[union-attr]
        for weight in model.head.parameters():
            weight.zero_()
        model.foretold.weight.normal_()
        move = tokens.moved(3)
        ids = np.random.default_rng(1).choice(np.flatnonzero(move >= 0), 40)
        plain, moved = (model(torch.from_numpy(one)[None])[0].numpy() for one in (ids, move[ids]))
    had = move >= 0
    assert plain.std() > 0.1
    np.testing.assert_allclose(moved[:, move[had]], plain[:, had], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"heard": [0]}, "intervals must be to one or more pitches, 1..64 back"),
        ({"heard": [1.5]}, "intervals must be to one or more pitches, 1..64 back"),
        ({"foretold": [65]}, "intervals must be to one or more pitches, 1..64 back"),
        ({"foretold": 1}, "intervals must be to one or more pitches, 1..64 back"),
        ({"foretold": []}, "intervals must be to one or more pitches, 1..64 back"),
        ({"beside": [1]}, "unknown key 'beside'"),
    ],
)
def test_intervals_that_cannot_be_are_refused(change: dict[str, Any], sentence: str) -> None:
    intervals = {"heard": [1], "foretold": [1], **change}
    document = {"backbone": {"kind": "rnn", "units": 8}, "intervals": intervals}
    with pytest.raises(ValueError, match=sentence):
        TokenModelConfig.from_dict({"tokens": 7, "embedding": 8, **document})
    with pytest.raises(ValueError, match="intervals are heard beside embedded tokens"):
        replace(tiny_config(7), embedding=0, intervals=NEAR)


def test_tokens_without_pitches_have_no_intervals() -> None:
    tokens = tokenizer("tsd")
    with pytest.raises(ValueError, match="tsd tokens do not tell their pitch"):
        replace(tiny_config(tokens.size), intervals=NEAR).check(tokens)
