from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from arranger.accelerated import AcceleratedEngine
from arranger.engine import Engine, transformer
from arranger.engine.recurrent import product
from arranger.features import PartMemory, describe, memory_width
from arranger.hints import Hints
from tests.models import (
    RECALLS,
    tiny_checkpoint,
    tiny_checkpoint_of,
    tiny_config,
    tiny_model,
)
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
        memory = PartMemory(3, 4, RECALLS)
        memory.assign(np.array([0, 1, 2]), 60, 0.0, 1.0, 64)
        if head == "memory":
            relation = torch.from_numpy(memory.relate(62, 2.0, 70)).reshape(
                3, 4 * memory_width(RECALLS)
            )
            scores = model.head(heard[0, 5].expand(3, -1), relation)
        else:
            scores = model.head(heard[0, 5])[None]
        expected = torch.log_softmax(scores / 2.0, -1).numpy()
    read = engine.hear(table.codes[None], table.values[None])[0]
    got = engine.log_probabilities(read[5][None], memory, 62, 2.0, 70)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("pools", [(), ("velocity", "pitch")], ids=["alone", "pooled"])
@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
@pytest.mark.parametrize("view", ["note", "chord"])
def test_steps_of_the_engine_equal_the_whole_piece(
    view: str, backbone: str, pools: tuple[str, ...]
) -> None:
    config = tiny_config(view, backbone, pools=pools)
    weights = {name: w.numpy() for name, w in tiny_model(config).state_dict().items()}
    engine = Engine(config, weights)
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), config.spec)
    whole = engine.hear(table.codes[None], table.values[None])[0]
    state = engine.initial_state()
    for t in range(len(notes)):
        row, state = engine.step(table.codes[t], table.values[t], state)
        np.testing.assert_allclose(row, whole[t], atol=1e-5)


def test_a_window_hides_what_is_long_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "_QUERIES", 7)  # so that windows reach from block to block
    unbounded = tiny_config("note", "transformer")
    config = replace(unbounded, backbone=replace(unbounded.backbone, window=5))
    checkpoint = tiny_checkpoint_of(config)
    engine = checkpoint.engine()
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), config.spec)
    codes, values = table.codes[None], table.values[None]
    windowed = engine.hear(codes, values)[0]
    heard = AcceleratedEngine(checkpoint).hear(codes, values)[0]
    np.testing.assert_allclose(windowed, heard, atol=1e-5)
    state = engine.initial_state()
    for t in range(len(notes)):
        row, state = engine.step(codes[0, t], values[0, t], state)
        np.testing.assert_allclose(row, windowed[t], atol=1e-5)

    def moved(by: Engine) -> np.ndarray:
        before, other = by.hear(codes, values)[0], values.copy()
        other[0, 0] += 1
        return np.abs(by.hear(codes, other)[0] - before).max(axis=1) > 1e-5

    assert not moved(engine)[9:].any()  # two layers that see five notes reach back by eight
    assert moved(tiny_checkpoint_of(unbounded).engine())[9:].any()


@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
@pytest.mark.parametrize("view", ["note", "piece"])
def test_the_engine_takes_one_note_and_none(view: str, backbone: str) -> None:
    config = tiny_config(view, backbone)
    weights = {name: w.numpy() for name, w in tiny_model(config).state_dict().items()}
    engine = Engine(config, weights)
    notes, _ = four_voices(4)
    for count in (0, 1):
        table = describe(notes.take(slice(0, count)), Hints(), config.spec)
        assert engine.hear(table.codes[None], table.values[None]).shape == (1, count, 8)


@pytest.mark.parametrize(("view", "backbone", "head"), KINDS)
def test_torch_hears_what_numpy_hears(view: str, backbone: str, head: str) -> None:
    checkpoint = tiny_checkpoint(view, backbone, head)
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), checkpoint.config.spec)
    for count in (0, 1, len(notes)):
        two = (table, table.transposed(2, checkpoint.config.spec))
        codes = np.stack([one.codes[:count] for one in two])
        values = np.stack([one.values[:count] for one in two])
        heard = AcceleratedEngine(checkpoint).hear(codes, values)
        np.testing.assert_allclose(heard, checkpoint.engine().hear(codes, values), atol=1e-5)


def test_several_hearings_are_averaged() -> None:
    checkpoint = tiny_checkpoint("piece")
    engine = checkpoint.engine()
    notes, _ = four_voices(6)
    tables = [
        describe(notes, Hints(), checkpoint.config.spec).transposed(by, checkpoint.config.spec)
        for by in (-1, 0, 1)
    ]
    heard = engine.hear(np.stack([t.codes for t in tables]), np.stack([t.values for t in tables]))
    alone = [engine.hear(t.codes[None], t.values[None])[0] for t in tables]
    memory = PartMemory(2, 4, RECALLS)
    likely = [engine.log_probabilities(one[3][None], memory, 60, 1.0) for one in alone]
    both = engine.log_probabilities(heard[:, 3], memory, 60, 1.0)
    np.testing.assert_allclose(both, np.mean(likely, axis=0), atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_a_product_is_the_same_whether_much_is_zero_or_little(share: float) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=40) * (rng.random(40) < share)).astype(np.float32)
    weight = rng.normal(size=(40, 7)).astype(np.float32)
    np.testing.assert_allclose(product(x, weight), x @ weight, atol=1e-5)
