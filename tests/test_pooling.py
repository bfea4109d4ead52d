from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from arranger.accelerated import AcceleratedEngine
from arranger.backbones import Pooling
from arranger.configuration import ModelConfig
from arranger.features import describe
from arranger.hints import Hints
from tests.models import tiny_checkpoint_of, tiny_config
from tests.music import four_voices

VIEWS = ("note", "chord", "piece")


@pytest.mark.parametrize("causal", [False, True])
def test_a_note_is_told_the_mean_of_its_group(causal: bool) -> None:
    torch.manual_seed(0)
    pooling = Pooling(3, 1, 4, causal)
    x, groups = torch.randn(1, 30, 3), torch.randint(0, 5, (1, 30, 1))
    found = pooling(x, groups, torch.tensor([30]))[0]
    made = torch.relu(pooling.into(x))[0]
    for t in range(30):
        heard = slice(t + 1) if causal else slice(None)
        like = groups[0, heard, 0] == groups[0, t, 0]
        for at, members in ((0, made[heard][like]), (5, made[heard])):
            torch.testing.assert_close(found[t, at : at + 4], members.mean(0))
            assert found[t, at + 4].item() == pytest.approx(np.log1p(len(members)) / 5)


def test_padding_is_in_no_group() -> None:
    torch.manual_seed(0)
    pooling = Pooling(3, 1, 4, causal=False)
    x, groups = torch.randn(2, 12, 3), torch.randint(0, 2, (2, 12, 1))
    groups[1, 7:] = 0
    padded = pooling(x, groups, torch.tensor([12, 7]))
    alone = pooling(x[1:, :7], groups[1:, :7], torch.tensor([7]))
    torch.testing.assert_close(padded[1, :7], alone[0])


@pytest.mark.parametrize("view", VIEWS)
def test_numpy_and_torch_pool_alike(view: str) -> None:
    checkpoint = tiny_checkpoint_of(tiny_config(view, pools=("velocity", "pitch")))
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), checkpoint.config.spec)
    for count in (0, 1, len(notes)):
        codes, values = table.codes[None, :count], table.values[None, :count]
        heard = AcceleratedEngine(checkpoint).hear(codes, values)
        np.testing.assert_allclose(heard, checkpoint.engine().hear(codes, values), atol=1e-5)


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        ({"by": ["loudness"]}, "pooled by codes of the model, not by 'loudness'"),
        ({"by": "pitch"}, "pool: by must be a list of names, not 'pitch'"),
        ({"by": ["pitch"], "units": 0}, "pool: units must be 1 or more, not 0"),
        ({"by": [["pitch"]]}, "pool: by must be a list of names"),
        ({"of": ["pitch"]}, "pool: unknown key 'of'"),
        (["pitch"], "pool: expected keys and values"),
    ],
)
def test_a_pool_that_cannot_be_is_refused_in_a_sentence(pool: object, sentence: str) -> None:
    document = {**tiny_config("note").to_dict(), "pool": pool}
    with pytest.raises(ValueError, match=sentence):
        ModelConfig.from_dict(document)


def test_velocities_that_are_not_known_are_in_no_feature() -> None:
    spec = tiny_config("piece", pools=("velocity",)).spec
    notes, _ = four_voices(6)
    known = describe(notes, Hints(), spec)
    hidden = known.touched(np.zeros(len(notes), np.int64), spec)
    silent = describe(replace(notes, velocity=np.zeros_like(notes.velocity)), Hints(), spec)
    np.testing.assert_array_equal(hidden.codes, silent.codes)
    np.testing.assert_array_equal(hidden.values, silent.values)
    assert (known.codes != hidden.codes).any()
