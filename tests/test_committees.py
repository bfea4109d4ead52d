"""Several models in one checkpoint, which expects the mean of what each expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from arranger.checkpoints import CheckpointError
from arranger.cli import main
from arranger.committee import Committee
from arranger.ensembles import CONFIGS
from arranger.sampling import probabilities
from arranger.token_checkpoints import load_tokens
from evaluation.generation.likelihood import likelihood
from evaluation.generation.pieces import ScorePiece, load_token_pieces
from tests.music import piece, write_midi
from training.committees import load_committee, train_committee

TINY: dict[str, Any] = {
    "tokenizer": "bar",
    "data": "none",
    "licence": "none",
    "windows": {"length": 17, "transpose": [-2, 2]},
    "training": {"steps": 6, "batch": 4, "every": 3, "warmup": 1, "rate": 0.02},
    "valid_share": 0.3,
}
MODELS: dict[str, dict[str, Any]] = {
    "cell": {"embedding": 8, "backbone": {"kind": "gru", "units": 16}},
    "turning": {
        "embedding": 8,
        "intervals": {"heard": [1, 2], "foretold": [1]},
        "backbone": {"kind": "rotary", "units": 8, "heads": 2, "feed_forward": 12},
    },
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for split, count in (("train", 6), ("test", 2)):
        (folder / split).mkdir()
        for n in range(count):
            write_midi(folder / split / f"{n}.mid", scale(50 + 3 * n))
    return folder


@pytest.fixture(scope="module")
def committee(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    configs = tmp_path_factory.mktemp("configs")
    path = written(configs, {name: {} for name in MODELS})
    return train_committee(path, corpus, configs / "run", quiet=True)


def scale(low: int) -> dict[str, list[tuple[int, int, int, int]]]:
    return {"piano": [(24 * i, low + i % 8, 24, 64) for i in range(24)]}


def written(folder: Path, changes: dict[str, dict[str, Any]]) -> Path:
    """The config of a committee, beside those of its members."""
    for name, change in changes.items():
        document = {**TINY, "name": name, "model": MODELS[name], **change}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    path = folder / "both.yaml"
    path.write_text(
        yaml.safe_dump({"name": "both", "members": [f"{name}.yaml" for name in changes]})
    )
    return path


def test_each_member_is_trained_and_all_are_kept_in_one_checkpoint(
    committee: Path, corpus: Path
) -> None:
    together = load_tokens(committee)
    alone = [load_tokens(committee / name) for name in MODELS]
    assert [*map(len, (together.members, alone[0].members))] == [2, 1]
    for member, one in zip(together.members, alone, strict=True):
        assert member.config == one.members[0].config
        assert all(np.array_equal(member.weights[n], w) for n, w in one.weights.items())
    assert together.card.training["members"] == [*MODELS]
    assert together.card.training["steps"] == 12
    pieces = load_token_pieces(corpus, "valid", together.tokenizer, 0.3)
    assert together.card.metrics["valid"]["nats"] == likelihood(together, pieces)["nats_a_token"]
    kept = load_file(committee / "model.safetensors")
    assert {weight.dtype for weight in kept.values()} == {np.dtype(np.float16)}


def test_a_committee_expects_the_mean_of_its_members(committee: Path) -> None:
    together = load_tokens(committee)
    predictors = [load_tokens(committee / name).predictor() for name in MODELS]
    predictor = together.predictor()
    assert isinstance(predictor, Committee)
    ids = together.tokenizer.encode(piece(9).notes)
    whole, _ = predictor.read(ids)
    each = [one.read(ids)[0] for one in predictors]
    mean = np.mean([probabilities(scores) for scores in each], axis=0)
    np.testing.assert_allclose(probabilities(whole), mean, atol=1e-6)
    state: Any = None
    for token in ids:
        scores, state = predictor.read(np.array([token]), state)
    np.testing.assert_allclose(probabilities(scores), mean, atol=1e-5)


def test_its_likelihood_is_that_of_what_it_expects(committee: Path) -> None:
    together = load_tokens(committee)
    heard = ScorePiece("heard", piece(9).notes)
    ids = heard.ids(together.tokenizer)[:17]
    predictor, nats, state = together.predictor(), 0.0, None
    scores, state = predictor.read(ids[:1], state)
    for token in ids[1:]:
        nats -= np.log(probabilities(scores)[token])
        scores, state = predictor.read(np.array([token]), state)

    class First(ScorePiece):
        def ids(self, *_: Any) -> Any:
            return ids

    found = likelihood(together, [First("first", heard.notes)])
    assert found["nats_a_token"] == pytest.approx(nats / 16, rel=1e-4)
    alone = [
        likelihood(load_tokens(committee / name), [First("first", heard.notes)]) for name in MODELS
    ]
    assert found["nats_a_token"] < np.mean([one["nats_a_token"] for one in alone])


def test_it_continues_and_is_shown_like_any_checkpoint(
    committee: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_midi(tmp_path / "piece.mid", scale(60))
    out = str(tmp_path / "longer.mid")
    assert main(["continue", str(source), "-o", out, "--model", str(committee)]) == 0
    capsys.readouterr()
    assert main(["models", str(committee)]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["name"] == "both" and len(card["config"]["members"]) == 2


def test_the_command_trains_it_and_goes_on_where_it_stopped(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = written(tmp_path, {name: {} for name in MODELS}), tmp_path / "run"
    command = ["train", str(path), "--data", str(corpus), "--out", str(out)]
    assert main(command) == 0
    assert f"checkpoint: {out}" in capsys.readouterr().out
    looks = (out / "cell" / "progress.jsonl").read_text()
    (out / "card.json").unlink()
    assert main(command) == 0
    assert (out / "cell" / "progress.jsonl").read_text() == looks
    assert load_tokens(out).card.name == "both"
    assert main([*command, "--start", str(out / "cell")]) == 2
    assert "a committee begins with no other checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cell": {}}, "a committee has 2 members or more"),
        ({"cell": {}, "turning": {"name": "cell"}}, "members of a committee have different names"),
        ({"cell": {}, "turning": {"transpositions": [0, 1]}}, "have the same transpositions"),
        ({"cell": {}, "turning": {"windows": {"length": 9}}}, "have the same windows"),
        ({"cell": {}, "turning": {"steps": 3}}, "unknown key 'steps'"),
        (
            {name: {"windows": {"length": 17, "last_only": True}} for name in MODELS},
            "models of the last token of a window are no committee",
        ),
    ],
)
def test_members_that_cannot_work_together_are_refused_before_any_is_trained(
    tmp_path: Path, corpus: Path, changes: dict[str, dict[str, Any]], sentence: str
) -> None:
    path = written(tmp_path, changes)
    with pytest.raises(ValueError, match=sentence):
        train_committee(path, corpus, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_the_committee_of_the_project_names_its_members() -> None:
    name, runs = load_committee(CONFIGS / "models" / "jsb-committee.yaml")
    assert name == "jsb-committee"
    assert [run.name for run in runs.values()] == [
        "jsb-grid",
        "jsb-intervals",
        "jsb-intervals-slow",
    ]


def test_a_config_that_is_none_of_a_committee_is_refused(tmp_path: Path, corpus: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump({"name": "odd", "members": ["a.yaml"], "steps": 3}))
    with pytest.raises(ValueError, match="not the config of a committee"):
        train_committee(path, corpus)


def test_a_card_of_no_committee_is_refused(committee: Path, tmp_path: Path) -> None:
    card = json.loads((committee / "card.json").read_text())
    for change, message in (
        ({"config": {"members": []}}, "a committee has 1 member or more"),
        ({"config": {"members": 3}}, "the card describes no token model"),
        ({"last_only": True}, "models of the last token of a window are no committee"),
    ):
        (tmp_path / "card.json").write_text(json.dumps({**card, **change}))
        with pytest.raises(CheckpointError, match=message):
            load_tokens(tmp_path)
