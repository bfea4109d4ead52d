from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from arranger.checkpoints import load
from arranger.cli import main
from arranger.configuration import VIEW_OF_MODE
from arranger.ensembles import load_ensemble
from arranger.features import PartMemory, describe
from arranger.hints import Hints
from arranger.models import PartModel
from arranger.notes import NoteSequence
from arranger.offline import Arranger
from evaluation.pieces import Piece
from tests.models import (
    MODE_OF_VIEW,
    PART_CONFIGS,
    RECALLS,
    tiny_checkpoint,
    tiny_config,
    tiny_model,
)
from tests.music import CHORALE, piece, write_chorale
from training.batches import Batch, Variation, collate, example, on_grid, settle_twins
from training.configuration import RunConfig, TrainingConfig, load_run
from training.decisions import Limits, decide
from training.loop import Run
from training.part_task import PartTask
from training.part_training import part_run
from training.runs import train

PIECES = [piece(seed) for seed in range(5)]
VALID = [piece(9)]
LIMITS = Limits.of([CHORALE.parts])


def run_config(
    view: str = "piece", head: str = "memory", played: float = 0.0, **training: float
) -> RunConfig:
    options = {"steps": 12, "batch": 2, "warmup": 4, "every": 4, "average": 0.5} | training
    return RunConfig(
        name="tiny",
        mode=MODE_OF_VIEW[view],
        ensemble=CHORALE,
        data="made for the test",
        licence="none",
        model=tiny_config(view, head=head),
        variation=Variation(transpose=(-2, 2), played=played),
        training=TrainingConfig(**options),  # type: ignore[arg-type]
    )


def trained(config: RunConfig, folder: Path) -> Run:
    run = part_run(config, PIECES, VALID, folder, device="cpu")
    run.train(quiet=True)
    return run


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    named = {"": run.model, "average.": run.average}
    return {p + name: w for p, model in named.items() for name, w in model.state_dict().items()}


def equal(a: Run, b: Run) -> bool:
    ours, theirs = weights_of(a), weights_of(b)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


@pytest.mark.parametrize(
    ("view", "head"), [("piece", "linear"), ("note", "memory"), ("chord", "memory")]
)
def test_a_short_run_learns(tmp_path: Path, view: str, head: str) -> None:
    config = run_config(view, head, played=0.3 * (view == "note"), steps=60, every=30, rate=0.02)
    run = trained(config, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [30, 60]
    assert lines[1]["loss"] < 0.7 * lines[0]["loss"]
    untrained = run.task.task.accuracy(PartModel(config.model).eval(), run.task.valid)
    assert lines[1]["valid"]["none"] > max(0.6, untrained + 0.1)
    assert run.best == pytest.approx(max(np.mean(list(li["valid"].values())) for li in lines))


def test_the_best_average_is_kept_and_its_card_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([0.5, 0.5, 0.9, 0.7, 0.6, 0.8])  # without and with hints, at each look
    looked_at = []

    def accuracy(task: PartTask, model: PartModel, *_: object) -> float:
        looked_at.append({n: w.clone().numpy() for n, w in model.state_dict().items()})
        return next(measured)

    monkeypatch.setattr(PartTask, "accuracy", accuracy)
    run = trained(run_config(), tmp_path)
    assert run.best == pytest.approx(0.8)
    checkpoint = load(tmp_path)
    assert checkpoint.card.training["steps"] == 8
    assert checkpoint.card.metrics["valid_greedy"] == {"none": 0.9, "both": 0.7}
    assert (checkpoint.card.mode, checkpoint.card.data) == ("offline", "made for the test")
    for name, weight in checkpoint.weights.items():
        assert np.array_equal(weight, looked_at[2][name].astype(np.float16))


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    config = run_config(steps=4)
    first, second = (trained(config, tmp_path / name) for name in "ab")
    assert equal(first, second)
    assert not equal(first, trained(config.with_seed(1), tmp_path / "c"))


@pytest.mark.parametrize("view", ["piece", "note"])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    config = run_config(view, played=0.5 * (view == "note"))  # three batches an epoch
    whole = trained(config, tmp_path / "whole")
    update = Run._update

    def until_the_sixth(run: Run, batch: Batch) -> float:
        if run.step == 6:
            raise KeyboardInterrupt
        return update(run, batch)

    monkeypatch.setattr(Run, "_update", until_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        trained(config, tmp_path / "stopped")
    monkeypatch.undo()
    torch.manual_seed(99)
    resumed = part_run(config, PIECES, VALID, tmp_path / "stopped", device="cpu")
    seen = []
    monkeypatch.setattr(Run, "_update", lambda r, b: seen.append(r.step) or update(r, b))
    assert resumed.train(quiet=True) == whole.best
    assert seen == list(range(4, 12))  # from the last look on
    assert equal(resumed, whole)
    cards = [load(tmp_path / name).card for name in ("whole", "stopped")]
    assert cards[0].metrics == cards[1].metrics


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    config = run_config(steps=4)
    first = trained(config, tmp_path)
    again = trained(config, tmp_path)
    assert again.step == 4
    assert again.best == first.best
    assert equal(first, again)


def test_a_folder_with_a_run_of_another_config_is_refused(tmp_path: Path) -> None:
    trained(run_config(steps=4), tmp_path)
    with pytest.raises(ValueError, match="holds a run of another config or seed"):
        trained(run_config(steps=8), tmp_path)


@pytest.mark.parametrize("view", VIEW_OF_MODE.values())
def test_what_a_head_is_taught_to_remember_is_what_it_will_remember(
    monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    reference = on_grid(PIECES[1])
    config = tiny_config(view)
    model = tiny_model(config)
    batch = collate([example(reference, config.spec)])
    heard = model(batch.codes, batch.values, batch.lengths)
    forced = np.ones_like(batch.parts, bool)
    taught = decide(model.head, heard, batch, LIMITS, forced).memory[0]

    memory = PartMemory(1, 4, RECALLS)
    table = describe(reference.notes, Hints(), config.spec)
    for n, part in enumerate(reference.parts):
        key = int(table.pitch[n]), float(table.onset[n]), int(table.velocity[n])
        assert np.allclose(taught[n], memory.relate(*key).reshape(-1))
        pitch, onset, velocity = key
        memory.assign(np.array([part]), pitch, onset, table.offset[n], velocity)

    if view != "piece":
        return
    # A locked piece has the reference's decisions; its beam knows ends only once they have come.
    seen = []
    relate = PartMemory.relate

    def watched(memory: PartMemory, pitch: int, time: float, velocity: int) -> np.ndarray:
        seen.append(relate(memory, pitch, time, velocity))
        return seen[-1]

    monkeypatch.setattr(PartMemory, "relate", watched)
    locks = dict(enumerate(reference.parts.tolist()))
    checkpoint = tiny_checkpoint(view)
    Arranger(checkpoint, width=1).label(reference.notes, Hints(locks=locks))
    assert np.allclose(np.concatenate(seen).reshape(len(taught), -1), taught)


def test_decisions_while_training_are_those_of_use() -> None:
    # One note after the other, each within reach of a free part: within a chord, use looks ahead
    # and training does not.
    rng = np.random.default_rng(0)
    rows = [(12 * i, int(rng.integers(57, 65)), 30, 64) for i in range(80)]
    notes, _ = NoteSequence.from_rows(rows)
    reference = Piece("steps", notes, np.zeros(len(rows), np.int64))
    checkpoint = tiny_checkpoint("piece")
    model = tiny_model(checkpoint.config)
    batch = collate([example(reference, checkpoint.config.spec)])
    heard = model(batch.codes, batch.values, batch.lengths)
    decided = decide(model.head, heard, batch, LIMITS).parts[0]
    used = Arranger(checkpoint, width=1).label(reference.notes, Hints()).parts
    assert decided.tolist() == used.tolist()
    assert len(set(decided.tolist())) >= 3


@pytest.mark.parametrize("path", PART_CONFIGS, ids=lambda path: path.stem)
def test_every_config_builds_a_model_that_scores_a_piece(path: Path) -> None:
    config = load_run(path)
    assert config.name.removeprefix("ablation-") == path.stem
    assert config.model.view == VIEW_OF_MODE[config.mode]
    model = PartModel(config.model).eval()
    piece = on_grid(PIECES[0], config.model.resolution)
    batch = collate([example(piece, config.model.spec)])
    heard = model(batch.codes, batch.values, batch.lengths)
    assert heard.shape[:2] == batch.parts.shape
    assert len(config.data) > 10 and config.licence


@pytest.mark.parametrize("hints", ["none", "entry"])
@pytest.mark.parametrize("exchange", [0.0, 1.0])
def test_parts_that_are_alike_may_exchange_names_where_nothing_tells_these(
    hints: str, exchange: float
) -> None:
    game = load_ensemble("game")
    model = tiny_model(replace(tiny_config("note"), parts=3))
    notes, parts = PIECES[0].notes, np.minimum(PIECES[0].parts, 2)
    swapped = np.array([1, 0, 2])[parts]
    task = PartTask(game, own=1.0, exchange=exchange)

    def loss(named: np.ndarray) -> float:
        known = example(Piece("x", notes, parts), model.config.spec, hints)
        batch = collate([replace(known, parts=named[known.table.order])])
        return task.loss(model, batch, 1.0, np.random.default_rng(0)).item()

    assert (loss(parts) == pytest.approx(loss(swapped))) == (exchange == 1 and hints == "none")
    turned = np.array([2, 1, 0])[parts]
    assert loss(parts) != pytest.approx(loss(turned))


def test_a_piece_is_judged_by_the_names_that_suit_where_these_may_be_exchanged() -> None:
    game = load_ensemble("game")
    model = tiny_model(replace(tiny_config("note"), parts=3))
    known = Piece("x", PIECES[0].notes, np.minimum(PIECES[0].parts, 2))
    other = replace(known, parts=settle_twins(known.notes, np.array([1, 0, 2])[known.parts]))
    strict, lenient = PartTask(game), PartTask(game, exchange=0.5)
    plain = [strict.accuracy(model, [one]) for one in (known, other)]
    assert plain[0] != plain[1]
    assert {lenient.accuracy(model, [one]) for one in (known, other)} == {max(plain)}
    for one in (known, other):
        assert lenient.accuracy(model, [one], "both") == strict.accuracy(model, [one], "both")


MINIMAL = {
    "name": "tiny",
    "mode": "offline",
    "ensemble": "chorale",
    "data": "made for the test",
    "licence": "none",
    "model": {
        "codes": {"pitch": 4},
        "values": ["timing", "keys", "hints"],
        "backbone": {"kind": "lstm", "units": 8, "layers": 1},
    },
    "variation": {"transpose": [-2, 2]},
    "training": {"steps": 4, "batch": 2, "every": 2},
}


def write_config(path: Path, **changes: object) -> Path:
    path.write_text(yaml.safe_dump(MINIMAL | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "run: unknown key 'colour'"),
        ({"training": {"step": 4}}, "training: unknown key 'step'; known are average, batch"),
        ({"training": {"rate": "1e-3"}}, "training: rate must be of type float, not '1e-3'"),
        ({"training": [1]}, "training: expected keys and values"),
        ({"variation": {"transposed": 1}}, "variation: unknown key 'transposed'"),
        ({"mode": "dead"}, "mode must be one of live, chord-live, offline, not 'dead'"),
        ({"mode": "live", "tilted": True}, "only an offline model can be tilted, this one is live"),
        ({"ensemble": "choir"}, "unknown ensemble 'choir': known are"),
        ({"licence": 3}, "run: licence must be of type str, not 3"),
        ({"model": None}, "backbone: the key 'kind' is missing"),
        ({"model": MINIMAL["model"] | {"heads": {}}}, "model: unknown key 'heads'"),
        ({"model": MINIMAL["model"] | {"values": ["smell"]}}, "unknown feature 'smell'"),
        (
            {"model": MINIMAL["model"] | {"described": 4}},
            "described parts needs a head of the kind",
        ),
        (
            {"mode": "live", "model": MINIMAL["model"] | {"values": ["span"]}},
            "feature 'span' is not known in the note view",
        ),
    ],
)
def test_a_config_with_a_mistake_is_refused_by_its_name(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = write_config(tmp_path / "mine.yaml", **changes)
    with pytest.raises(ValueError, match=rf"mine\.yaml: not a training config: .*{message}"):
        load_run(path)


def test_a_file_that_is_no_config_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: cannot be read \(No such file"):
        load_run(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.yaml: not a readable YAML file"):
        load_run(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    with pytest.raises(ValueError, match=r"list\.yaml: not a training config: expected keys"):
        load_run(tmp_path / "list.yaml")


def test_a_config_that_is_like_another_says_only_what_differs(tmp_path: Path) -> None:
    base = write_config(tmp_path / "base.yaml")
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "like: base.yaml\nname: mine\nmodel: {codes: {position: 2}}\ntraining: {steps: 8}\n",
        encoding="utf-8",
    )
    ours, theirs = load_run(mine), load_run(base)
    model = replace(theirs.model, codes={"position": 2})
    training = replace(theirs.training, steps=8)
    assert ours == replace(theirs, name="mine", model=model, training=training)


def test_a_config_that_is_like_none_or_in_a_circle_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    for other, message in (
        ("none.yaml", r"none\.yaml: cannot be read"),
        ("mine.yaml", "must be a config that is like no other"),
        ("list.yaml", "must be a config that is like no other"),
    ):
        mine.write_text(f"like: {other}\n", encoding="utf-8")
        (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            load_run(mine)


@pytest.fixture
def chorales(tmp_path: Path) -> Path:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    splits = {"train": ["a.mid", "b.mid"], "valid": ["c.mid"], "test": []}
    (corpus / "split.json").write_text(json.dumps(splits), encoding="utf-8")
    for seed, name in enumerate(("a.mid", "b.mid", "c.mid")):
        write_chorale(corpus / name, beats=6, seed=seed)
    return corpus


def test_a_corpus_becomes_a_calibrated_checkpoint(tmp_path: Path, chorales: Path) -> None:
    config = write_config(tmp_path / "tiny.yaml", tilted=True)
    folder = train(config, chorales, tmp_path / "run", seed=5, quiet=True)
    card = load(folder).card
    assert (card.training["seed"], card.tilted) == (5, True)
    assert set(card.metrics["valid"]) == {"none", "entry", "pitch", "both"}
    assert set(card.metrics) == {"valid"}
    again = train(config, chorales, tmp_path / "run", seed=5, quiet=True)
    assert load(again).card == card


def test_another_corpus_is_learnt_besides_and_chooses_nothing(
    tmp_path: Path, chorales: Path
) -> None:
    config = write_config(tmp_path / "tiny.yaml")
    more = tmp_path / "more"
    shutil.copytree(chorales, more)
    splits = {"train": ["c.mid"], "valid": ["no-such.mid"], "test": []}
    (more / "split.json").write_text(json.dumps(splits), encoding="utf-8")
    command = ["train", str(config), "--data", str(chorales), "--out", str(tmp_path / "run")]
    assert main([*command, "--also", str(more)]) == 0
    assert load(tmp_path / "run").card.training["pieces"] == 3
    with pytest.raises(ValueError, match="run: holds a run that learns from other pieces"):
        train(config, chorales, tmp_path / "run", quiet=True)


def test_a_run_that_begins_with_another_knows_its_features(tmp_path: Path, chorales: Path) -> None:
    first = train(write_config(tmp_path / "a.yaml"), chorales, tmp_path / "first", quiet=True)
    still = write_config(tmp_path / "b.yaml", training={"steps": 1, "batch": 2, "rate": 0.0})
    second = train(still, chorales, tmp_path / "second", seed=5, quiet=True, start=first)
    ours, theirs = load(second), load(first)
    assert ours.card.training["start"] == "first"
    assert all(np.array_equal(ours.weights[n], w) for n, w in theirs.weights.items())
    deaf = write_config(tmp_path / "c.yaml", model=MINIMAL["model"] | {"values": ["velocity"]})
    with pytest.raises(ValueError, match="first: its features are not those of tiny"):
        train(deaf, chorales, tmp_path / "third", quiet=True, start=first)
