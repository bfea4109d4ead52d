"""Ensembles that no model was trained for: who plays, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arranger import checkpoints
from arranger.checkpoints import load_for, save
from arranger.ensembles import Ensemble, Part
from evaluation.measuring import tasks
from evaluation.others import OTHERS, other_ensemble, others_section, players_of
from evaluation.results import Key, Results, Row
from tests.models import tiny_checkpoint, tiny_config, tiny_model
from tests.music import CHORALE

WINDS = other_ensemble("winds")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of chorales and one of described parts."""
    plain = tiny_checkpoint("piece")
    named = replace(plain.card, name="chorale-offline")
    save(tmp_path / "chorale-offline", named, plain.weights)
    config = tiny_config("piece")
    config = replace(config, parts=6, described=5, values=(*config.values, "seats"))
    card = replace(plain.card, name="any-offline", config=config.to_dict())
    weights = {name: w.numpy() for name, w in tiny_model(config).state_dict().items()}
    save(tmp_path / "any-offline", card, weights)
    monkeypatch.setattr(checkpoints, "PRETRAINED", tmp_path)
    return tmp_path


def chosen(ensemble: Ensemble) -> str:
    return load_for(None, ensemble, "offline").card.name


def test_a_model_of_described_parts_is_taken_for_whatever_no_model_was_made_for(
    shipped: Path,
) -> None:
    assert chosen(CHORALE) == "chorale-offline"
    assert chosen(WINDS) == "any-offline"
    renamed = [replace(part, name=f"Choir {k}") for k, part in enumerate(CHORALE.parts)]
    assert chosen(Ensemble("choir", tuple(renamed))) == "chorale-offline"
    assert chosen(Ensemble("trio", CHORALE.parts[:3])) == "any-offline"
    assert chosen(Ensemble("solo", (Part("Piano", 0, voices=None),))) == "any-offline"


def test_for_another_ensemble_the_tailored_model_and_the_best_cast_are_measured(
    shipped: Path,
) -> None:
    players = dict(players_of(WINDS))
    assert list(players) == ["any-offline", "chorale-offline"]
    tailored, cast = players.values()
    assert tailored.ensemble == cast.ensemble == WINDS
    assert (tailored.casting is None, cast.casting is None) == (True, False)
    assert [task.key.hints for task in tasks(WINDS, "test")] == ["none", "both"] * 2
    assert [name for name, _ in players_of(CHORALE)] == ["chorale-offline"]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_measured_can_be_told_and_what_is_not_is_not_told(name: str) -> None:
    assert list(others_section([Results(name)])) == []
    metrics = {"accuracy": 0.5, "matched_accuracy": 0.75, "link_f1": 0.25, "ece": 0.125}
    metrics |= {"pieces": 3, "notes": 40, "confusion": [[5, 5], [15, 15]]}
    ours, theirs = (
        Row(Key(model, "test", "offline", "none"), "a", "b", metrics)
        for model in ("any-offline", "pop-offline")
    )
    text = "\n".join(others_section([Results(name).plus(ours, theirs)]))
    assert "(3 pieces, 40 notes; 75.0% in the largest part)" in text
    assert "| any-offline | offline | none | 50.00 | 75.00 | 25.00 | 0.125 |" in text
    assert "| pop-offline, cast | offline |" in text
