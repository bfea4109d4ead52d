"""Pieces as batches: whole or in part, and varied without changing what they teach."""

from __future__ import annotations

import numpy as np
import pytest

from arranger.configuration import VIEW_OF_MODE
from arranger.features import FeatureSpec, describe
from arranger.hints import Hints
from arranger.notes import NoteSequence
from evaluation.pieces import Piece
from tests.models import tiny_config, tiny_model
from tests.music import CHORALE, piece
from training.batches import Batch, Examples, Variation, on_grid
from training.part_task import PartTask

PIECES = [piece(seed) for seed in range(5)]


@pytest.mark.parametrize("count", [1, 7, 16, 17, 24, 33])
def test_an_epoch_has_as_many_batches_as_it_says_and_every_piece_once(count: int) -> None:
    pieces = [on_grid(piece(seed, beats=1 + seed % 3)) for seed in range(count)]
    examples = Examples(pieces, tiny_config("piece").spec, CHORALE, Variation(transpose=(0, 0)))
    batches = list(examples.epoch(np.random.default_rng(0), 2))
    assert len(batches) == examples.batches(2)
    lengths = sorted(n for batch in batches for n in batch.lengths.tolist())
    assert lengths == sorted(len(p.notes) for p in pieces)


@pytest.mark.parametrize("view", VIEW_OF_MODE.values())
def test_an_example_varied_by_nothing_is_the_piece_as_it_is_in_use(view: str) -> None:
    spec = tiny_config(view).spec
    examples = Examples([PIECES[0]], spec, CHORALE, Variation(transpose=(0, 0), hints=0.0))
    (batch,) = examples.epoch(np.random.default_rng(0), 1)
    table = describe(PIECES[0].notes, Hints(), spec)
    assert np.array_equal(batch.codes[0].numpy(), table.codes)
    assert np.array_equal(batch.values[0].numpy(), table.values)
    assert np.array_equal(batch.parts[0], PIECES[0].parts)


@pytest.mark.parametrize("view", VIEW_OF_MODE.values())
def test_a_transposed_example_is_the_transposed_piece_with_its_hints(view: str) -> None:
    config = tiny_config(view)
    spec = FeatureSpec(view, 4, tuple(config.codes), ("frequency", "timing", "keys", "hints"))
    examples = Examples([PIECES[0]], spec, CHORALE, Variation(transpose=(-5, 6), hints=1.0))
    stored = PIECES[0].notes.pitch.copy()
    shifts = set()
    for epoch in range(12):
        (batch,) = examples.epoch(np.random.default_rng(epoch), 1)
        shift = int(batch.pitch[0, 0] - PIECES[0].notes.pitch[0])
        shifts.add(shift)
        notes = PIECES[0].notes.transposed(shift)
        given = [
            describe(notes, Hints.from_reference(notes, PIECES[0].parts, kind), spec)
            for kind in ("entry", "pitch", "both")
        ]
        assert any(np.allclose(batch.values[0].numpy(), t.values, atol=1e-6) for t in given)
        assert np.array_equal(batch.codes[0].numpy(), given[0].codes)
    assert len(shifts) > 4
    assert np.array_equal(PIECES[0].notes.pitch, stored)


def test_no_transposition_leaves_the_range_of_a_part() -> None:
    spec = tiny_config("piece").spec
    examples = Examples(PIECES, spec, CHORALE, Variation(transpose=(-40, 40)))
    low, high = (np.array([getattr(p, end) for p in CHORALE.parts]) for end in ("low", "high"))
    for batch in examples.epoch(np.random.default_rng(0), 2):
        inside = batch.parts >= 0
        parts, pitch = batch.parts[inside], batch.pitch[inside]
        assert ((pitch >= low[parts]) & (pitch <= high[parts])).all()


def test_a_long_piece_is_cropped_to_a_window_of_its_features() -> None:
    spec = tiny_config("piece").spec
    long = on_grid(piece(3, beats=24))
    variation = Variation(transpose=(0, 0), crop=20, hints=0.0)
    whole = describe(long.notes, Hints(), spec).values
    starts = set()
    for epoch in range(6):
        (batch,) = Examples([long], spec, CHORALE, variation).epoch(np.random.default_rng(epoch), 1)
        assert batch.lengths.tolist() == [20]
        window = batch.values[0].numpy()
        at = [i for i in range(len(whole) - 19) if np.array_equal(whole[i : i + 20], window)]
        assert at
        assert np.array_equal(batch.parts[0], long.parts[at[0] : at[0] + 20])
        starts.add(at[0])
    assert len(starts) > 2


def varied(**variation: float) -> list[Batch]:
    spec = tiny_config("piece").spec
    examples = Examples(PIECES, spec, CHORALE, Variation(transpose=(0, 0), hints=0.0, **variation))
    return [b for seed in range(4) for b in examples.epoch(np.random.default_rng(seed), 2)]


def test_locked_notes_show_their_part_and_are_not_what_is_learnt() -> None:
    spec = tiny_config("piece").spec
    at = slice(spec.start("locks"), spec.start("locks") + spec.parts)
    batches = varied(locks=1.0)
    assert any(batch.locked.any() for batch in batches)
    for batch in batches:
        shown = batch.values.numpy()[..., at]
        assert (shown.any(axis=-1) == batch.locked).all()
        assert (shown.argmax(axis=-1)[batch.locked] == batch.parts[batch.locked]).all()
    assert not any(batch.locked.any() for batch in varied())

    task, model = PartTask(CHORALE), tiny_model(tiny_config("piece"))
    batch = next(b for b in batches if b.locked.any())
    batch.locked[:] = True
    batch.locked[0, 0] = False
    one = task.loss(model, batch, 0.0, np.random.default_rng(0))
    batch.parts[0, 0] = (batch.parts[0, 0] + 1) % 4
    other = task.loss(model, batch, 0.0, np.random.default_rng(0))
    assert one.item() != other.item()


def test_velocities_may_be_hidden_or_uneven_in_features_and_memory_alike() -> None:
    spec = tiny_config("piece").spec
    at = spec.start("velocity")
    for batch in varied(hidden=1.0):
        assert not batch.velocity.any()
        assert not batch.values[..., at : at + 2].any()
    uneven = np.concatenate([b.velocity[b.parts >= 0] for b in varied(uneven=1.0)])
    assert len(np.unique(uneven)) > 3
    assert uneven.min() >= 1
    for batch in varied(uneven=1.0):
        shares = batch.values[..., at].numpy()
        assert np.allclose(shares, batch.velocity / 127)


def test_a_piece_may_have_its_bass_an_octave_lower_or_its_onsets_loosened() -> None:
    lower = Examples(PIECES, tiny_config("piece").spec, CHORALE, Variation(lowered=1.0)).pieces
    for low, given in zip(lower, PIECES, strict=True):
        down = np.sort(given.notes.pitch[given.parts == 3]) - 12
        expected = np.where(down >= CHORALE.parts[3].low, down, down + 12)
        assert sorted(low.notes.pitch[low.parts == 3].tolist()) == sorted(expected.tolist())
        assert sorted(low.notes.pitch[low.parts == 0]) == sorted(
            given.notes.pitch[given.parts == 0]
        )
    loose = Examples(PIECES, tiny_config("piece").spec, CHORALE, Variation(loose=1.0)).pieces
    assert any(len(np.unique(p.notes.onset % 12)) > 1 for p in loose)
    for moved, given in zip(loose, PIECES, strict=True):
        assert np.bincount(moved.parts).tolist() == np.bincount(given.parts).tolist()


def test_no_transposition_leaves_the_keys() -> None:
    notes, _ = NoteSequence.from_rows([(0, 126, 24, 64), (24, 60, 24, 64)])
    high = Piece("high", notes, np.array([0, 1]))
    variation = Variation(transpose=(-5, 6))
    examples = Examples([high], tiny_config("piece").spec, CHORALE, variation)
    for seed in range(20):
        for batch in examples.epoch(np.random.default_rng(seed), 1):
            assert batch.pitch.max() <= 127
