"""From answers on valid pieces to the curves on a card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from arranger.certainty import HINTED, KINDS, Certainty, Curve
from arranger.checkpoints import load, save
from arranger.cli import main
from arranger.hints import HINT_KINDS
from evaluation.metrics import calibration_error
from evaluation.pieces import Piece
from tests.commands import refused
from tests.models import tiny_checkpoint
from tests.music import piece, write_chorale
from training.calibration import Answers, Trial, answers, errors, fit_curve, fit_curves
from training.runs import beginnings

PIECES = [piece(seed, beats) for seed, beats in enumerate((2, 4, 12))]


def boaster(notes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A labeller that is right less often than it claims: nine tenths of the way to 1."""
    rng = np.random.default_rng(seed)
    claimed = 1 - 0.4 * rng.random(notes)
    return claimed, rng.random(notes) < 1 - 5 * (1 - claimed) / 4


def test_who_claims_too_much_is_as_sure_as_right_afterwards_on_other_notes_too() -> None:
    curve = Curve(fit_curve(*boaster(20_000)))
    claimed, right = boaster(20_000, seed=1)
    said = np.array([curve.of(p) for p in claimed])
    assert calibration_error(claimed, right) > 0.04
    assert calibration_error(said, right) < 0.02
    assert (np.argsort(said) == np.argsort(claimed)).all()


@pytest.mark.parametrize(
    ("claimed", "right"),
    [
        ([0.7], [True]),
        ([0.0], [False]),
        ([1.0] * 300, [True] * 200 + [False] * 100),
        ([0.0, 0.5, 1.0] * 100, [False] * 300),
        ([0.0, 0.5, 1.0] * 100, [True] * 300),
        ([0.2] * 200 + [0.9] * 200, [True] * 200 + [False] * 200),  # the wrong way round
    ],
)
def test_a_curve_is_found_whatever_the_answers_are(
    claimed: Sequence[float], right: Sequence[bool]
) -> None:
    curve = Curve(fit_curve(np.array(claimed), np.array(right)))
    said = [curve.of(p) for p in claimed]
    assert abs(np.mean(said) - np.mean(right)) < (0.01 if len(right) > 1 else 0.5)


@pytest.mark.parametrize(
    ("view", "modes"),
    [
        ("piece", ["offline"]),
        ("chord", ["chord-live", "chord-live+50ms"]),
        ("note", ["live", "live+50ms", "stage", "stage+50ms"]),
    ],
)
def test_every_way_of_listening_gets_a_curve_of_its_own_answers(
    view: str, modes: list[str]
) -> None:
    found = list(answers([Trial(tiny_checkpoint(view), PIECES)]))
    assert [(one.mode, one.hints) for one in found] == [
        (mode, hints) for mode in modes for hints in HINT_KINDS
    ]
    assert all(len(one.right) == sum(len(p.notes) for p in PIECES) for one in found)
    curves = fit_curves(found)
    assert set(curves) == {one.kind for one in found} <= set(KINDS)
    assert len(curves) == len(found)
    assert Certainty(curves).curve(found[-1].kind).of(1.0) <= 1.0


def test_the_error_afterwards_is_that_of_pieces_that_the_curve_does_not_know() -> None:
    right = np.array([True, False] * 100)  # right in every even piece, wrong in the others
    knows_nothing = Answers("live", "none", "live", np.full(200, 0.5), right, np.arange(200) % 2)
    [(_, before, after)] = errors([knows_nothing])
    assert (before, after) == (pytest.approx(0.0), pytest.approx(1.0, abs=0.02))


def test_every_piece_gives_as_many_first_notes_as_make_the_number_asked_for() -> None:
    lengths = [len(one.notes) for one in PIECES]
    assert [len(one.notes) for one in beginnings(PIECES, 10**6)] == lengths
    few = beginnings(PIECES, 3 * lengths[0])
    assert [len(one.notes) for one in few] == [lengths[0]] * 3
    some = [len(one.notes) for one in beginnings(PIECES, lengths[0] + lengths[1] + 20)]
    assert some == [*lengths[:2], 20]
    assert [len(one.notes) for one in beginnings(PIECES, 1)] == [1, 1, 1]
    assert all(isinstance(one, Piece) and len(one.parts) == len(one.notes) for one in few)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for seed, name in enumerate(("a", "b", "c")):
        write_chorale(folder / f"{name}.mid", beats=4, seed=seed)
    split = {"train": [], "valid": ["a.mid", "b.mid"], "test": ["c.mid"]}
    (folder / "split.json").write_text(json.dumps(split))
    return folder


def test_a_checkpoint_is_calibrated_in_its_folder_and_keeps_its_weights(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tiny_checkpoint("chord")
    mine = tmp_path / "mine"
    save(mine, checkpoint.card, checkpoint.weights)
    weights = (mine / "model.safetensors").read_bytes()
    (corpus / "c.mid").unlink()  # a test piece is not looked at
    for _ in range(2):  # what was found before does not matter
        assert main(["calibrate", str(mine), "--data", str(corpus), "--notes", "20"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "tiny-chord: calibrated on 20 notes; error before, after"
        assert [line.split()[:2] for line in lines[1:]] == [
            [mode, f"{hints}:"]
            for mode in ("chord-live", "chord-live+50ms")
            for hints in HINT_KINDS
        ]
    card = load(mine).card
    assert set(card.certainty) == {
        f"chord-live{wait}{said}" for wait in ("", "+wait") for said in HINTED.values()
    }
    assert (mine / "model.safetensors").read_bytes() == weights


def test_what_cannot_be_calibrated_is_refused(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    save(mine, tiny_checkpoint("note").card, tiny_checkpoint("note").weights)
    known = ["calibrate", str(mine), "--data"]
    refused(capsys, main([*known, str(tmp_path)]), "split.json: cannot be read")
    refused(capsys, main(["calibrate", "choir", "--data", str(corpus)]), "no checkpoint 'choir'")
    refused(capsys, main([*known, str(corpus), "--notes", "0"]), "1 note or more, not 0")
    split = {"train": [], "valid": ["a.mid"], "test": []}
    (corpus / "split.json").write_text(json.dumps(split))
    refused(capsys, main([*known, str(corpus)]), "two valid pieces or more, not 1")
    assert load(mine).card.certainty == {}
