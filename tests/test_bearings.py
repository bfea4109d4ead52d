"""Tokens tell where they stand as their grammars know it, at once, one by one, or from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arranger.files import read
from arranger.notes import IntArray
from arranger.tokenizers import TOKENIZERS, Tokenizer, tokenizer
from arranger.tokenizers.bearings import Bearings

PIECE = Path(__file__).parent.parent / "arranger" / "examples" / "haydn-op1-no1-menuetto.mid"
TELLING = ("bar", "grid", "metrical")


def said(name: str) -> tuple[Tokenizer[Any], Bearings, IntArray]:
    tokens = tokenizer(name)
    assert tokens.bearings is not None
    notes = read(PIECE).notes
    kept = notes.take(np.isin(notes.pitch, tokens.pitches))
    return tokens, tokens.bearings, tokens.encode(kept)[:600]


def test_only_some_tokens_tell_where_they_stand() -> None:
    found = {name for name in TOKENIZERS if name != "chord" and tokenizer(name).bearings}
    assert found == set(TELLING)


@pytest.mark.parametrize("name", ["bar", "metrical"])
def test_time_place_and_pitch_are_those_of_the_grammar(name: str) -> None:
    tokens, bearings, ids = said(name)
    (time, place, pitch), _ = bearings.read(ids[None])
    state, checked = tokens.start(), 0
    for t, token in enumerate(ids.tolist()):
        kind, index = tokens.vocabulary.kind(token)
        state, _ = tokens.step(state, token)
        if kind == "pitch":
            assert time[0, t] * tokens.resolution == state.time
            assert place[0, t] == state.time - state.bar
            assert pitch[0, t] == tokens.pitches[index]
            checked += 1
    assert checked > 100
    assert 0 <= place.min() <= place.max() < bearings.count


def test_the_voices_of_a_grid_stand_at_its_16ths() -> None:
    tokens, bearings, ids = said("grid")
    (time, place, pitch), _ = bearings.read(np.array([[*tokens.opening, *ids]]))
    sixteenth = np.arange(len(ids)) // 4
    np.testing.assert_array_equal(time[0, 1:], sixteenth / 4)
    np.testing.assert_array_equal(place[0, 1:], sixteenth % 16)
    kinds = [tokens.vocabulary.kind(token) for token in ids.tolist()]
    for t, (_, index) in enumerate(kinds):
        assert index == 0 or pitch[0, 1 + t] == tokens.pitches[index - 1]


@pytest.mark.parametrize("name", TELLING)
def test_read_one_by_one_they_are_the_same(name: str) -> None:
    _, bearings, ids = said(name)
    whole, behind = bearings.read(ids[None])
    past, single = None, []
    for token in ids:
        where, past = bearings.read(np.array([[token]]), past)
        single.append(where)
    for expected, parts in zip(whole, zip(*single, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), expected)
    np.testing.assert_array_equal(behind, past)


@pytest.mark.parametrize("name", ["bar", "metrical"])
def test_a_window_knows_distances_in_time_and_nothing_of_before(name: str) -> None:
    _, bearings, ids = said(name)
    whole, _ = bearings.read(ids[None])
    windows = np.stack([ids[200:400], ids[300:500]])
    (time, _, _), _ = bearings.read(windows)
    for row, start in enumerate((200, 300)):
        began = 100  # by then a bar has been said
        expected = np.diff(whole.time[0, start + began : start + 200])
        np.testing.assert_allclose(np.diff(time[row, began:]), expected, atol=1e-9)


def test_angles_are_shares_of_a_turn() -> None:
    _, bearings, ids = said("bar")
    where, _ = bearings.read(ids[None])
    assert where.time.max() > 8
    for k, quarters in enumerate((1, 2, 4, 8)):
        expected = 2 * np.pi * np.mod(where.time, quarters) / quarters
        np.testing.assert_allclose(where.angles(8)[..., k], expected, atol=1e-5)


def test_angles_come_round_with_bars_and_phrases() -> None:
    _, bearings, ids = said("bar")
    where, _ = bearings.read(ids[None])
    assert where.angles(32).shape == (1, len(ids), 16)
    assert where.angles(2).shape == (1, len(ids), 1)
    later = where._replace(time=where.time + 384)
    turned = np.abs(later.angles(32) - where.angles(32))
    np.testing.assert_allclose(np.minimum(turned, 2 * np.pi - turned), 0, atol=1e-4)
