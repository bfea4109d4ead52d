"""A model of roles, tailored to ensembles by how their parts are described."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from arranger.checkpoints import Checkpoint, load, save
from arranger.configuration import ModelConfig
from arranger.engine import Engine
from arranger.ensembles import Ensemble, Part
from arranger.features import describe
from arranger.hints import Hints
from arranger.models import PartModel
from arranger.offline import Arranger
from arranger.tailoring import Pattern, describe_parts, mixture
from tests.models import MODE_OF_VIEW, tiny_checkpoint, tiny_config, tiny_model
from tests.music import CHORALE, four_voices
from training.batches import Example
from training.described_training import DescribedBatch, DescribedTraining, batch_of
from training.drawing import SEATS

WIND = Ensemble(
    "wind trio",
    (Part("Oboe", 68, 58, 93), Part("Clarinet", 71, 50, 94), Part("Bassoon", 70, 34, 72)),
)
DUO = Ensemble("duo", (Part("Flute", 73, 60, 96), Part("Piano", 0, 21, 108, voices=None)))


def described(view: str = "piece", backbone: str = "lstm", head: str = "memory") -> ModelConfig:
    plain = tiny_config(view, backbone, head)
    return replace(plain, parts=6, described=5, values=(*plain.values, "seats"))


def pattern(config: ModelConfig) -> tuple[PartModel, Pattern]:
    model = tiny_model(config)
    return model, Pattern(config, {n: w.numpy() for n, w in model.state_dict().items()})


def one_batch(config: ModelConfig, ensemble: Ensemble) -> DescribedBatch:
    notes, truth = four_voices(6)
    parts = np.minimum(truth, len(ensemble) - 1)
    spec = replace(config.spec, parts=SEATS)
    table = describe(notes, Hints.from_reference(notes, parts, "both"), spec)
    locked = np.arange(len(parts)) % 5 == 0
    table = table.replaced("locks", np.eye(SEATS)[parts] * locked[:, None], spec)
    return batch_of([Example(table, parts, locked)], [ensemble.parts])


@pytest.mark.parametrize("ensemble", [CHORALE, WIND, DUO], ids=lambda ensemble: ensemble.name)
def test_the_net_that_reads_descriptions_says_the_same_with_numpy(ensemble: Ensemble) -> None:
    model, cut = pattern(described())
    there = torch.ones(len(ensemble))
    with torch.no_grad():
        mix = model.describer(torch.from_numpy(describe_parts(ensemble.parts)), there)
    np.testing.assert_allclose(mixture(cut.weights, ensemble.parts), mix, atol=1e-5)


@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
@pytest.mark.parametrize("ensemble", [CHORALE, WIND, DUO], ids=lambda ensemble: ensemble.name)
def test_a_tailored_model_scores_parts_as_the_roles_it_was_made_of_did(
    ensemble: Ensemble, backbone: str
) -> None:
    config = described(backbone=backbone)
    model, cut = pattern(config)
    batch = one_batch(config, ensemble)
    training = DescribedTraining.__new__(DescribedTraining)
    training.spec = replace(config.spec, parts=SEATS)
    with torch.no_grad():
        scores, decided = training.score_parts(model, batch, batch.batch.parts >= 0)
    expected = torch.log_softmax(scores[0, :, : len(ensemble)], dim=-1).numpy()

    tailored, weights = cut.tailored(ensemble)
    engine = Engine(tailored, weights)
    notes, parts = four_voices(6)[0], batch.batch.parts[0]
    locks = {int(n): int(parts[n]) for n in np.flatnonzero(batch.batch.locked[0])}
    hints = replace(Hints.from_reference(notes, parts, "both"), locks=locks)
    table = describe(notes, hints, tailored.spec)
    heard, memory = engine.hear(table.codes[None], table.values[None]), engine.memory()
    assert memory is not None
    for n, part in enumerate(parts):
        note = int(table.pitch[n]), float(table.onset[n]), int(table.velocity[n])
        said = engine.log_probabilities(heard[:, n], memory, *note)
        np.testing.assert_allclose(said[0], expected[n], atol=1e-4)
        memory.assign(np.array([part]), note[0], note[1], float(table.offset[n]), note[2])
    assert (decided == parts).all()


def test_what_is_said_of_a_part_changes_what_it_is_given() -> None:
    _, cut = pattern(described())
    deep = replace(WIND.parts[0], low=24, high=48)
    for other in (deep, replace(WIND.parts[0], voices=None), replace(WIND.parts[0], program=40)):
        changed = mixture(cut.weights, (other, *WIND.parts[1:]))
        assert np.abs(changed - mixture(cut.weights, WIND.parts)).max() > 1e-3


def test_like_parts_are_told_apart_by_their_place() -> None:
    twins = (Part("Flute 1", 73, 60, 96), Part("Flute 2", 73, 60, 96), Part("Bassoon", 70, 34, 72))
    told = describe_parts(twins)
    assert (told[0] != told[1]).any()


@pytest.fixture(params=["note", "chord", "piece"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    config = described(request.param)
    plain = tiny_checkpoint(request.param)
    card = replace(plain.card, mode=MODE_OF_VIEW[request.param], config=config.to_dict())
    save(tmp_path, card, {n: w.numpy() for n, w in tiny_model(config).state_dict().items()})
    return load(tmp_path)


@pytest.mark.parametrize("ensemble", [CHORALE, WIND, DUO], ids=lambda ensemble: ensemble.name)
def test_a_checkpoint_is_at_work_for_any_ensemble(
    checkpoint: Checkpoint, ensemble: Ensemble
) -> None:
    assert checkpoint.ensemble == CHORALE
    at_work = checkpoint.cast_for(ensemble)
    assert at_work.ensemble == ensemble
    assert at_work.casting is None
    assert at_work.cast_for(CHORALE).weights.keys() == checkpoint.weights.keys()
    for name, weight in at_work.cast_for(CHORALE).weights.items():
        np.testing.assert_array_equal(weight, checkpoint.weights[name])
    if checkpoint.card.mode == "offline":
        notes, _ = four_voices(8)
        arranged = Arranger(at_work).label(notes, Hints())
        assert len(arranged.parts) == len(notes)
        assert set(arranged.parts.tolist()) <= set(range(len(ensemble)))
