"""Token models that hear a piece in several transpositions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from arranger.checkpoints import CheckpointError, read_card, save
from arranger.continuation import Extent, Generator
from arranger.notes import NoteSequence
from arranger.token_checkpoints import TokenCheckpoint, load_tokens
from arranger.token_models import TokenModel
from arranger.tokenizers import tokenizer
from arranger.transposing import Transposing
from evaluation.generation.likelihood import mean_nats, total_nats
from evaluation.generation.measuring import heard_throughout
from tests.generators import save_tiny_generator
from tests.music import piece

LENGTH = 33


def heard_in(folder: Path, transpositions: list[int], name: str = "grid") -> TokenCheckpoint:
    """A tiny checkpoint that hears pieces so."""
    checkpoint = load_tokens(save_tiny_generator(folder, name))
    save(folder, replace(checkpoint.card, transpositions=transpositions), checkpoint.weights)
    return load_tokens(folder)


def model_of(checkpoint: TokenCheckpoint) -> TokenModel:
    model = TokenModel(checkpoint.members[0].config, checkpoint.tokenizer.bearings).eval()
    model.load_state_dict({k: torch.from_numpy(w) for k, w in checkpoint.weights.items()})
    return model


@pytest.mark.parametrize("name", ["grid", "bar", "metrical"])
def test_tokens_are_moved_as_the_tokens_of_the_moved_piece(name: str) -> None:
    tokens, notes = tokenizer(name), piece(3).notes
    for semitones in (-2, 0, 3):
        moved = tokens.moved(semitones)[tokens.encode(notes)]
        assert moved.tolist() == tokens.encode(notes.transposed(semitones)).tolist()


def test_a_pitch_moved_beyond_the_highest_has_no_token() -> None:
    tokens = tokenizer("grid")
    moved = tokens.moved(2)
    lacking = np.flatnonzero(moved < 0)
    assert lacking.size == 4 * 2  # the highest two of each voice
    assert sorted(set(tokens.bearings.pitches[lacking])) == [80, 81]  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="performance tokens do not tell their pitch"):
        tokenizer("performance").moved(1)


@pytest.mark.parametrize("transpositions", [[-2, 0, 1], [0, 9, 12]])
def test_a_mean_over_transpositions_is_read_token_by_token_as_it_is_measured(
    tmp_path: Path, transpositions: list[int]
) -> None:
    checkpoint = heard_in(tmp_path / "tiny", transpositions)
    predictor = checkpoint.predictor()
    assert isinstance(predictor, Transposing)
    ids = checkpoint.tokenizer.encode(piece(2).notes)[:LENGTH]
    scores, state = predictor.read(ids[:1])
    nats = 0.0
    for token in ids[1:]:
        nats -= scores[token]
        scores, state = predictor.read(np.array([token]), state)
    measured, count = mean_nats([model_of(checkpoint)], [ids], LENGTH, checkpoint.moves)
    assert count == len(ids) - 1
    assert nats == pytest.approx(measured, rel=1e-5)
    alone, _ = total_nats(model_of(checkpoint), [ids], LENGTH)
    assert measured != pytest.approx(alone, rel=1e-3)


def test_a_transposition_that_lacks_a_token_is_heard_no_further(tmp_path: Path) -> None:
    checkpoint = heard_in(tmp_path / "tiny", [0, 12])
    tokens = checkpoint.tokenizer
    high = NoteSequence.from_rows([(0, 81, 24, 64), (24, 60, 24, 64)])[0]
    ids = tokens.encode(high)
    _, state = checkpoint.predictor().read(ids)
    assert [heard is not None for heard in state] == [True, False]
    plain = heard_in(tmp_path / "plain", [0])
    scores, _ = plain.predictor().read(ids)
    mean, _ = checkpoint.predictor().read(ids)
    expected = np.exp(scores - scores.max())
    np.testing.assert_allclose(np.exp(mean), expected / expected.sum(), atol=1e-6)
    nats, _ = mean_nats([model_of(checkpoint)], [ids], len(ids), checkpoint.moves)
    alone, _ = total_nats(model_of(checkpoint), [ids], len(ids))
    assert nats == pytest.approx(alone, rel=1e-5)


def test_speed_is_that_of_all_transpositions_together(tmp_path: Path) -> None:
    checkpoint = heard_in(tmp_path / "tiny", [-2, 0, 2])
    ids = heard_throughout(checkpoint)
    assert 0 < len(ids) < checkpoint.tokenizer.size
    _, state = checkpoint.predictor().read(ids)
    assert None not in state
    assert len(heard_throughout(heard_in(tmp_path / "plain", [0]))) == checkpoint.tokenizer.size


def test_a_generator_goes_on_in_the_mean_of_its_transpositions(tmp_path: Path) -> None:
    heard_in(tmp_path / "tiny", [-1, 0, 1])
    generator = Generator.from_pretrained(tmp_path / "tiny")
    notes = piece(1).notes
    new = list(generator.stream(notes, Extent(bars=2), seed=1))
    assert new
    assert new == list(generator.stream(notes, Extent(bars=2), seed=1))
    assert min(note.onset for note in new) >= notes.offset.max()


@pytest.mark.parametrize(
    ("name", "transpositions", "message"),
    [
        ("grid", [1, 2], "transpositions must be whole numbers in -12..12, 0 among them"),
        ("grid", [0, 13], "transpositions must be whole numbers in -12..12, 0 among them"),
        ("grid", [0, 0.5], "transpositions must be whole numbers in -12..12, 0 among them"),
        ("grid", [0, 1, 1], "no transposition may be heard twice"),
        ("grid", 5, "transpositions must be whole numbers"),
        ("grid", "0", "transpositions must be whole numbers"),
        ("performance", [0, 1], "performance tokens do not tell their pitch"),
    ],
)
def test_a_card_that_cannot_be_heard_so_is_refused(
    tmp_path: Path, name: str, transpositions: list[int], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        heard_in(tmp_path / "tiny", transpositions, name)
    assert read_card(tmp_path / "tiny")["transpositions"] == transpositions
