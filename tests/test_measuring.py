"""What is measured, and what is not measured again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from arranger import checkpoints
from evaluation import measuring
from evaluation.corrections import evaluate_corrections
from evaluation.measuring import measure_runs, update
from evaluation.results import Key, Results, load_results
from evaluation.runner import evaluate
from evaluation.splits import HIDDEN, load_split
from tests.models import tiny_checkpoint
from tests.music import CHORALE, write_chorale


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "chorales"
    folder.mkdir()
    for seed, name in enumerate(("a", "b", "c")):
        write_chorale(folder / f"{name}.mid", beats=2, seed=seed)
    split = {"train": ["c.mid"], "test": ["a.mid", "b.mid"], "test_as_published": ["a.mid"]}
    (folder / "split.json").write_text(json.dumps(split))
    return folder


@pytest.fixture
def own_models(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As ``tiny_models_are_shipped``, in a folder that a test may change; no baselines, and two
    kinds of hints instead of four."""
    folder = tmp_path / "pretrained"
    shutil.copytree(models, folder)
    monkeypatch.setattr(checkpoints, "PRETRAINED", folder)
    monkeypatch.setattr(measuring, "FITTED", tmp_path / "nothing fitted")
    monkeypatch.setattr(measuring, "HINT_KINDS", ("none", "both"))
    return folder


def brought_up_to_date(corpus: Path, fresh: bool = False) -> tuple[Results, list[str]]:
    """The results, and the rows that had to be measured for them."""
    said: list[str] = []
    results = update(CHORALE, corpus, corpus.parent / "rows", fresh=fresh, say=said.append)
    return results, [line.partition(":")[0] for line in said]


def test_every_mode_and_kind_of_hints_is_measured_once(corpus: Path, own_models: Path) -> None:
    results, measured = brought_up_to_date(corpus)
    expected = {
        f"chorale-{mode} {split} {mode} {hints}"
        for mode in ("live", "chord-live", "offline")
        for split in ("test", "test_as_published")
        for hints in ("none", "both")
    }
    for split in ("test", "test_as_published"):
        expected.add(f"chorale-live {split} stage none")
        expected |= {f"chorale-offline {split} corrections {hints}" for hints in ("none", "both")}
    assert set(measured) == expected and len(measured) == len(expected)
    assert {" ".join(key) for key in results.rows} == expected
    row = results.rows[Key("chorale-live", "test", "live", "none")]
    assert row.metrics["pieces"] == 2 and not {"model", "mode", "hints"} & row.metrics.keys()
    again, measured = brought_up_to_date(corpus)
    assert measured == [] and again.rows.keys() == results.rows.keys()


def test_only_what_has_changed_is_measured_again(corpus: Path, own_models: Path) -> None:
    first, everything = brought_up_to_date(corpus)
    checkpoint = checkpoints.load("chorale-chord-live")
    warmer = replace(checkpoint.card, temperature=2.0)
    checkpoints.save(own_models / "chorale-chord-live", warmer, checkpoint.weights)
    second, measured = brought_up_to_date(corpus)
    assert {name.split()[0] for name in measured} == {"chorale-chord-live"}
    write_chorale(corpus / "b.mid", beats=3)
    _, measured = brought_up_to_date(corpus)
    assert {name.split()[1] for name in measured} == {"test"}
    _, measured = brought_up_to_date(corpus, fresh=True)
    assert measured == everything
    shutil.rmtree(own_models / "chorale-live")
    third, measured = brought_up_to_date(corpus)
    assert measured == []
    assert {key.model for key in third.rows} == {"chorale-offline", "chorale-chord-live"}
    assert first.rows.keys() == second.rows.keys()


def test_where_velocities_tell_who_plays_they_are_hidden_in_a_second_measurement(
    corpus: Path, own_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "VELOCITIES_TELL", {"chorale"})
    results, _ = brought_up_to_date(corpus)
    hidden = {key for key in results.rows if key.split.endswith(HIDDEN)}
    modes = {"offline", "live", "stage", "chord-live"}  # neither corrections nor looking ahead
    assert {key.split for key in hidden} == {f"test{HIDDEN}", f"test_as_published{HIDDEN}"}
    assert {key.mode for key in hidden} == modes
    for key in hidden:
        heard = results.rows[key._replace(split=key.split.removesuffix(HIDDEN))]
        assert results.rows[key].protocol != heard.protocol
        assert results.rows[key].metrics["ece"] != heard.metrics["ece"]
    assert brought_up_to_date(corpus)[1] == []


def test_pieces_of_a_split_can_be_had_without_their_velocities(corpus: Path) -> None:
    known, hidden = (load_split(corpus, f"test{end}", CHORALE) for end in ("", HIDDEN))
    for one, other in zip(known, hidden, strict=True):
        assert one.notes.velocity.all() and not other.notes.velocity.any()
        assert one.notes.pitch.tolist() == other.notes.pitch.tolist()
        assert one.parts.tolist() == other.parts.tolist()
    with pytest.raises(ValueError, match="no split 'try'; expected one of train, valid, test"):
        load_split(corpus, f"try{HIDDEN}", CHORALE)


def test_the_shipped_baselines_are_measured_too(
    corpus: Path, own_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(checkpoints, "PRETRAINED", corpus)  # none is shipped
    results, measured = brought_up_to_date(corpus)
    assert "closest-pitch-mono test chord-live entry" in measured and len(measured) == 12
    assert all(len(row.checkpoint) == 12 for row in results.rows.values())


def test_the_runs_of_a_config_are_kept_together_and_replaced_together(
    corpus: Path, tmp_path: Path
) -> None:
    runs = []
    for seed in (0, 1):
        checkpoint = tiny_checkpoint("note")
        weights = {name: (1 + seed) * array for name, array in checkpoint.weights.items()}
        runs.append(tmp_path / f"run-{seed}")
        checkpoints.save(runs[-1], checkpoint.card, weights)
    rows = tmp_path / "rows"
    found = {seeds.key: seeds for seeds in measure_runs(runs, corpus, "test", rows)}
    assert dict(load_results("chorale", rows).seeds).keys() == found.keys()
    key = Key("tiny-note", "test", "live", "entry")
    assert key in found and key._replace(mode="stage", hints="none") in found
    pieces = load_split(corpus, "test", CHORALE)
    for run, accuracy in zip(runs, found[key].accuracies.values(), strict=True):
        labeller = measuring.labeller_for(checkpoints.load(run), "live")
        metrics = evaluate(labeller, pieces, "entry", CHORALE, "live").metrics
        assert metrics["accuracy"] == accuracy
    list(measure_runs(runs[:1], corpus, "test", rows))
    assert load_results("chorale", rows).seeds[key].runs == 1


def test_several_processes_find_what_one_finds(corpus: Path) -> None:
    pieces = load_split(corpus, "test", CHORALE)
    labeller = measuring.labeller_for(tiny_checkpoint("piece"), "offline")
    one, two = (
        evaluate(labeller, pieces, "both", CHORALE, "offline", workers=workers)
        for workers in (1, 2)
    )
    assert {**one.metrics, "seconds": 0} == {**two.metrics, "seconds": 0}
    assert [result.name for result in two.results] == ["a", "b"]
    alone, shared = (
        evaluate_corrections(labeller, pieces, "none", workers)["corrected"] for workers in (1, 2)
    )
    assert alone == shared
