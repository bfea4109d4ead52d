from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from arranger import checkpoints
from arranger.checkpoints import CheckpointError, load, load_for, save, shipped
from arranger.configuration import ModelConfig
from arranger.engine.shapes import weight_shapes
from arranger.ensembles import Ensemble
from arranger.features import describe
from arranger.hints import Hints
from arranger.models import PartModel
from tests.models import MODE_OF_VIEW, PART_CONFIGS, tiny_checkpoint, tiny_config
from tests.music import CHORALE, four_voices
from training.configuration import load_run

KINDS = [
    (view, backbone, head)
    for view in MODE_OF_VIEW
    for backbone in ("lstm", "transformer")
    for head in ("memory", "linear")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint that the test may break."""
    checkpoint = tiny_checkpoint("piece")
    save(tmp_path / "mine", checkpoint.card, checkpoint.weights)
    return tmp_path / "mine"


def with_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps(card | changes), encoding="utf-8")


def with_weights(folder: Path, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_checkpoint_reloads_to_the_same_outputs(
    tmp_path: Path, kind: tuple[str, str, str]
) -> None:
    checkpoint = tiny_checkpoint(*kind)
    card = replace(
        checkpoint.card, temperature=1.7, metrics={"valid": {"none": 0.5}}, training={"seed": 3}
    )
    save(tmp_path / "mine", card, checkpoint.weights)
    again = load(tmp_path / "mine")
    assert again.card == card
    assert again.config == checkpoint.config
    assert again.ensemble == CHORALE
    notes, _ = four_voices(8)
    table = describe(notes, Hints(), checkpoint.config.spec)
    scores = []
    for engine in (replace(checkpoint, card=card).engine(), again.engine()):
        heard = engine.hear(table.codes[None], table.values[None])[0]
        scores.append([engine.log_probabilities(row[None], None, 60, 0.0) for row in heard])
    assert np.array_equal(scores[0], scores[1])


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_the_weights_that_are_asked_for_are_those_of_the_torch_model(
    kind: tuple[str, str, str],
) -> None:
    config = tiny_config(*kind)
    state = PartModel(config).state_dict()
    assert weight_shapes(config) == {name: tuple(w.shape) for name, w in state.items()}


@pytest.mark.parametrize("path", PART_CONFIGS, ids=lambda p: p.stem)
def test_the_weights_of_every_config_are_known(path: Path) -> None:
    config = load_run(path).model
    state = PartModel(config).state_dict()
    assert weight_shapes(config) == {name: tuple(w.shape) for name, w in state.items()}


def test_an_unknown_name_lists_the_shipped_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint 'choral': shipped are "):
        load("choral")
    monkeypatch.setattr(checkpoints, "PRETRAINED", tmp_path)
    with pytest.raises(CheckpointError, match=r"shipped are none$"):
        load("choral")
    for name in ("b", "a"):
        save(tmp_path / name, tiny_checkpoint("piece").card, tiny_checkpoint("piece").weights)
    with pytest.raises(CheckpointError, match=r"shipped are a, b$"):
        load("choral")
    assert load("a").card.name == "tiny-piece"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the card cannot be read: Expecting value"),
        ("{", "the card cannot be read: Expecting"),
        ("\ufffe", "the card cannot be read"),
        ("[" * 100_000, "the card cannot be read"),
        ("[]", "expected a card of format 1"),
        ("{}", "expected a card of format 1"),
        ('{"format": 1}', "card: the key 'name' is missing"),
    ],
    ids=["empty", "broken", "not text", "deep", "a list", "nothing", "only a format"],
)
def test_a_card_that_cannot_be_read_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "card.json").write_bytes(text.encode("utf-16" if text == "\ufffe" else "utf-8"))
    with pytest.raises(CheckpointError, match=f"mine: {message}"):
        load(folder)


CONFIG = tiny_config("piece").to_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "expected a card of format 1"),
        ({"colour": "red"}, "card: unknown key 'colour'; known are .*config"),
        ({"mode": "dead"}, "mode must be one of live, chord-live, offline, not 'dead'"),
        ({"mode": "live"}, "a live model has the note view, this one the piece view"),
        ({"mode": "live", "tilted": True}, "only an offline model can be tilted"),
        ({"temperature": 0}, "temperature must be a number above 0, not 0"),
        ({"temperature": "hot"}, "card: temperature must be of type float, not 'hot'"),
        ({"ensemble": None}, "the card describes no model"),
        ({"ensemble": {"name": "x", "parts": [{"name": "a"}]}}, "the card describes no model"),
        ({"config": []}, "the card describes no model"),
        ({"config": CONFIG | {"width": 3}}, "the card describes no model: .*unknown key 'width'"),
        ({"config": CONFIG | {"codes": ["pitch"]}}, "the card describes no model"),
        ({"config": CONFIG | {"values": ["smell"]}}, "unknown feature 'smell'"),
        ({"config": CONFIG | {"parts": 5}}, "scores 5 parts, its ensemble has 4"),
        (
            {"config": CONFIG | {"backbone": {"kind": "lstm", "units": "many", "layers": 1}}},
            "the card describes no model: backbone: units must be of type int, not 'many'",
        ),
        (
            {
                "config": CONFIG
                | {"backbone": {"kind": "transformer", "units": 8, "layers": 1, "heads": 3}}
            },
            "3 heads cannot share 8 units",
        ),
        (
            {
                "config": CONFIG
                | {"backbone": {"kind": "transformer", "units": 8, "layers": 1, "window": 4}}
            },
            "a model that hears whole pieces has no window",
        ),
        (
            {
                "config": CONFIG
                | {"backbone": {"kind": "lstm", "units": 8, "layers": 1, "window": 4}}
            },
            "an LSTM has no window",
        ),
        (
            {"config": CONFIG | {"head": {"kind": "linear"}}},
            "the card does not fit the weights: head.bias is missing",
        ),
        (
            {"config": CONFIG | {"head": {"kind": "memory", "units": 9}}},
            r"head\.heard\.bias has the shape \(8,\), expected \(9,\)",
        ),
        (
            {"config": CONFIG | {"backbone": {"kind": "lstm", "units": 8, "layers": 3}}},
            r"backbone\.backward_lstms\.2\.bias_hh_l0 is missing",
        ),
        (
            {"config": CONFIG | {"backbone": {"kind": "lstm", "units": 8, "layers": 1}}},
            r"backbone\.backward_lstms\.1\.bias_hh_l0 has no place in the model",
        ),
    ],
)
def test_a_card_that_says_what_cannot_be_is_refused(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    with_card(folder, **changes)
    with pytest.raises(CheckpointError, match=f"mine: .*{message}") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("head.out.bias"), r"head\.out\.bias is missing"),
        (lambda w: w.update(more=np.zeros(1)), "more has no place in the model"),
        (
            lambda w: w.update({"head.out.bias": np.zeros(1)}),  # would be broadcast
            r"head\.out\.bias has the shape \(1,\), expected \(4,\)",
        ),
        (
            lambda w: w.update(
                {"front.embeddings.0.weight": w["front.embeddings.0.weight"][:88].copy()}
            ),
            r"front\.embeddings\.0\.weight has the shape \(88, 4\), expected \(128, 4\)",
        ),
    ],
    ids=["missing", "unknown", "of another shape", "of fewer pitches"],
)
def test_weights_that_are_not_the_cards_are_refused(
    folder: Path, change: Callable[[dict[str, np.ndarray]], Any], message: str
) -> None:
    with_weights(folder, change)
    with pytest.raises(
        CheckpointError, match=f"mine: the card does not fit the weights: {message}"
    ):
        load(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_weights_are_refused(folder: Path, kept: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="mine: the weights cannot be read"):
        load(folder)


def test_a_checkpoint_without_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="mine: the weights cannot be read"):
        load(folder)


def test_a_checkpoint_for_another_mode_is_refused(folder: Path) -> None:
    assert load_for(folder, CHORALE, "offline").card.name == "tiny-piece"
    with pytest.raises(ValueError, match="model tiny-piece is made for offline, not for live"):
        load_for(folder, CHORALE, "live")


def test_a_checkpoint_works_for_another_ensemble_but_plays_its_own_as_it_is(folder: Path) -> None:
    assert load_for(folder, CHORALE, "offline").casting is None
    trio = Ensemble("trio", CHORALE.parts[:3])
    cast = load_for(folder, trio, "offline")
    assert cast.ensemble == trio
    assert cast.casting is not None


@pytest.mark.parametrize("mode", ["offline", "live", "chord-live"])
def test_the_nearest_model_is_taken_for_an_ensemble_that_has_none(mode: str) -> None:
    assert load_for(None, CHORALE, mode).card.name == f"chorale-{mode}"
    trio = Ensemble("trio", CHORALE.parts[:3])
    assert load_for(None, trio, mode).card.name == f"any-{mode}"


def test_every_shipped_checkpoint_loads_and_names_its_data_and_licence() -> None:
    for name in shipped():
        checkpoint = load(name)
        assert checkpoint.card.name == name
        assert len(checkpoint.card.data) > 10
        assert len(checkpoint.card.licence) > 10
        assert checkpoint.card.metrics
        assert all(np.isfinite(weight).all() for weight in checkpoint.weights.values())
        ModelConfig.from_dict(checkpoint.card.config)


def test_the_shipped_checkpoints_are_small() -> None:
    sizes = [p.stat().st_size for p in checkpoints.PRETRAINED.rglob("*") if p.is_file()]
    assert sum(sizes) < 40_000_000
