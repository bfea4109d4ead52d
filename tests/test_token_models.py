from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from arranger.checkpoints import CheckpointError, load
from arranger.engine.rotary import RotaryPredictor
from arranger.token_checkpoints import load_tokens
from arranger.token_configuration import KINDS, TokenModelConfig
from arranger.token_models import Predictor, TokenModel
from arranger.tokenizers import tokenizer
from tests.generators import save_tiny_generator, tiny_config


@pytest.mark.parametrize("kind", KINDS)
def test_a_predictor_scores_token_by_token_as_the_whole_sequence(kind: str) -> None:
    torch.manual_seed(0)
    config = tiny_config(11, kind, cells="ms")
    model = TokenModel(config).eval()
    predictor = Predictor(config, {k: w.numpy() for k, w in model.state_dict().items()})
    ids = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    with torch.no_grad():
        whole = model(torch.from_numpy(ids)[None])[0].numpy()
    scores, state = predictor.read(ids[:5])
    np.testing.assert_allclose(scores, whole[4], atol=1e-5)
    for t in range(5, 8):
        scores, state = predictor.read(ids[t : t + 1], state)
        np.testing.assert_allclose(scores, whole[t], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_predictor_in_half_precision_scores_nearly_the_same(kind: str) -> None:
    torch.manual_seed(0)
    config = tiny_config(11, kind, cells="ms")
    weights = {k: w.numpy() for k, w in TokenModel(config).state_dict().items()}
    ids = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):  # not every processor has it
        exact, half = Predictor(config, weights), Predictor(config, weights, None, "cpu", "bf16")
        states: list[Any] = [None, None]
        for part in (ids[:5], ids[5:6], ids[6:]):
            expected, states[0] = exact.read(part, states[0])
            scores, states[1] = half.read(part, states[1])
            np.testing.assert_allclose(scores, expected, atol=0.02)
    assert (scores != expected).any()


@pytest.mark.parametrize(("device", "kind"), [(None, RotaryPredictor), ("cpu", Predictor)])
def test_a_rotary_model_runs_in_torch_only_where_that_is_asked_for(
    tmp_path: Path, device: str | None, kind: type
) -> None:
    checkpoint = load_tokens(save_tiny_generator(tmp_path / "tiny", kind="rotary"))
    assert isinstance(checkpoint.predictor(device), kind)


def test_tokens_may_go_in_as_one_hot_vectors() -> None:
    document = {"tokens": 7, "embedding": 0, "backbone": {"kind": "lstm", "units": 4}}
    model = TokenModel(TokenModelConfig.from_dict(document))
    assert "embedding.weight" not in model.state_dict()
    assert model(torch.tensor([[1, 2, 3]])).shape == (1, 3, 7)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "tree"}, "backbone kind must be one of rnn, gru"),
        ({"kind": "rotary", "heads": 3}, "3 heads cannot share 8 units evenly"),
        ({"kind": "rotary", "heads": 8}, "rotary heads must be of even width, not 1"),
        ({"kind": "lstm", "places": 4}, "places of a bar are known to rotary backbones"),
        ({"kind": "xlstm", "cells": "mx"}, "cells must be letters m and s, not 'mx'"),
        ({"layer": 1}, "unknown key 'layer'"),
    ],
)
def test_a_wrong_config_is_refused_in_a_sentence(change: dict, sentence: str) -> None:
    document = {"tokens": 7, "embedding": 8, "backbone": {"kind": "rnn", "units": 8, **change}}
    with pytest.raises(ValueError, match=sentence):
        TokenModelConfig.from_dict(document)


def test_a_checkpoint_reloads_with_its_tokenizer(tmp_path: Path) -> None:
    checkpoint = load_tokens(save_tiny_generator(tmp_path / "tiny"))
    assert checkpoint.tokenizer.name == "metrical"
    assert checkpoint.tokenizer.styles == ("waltz",)  # type: ignore[attr-defined]
    assert checkpoint.members[0].config == tiny_config(checkpoint.tokenizer.size)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("tokenizer", {"name": "nope"}, "the card describes no token model: no tokenizer 'nope'"),
        ("tokenizer", {"name": "bar"}, r"the model knows \d+ tokens, its tokenizer 153"),
        ("colour", "red", "unknown key 'colour'"),
        ("format", 9, "expected a card of format 1"),
    ],
)
def test_a_card_that_does_not_fit_is_refused_in_a_sentence(
    tmp_path: Path, key: str, value: object, sentence: str
) -> None:
    folder = save_tiny_generator(tmp_path / "tiny")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(CheckpointError, match=sentence):
        load_tokens(folder)


@pytest.mark.parametrize(
    ("name", "places", "sentence"),
    [
        ("tsd", 4, "tsd tokens do not tell their places in a bar"),
        ("bar", 31, "the model knows 31 places in a bar, its tokenizer 32"),
    ],
)
def test_places_that_the_tokens_do_not_tell_are_refused(
    name: str, places: int, sentence: str
) -> None:
    tokens = tokenizer(name)
    with pytest.raises(ValueError, match=sentence):
        tiny_config(tokens.size, "rotary", places=places).check(tokens)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    one = save_tiny_generator(tmp_path / "one")
    other = save_tiny_generator(tmp_path / "other", kind="gru")
    (other / "model.safetensors").replace(one / "model.safetensors")
    with pytest.raises(CheckpointError, match="the card does not fit the weights"):
        load_tokens(one)


def test_a_checkpoint_is_not_taken_for_one_of_the_other_kind(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="a checkpoint that arranges, expected one"):
        load_tokens(models / "chorale-offline")
    with pytest.raises(CheckpointError, match="a checkpoint that generates, expected one"):
        load(save_tiny_generator(tmp_path / "tiny"))
