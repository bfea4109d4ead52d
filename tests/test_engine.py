from __future__ import annotations

import numpy as np
import pytest
import torch

from arranger.accelerated import AcceleratedEngine
from arranger.engine import Engine
from arranger.features import MEMORY_WIDTH, PartMemory, describe
from arranger.hints import Hints
from tests.models import tiny_checkpoint, tiny_config, tiny_model
from tests.music import four_voices

KINDS = [
    (view, backbone, head)
    for view in ("note", "piece")
    for backbone in ("lstm", "transformer")
    for head in ("linear", "memory")
] + [("chord", "lstm", "memory")]


@pytest.mark.parametrize(("view", "backbone", "head"), KINDS)
def test_the_engine_gives_what_torch_gives(view: str, backbone: str, head: str) -> None:
    config = tiny_config(view, backbone, head)
    model = tiny_model(config)
    weights = {name: w.numpy() for name, w in model.state_dict().items()}
    engine = Engine(config, weights, temperature=2.0)
    notes, _ = four_voices(10)
    table = describe(notes, Hints(entries={1: 3.0}), config.spec)
    with torch.no_grad():
        heard = model(
            torch.from_numpy(table.codes)[None],
            torch.from_numpy(table.values)[None],
            torch.tensor([len(notes)]),
        )
        memory = PartMemory(3, 4)
        memory.assign(np.array([0, 1, 2]), 60, 0.0, 1.0)
        if head == "memory":
            relation = torch.from_numpy(memory.relate(62, 2.0)).reshape(3, 4 * MEMORY_WIDTH)
            scores = model.head(heard[0, 5].expand(3, -1), relation)
        else:
            scores = model.head(heard[0, 5])[None]
        expected = torch.log_softmax(scores / 2.0, -1).numpy()
    read = engine.hear(table.codes, table.values)
    got = engine.log_probabilities(read[5][None], memory, 62, 2.0)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
@pytest.mark.parametrize("view", ["note", "chord"])
def test_steps_of_the_engine_equal_the_whole_piece(view: str, backbone: str) -> None:
    config = tiny_config(view, backbone)
    weights = {name: w.numpy() for name, w in tiny_model(config).state_dict().items()}
    engine = Engine(config, weights)
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), config.spec)
    whole, state = engine.hear(table.codes, table.values), engine.initial_state()
    for t in range(len(notes)):
        row, state = engine.step(table.codes[t], table.values[t], state)
        np.testing.assert_allclose(row, whole[t], atol=1e-5)


@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
@pytest.mark.parametrize("view", ["note", "piece"])
def test_the_engine_takes_one_note_and_none(view: str, backbone: str) -> None:
    config = tiny_config(view, backbone)
    weights = {name: w.numpy() for name, w in tiny_model(config).state_dict().items()}
    engine = Engine(config, weights)
    notes, _ = four_voices(4)
    for count in (0, 1):
        table = describe(notes.take(slice(0, count)), Hints(), config.spec)
        assert engine.hear(table.codes, table.values).shape == (count, 8)


@pytest.mark.parametrize(("view", "backbone", "head"), KINDS)
def test_torch_hears_what_numpy_hears(view: str, backbone: str, head: str) -> None:
    checkpoint = tiny_checkpoint(view, backbone, head)
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), checkpoint.config.spec)
    for count in (0, 1, len(notes)):
        codes, values = table.codes[:count], table.values[:count]
        heard = AcceleratedEngine(checkpoint).hear(codes, values)
        np.testing.assert_allclose(heard, checkpoint.engine().hear(codes, values), atol=1e-5)
