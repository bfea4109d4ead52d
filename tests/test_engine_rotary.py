"""Rotary token models give the same scores with numpy as with torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from arranger.engine.rotary import RotaryPredictor, runs, weight_shapes
from arranger.token_configuration import IntervalConfig, TokenModelConfig
from arranger.token_models import Predictor, TokenModel
from arranger.token_models import weight_shapes as shapes_in_torch
from tests.generators import save_tiny_generator, tiny_bearings, tiny_config

IDS = np.random.default_rng(0).integers(0, 11, 600)


def config(**changes: Any) -> TokenModelConfig:
    backbone = {"kind": "rotary", "units": 16, "layers": 2, "heads": 2, "feed_forward": 24}
    return TokenModelConfig.from_dict(
        {"tokens": 11, "embedding": 16, "backbone": {**backbone, **changes}}
    )


def both(chosen: TokenModelConfig) -> tuple[RotaryPredictor, Predictor]:
    torch.manual_seed(0)
    bearings = tiny_bearings()
    weights = {k: w.numpy() for k, w in TokenModel(chosen, bearings).state_dict().items()}
    return RotaryPredictor(chosen, weights, bearings), Predictor(chosen, weights, bearings)


@pytest.mark.parametrize(
    ("window", "places", "intervals"),
    [
        (None, 0, None),
        (None, 6, None),
        (None, 0, IntervalConfig((1, 4), (2,))),
        (None, 6, IntervalConfig((3,), (1, 2))),
        (1, 0, None),
        (7, 0, None),
        (7, 6, IntervalConfig((1,), (1,))),
        (300, 0, None),
    ],
)
def test_numpy_scores_as_torch_does_read_at_once_or_token_by_token(
    window: int | None, places: int, intervals: IntervalConfig | None
) -> None:
    ours, theirs = both(replace(config(window=window, places=places), intervals=intervals))
    for cut in (1, 5, 300):
        (one, state), (other, past) = ours.read(IDS[:cut]), theirs.read(IDS[:cut])
        np.testing.assert_allclose(one, other, atol=1e-4)
        for token in IDS[cut : cut + 9]:
            one, state = ours.read(np.array([token]), state)
            other, past = theirs.read(np.array([token]), past)
            np.testing.assert_allclose(one, other, atol=1e-4)
        one, _ = ours.read(IDS[cut + 9 :], state)
        other, _ = theirs.read(IDS[cut + 9 :], past)
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    "chosen",
    [config(places=6), replace(config(), intervals=IntervalConfig((1,), (1,)))],
    ids=["places", "intervals"],
)
def test_a_model_that_knows_places_or_intervals_asks_for_bearings(chosen: TokenModelConfig) -> None:
    model = TokenModel(chosen)
    weights = {k: w.numpy() for k, w in model.state_dict().items()}
    with pytest.raises(ValueError, match="runs only with the bearings"):
        model(torch.zeros(1, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match="runs only with the bearings"):
        RotaryPredictor(chosen, weights)


def test_a_state_may_be_continued_from_more_than_once() -> None:
    ours, _ = both(config(window=5))
    _, state = ours.read(IDS[:20])
    first, _ = ours.read(IDS[20:30], state)
    ours.read(IDS[40:60], state)
    again, _ = ours.read(IDS[20:30], state)
    np.testing.assert_array_equal(first, again)


def test_memory_stays_within_the_window() -> None:
    ours, _ = both(config(window=8))
    _, state = ours.read(IDS[:8])
    for token in IDS[8:]:
        _, state = ours.read(np.array([token]), state)
    assert state.end - state.start == 8
    assert state.rows.array.shape[3] <= 4 * 8


def test_the_shapes_of_the_weights_are_those_of_torch() -> None:
    near = replace(config(units=8), intervals=IntervalConfig((1, 3), (1,)))
    for chosen in (config(), config(units=8), config(places=6), near, tiny_config(11, "rotary")):
        assert weight_shapes(chosen) == shapes_in_torch(chosen)


def test_other_models_are_left_to_torch() -> None:
    assert runs(config())
    assert not runs(tiny_config(11, "lstm"))
    document = {**config().to_dict(), "head": {"widths": [8]}}
    assert not runs(TokenModelConfig.from_dict(document))


def test_a_rotary_generator_goes_on_without_torch(tmp_path: Path) -> None:
    save_tiny_generator(tmp_path / "tiny", kind="rotary")
    program = (
        "import sys\n"
        "from arranger.continuation import Extent, Generator\n"
        "from arranger.notes import NoteSequence\n"
        f"generator = Generator.from_pretrained({str(tmp_path / 'tiny')!r})\n"
        "list(generator.stream(NoteSequence.from_rows(())[0], Extent(bars=1)))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
