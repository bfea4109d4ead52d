"""What has been measured, as it is kept, and when it counts as known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arranger.checkpoints import load
from evaluation import results as module
from evaluation.measuring import CORPORA
from evaluation.pieces import Piece
from evaluation.results import (
    Key,
    Results,
    Row,
    Seeds,
    accuracies_of,
    checkpoint_digest,
    load_results,
    protocol_digest,
    save_results,
)
from tests.models import tiny_checkpoint
from tests.music import CHORALE, four_voices

KEY = Key("chorale-live", "test", "live", "none")
ROW = Row(KEY, "c0ffee", "beef", {"accuracy": 0.5, "notes": 4, "confusion": [[1, 1], [1, 1]]})


def test_results_come_back_as_they_were_saved_a_row_a_line(tmp_path: Path) -> None:
    kept = Results("chorale").plus(
        ROW,
        Row(KEY._replace(hints="both"), "c0ffee", "beef", {"accuracy": 1 / 3}),
        Seeds.of(KEY, {"a": 0.5, "b": 0.75}),
        Seeds(KEY._replace(split="valid"), 3, 0.9, 0.01),
    )
    save_results(kept, tmp_path)
    loaded = load_results("chorale", tmp_path)
    assert loaded.rows[KEY] == ROW
    assert loaded.rows[KEY._replace(hints="both")].metrics["accuracy"] == 0.333333
    assert loaded.seeds[KEY].accuracies == {"a": 0.5, "b": 0.75}
    assert loaded.seeds[KEY._replace(split="valid")] == kept.seeds[KEY._replace(split="valid")]
    text = (tmp_path / "chorale.json").read_text(encoding="utf-8")
    assert sum(line.startswith('{"model"') for line in text.splitlines()) == 4
    save_results(loaded, tmp_path)
    assert (tmp_path / "chorale.json").read_text(encoding="utf-8") == text


def test_nothing_measured_is_an_empty_result_and_a_damaged_file_an_error(tmp_path: Path) -> None:
    assert load_results("chorale", tmp_path) == Results("chorale")
    save_results(Results("chorale"), tmp_path)
    assert load_results("chorale", tmp_path) == Results("chorale")
    for text in ("[", "{}", '{"rows": [{"model": "x"}], "seeds": []}'):
        (tmp_path / "chorale.json").write_text(text)
        with pytest.raises(ValueError, match=r"chorale\.json: cannot be read as results"):
            load_results("chorale", tmp_path)


def test_a_row_takes_the_place_of_an_older_one_and_goes_with_its_model() -> None:
    newer = Row(KEY, "d1ce", "beef", {"accuracy": 0.6})
    results = Results("chorale").plus(ROW).plus(newer, Seeds.of(KEY, {"a": 0.1}))
    assert dict(results.rows) == {KEY: newer}
    assert not newer.is_of("c0ffee", "beef") and not newer.is_of("d1ce", "beet")
    assert newer.is_of("d1ce", "beef")
    gone = results.only(["another"])
    assert not gone.rows and gone.seeds == results.seeds


def test_several_runs_are_shown_with_their_spread_and_one_without() -> None:
    results = Results("chorale").plus(ROW)
    one = results.runs(KEY)
    assert one is not None and (one.runs, one.shown()) == (1, "50.00")
    runs = Seeds.of(KEY, {"c0ffee": 0.97, "a": 0.98, "b": 0.99})
    three = results.plus(runs).runs(KEY)
    assert three is not None and (three.runs, three.shown()) == (3, "98.00 ± 1.00")
    trained_anew = results.plus(runs, replace(ROW, checkpoint="d1ce")).runs(KEY)
    assert trained_anew is not None and trained_anew.shown() == "50.00"
    assert results.runs(KEY._replace(hints="both")) is None


def test_a_checkpoint_is_known_by_what_it_answers_not_by_what_its_card_tells() -> None:
    one = tiny_checkpoint("note")
    digest = checkpoint_digest(one)
    retold = replace(one, card=replace(one.card, metrics={"valid": {"none": 0.5}}, data="more"))
    assert checkpoint_digest(retold) == digest
    name = next(iter(one.weights))
    moved = replace(one, weights={**one.weights, name: one.weights[name] + np.float32(1)})
    cooler = replace(one, card=replace(one.card, temperature=0.7))
    tilted = replace(one, card=replace(one.card, tilted=True))
    assert len({digest, *map(checkpoint_digest, (moved, cooler, tilted))}) == 4


def test_other_pieces_rules_or_ways_of_measuring_are_another_protocol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = (Piece(f"piece {seed}", *four_voices(2, seed)) for seed in (0, 1))
    low = replace(CHORALE, parts=(replace(CHORALE.parts[0], low=50), *CHORALE.parts[1:]))
    swapped = replace(two, parts=two.parts[::-1].copy())
    found = [
        protocol_digest([one, two], CHORALE),
        protocol_digest([one], CHORALE),
        protocol_digest([two, one], CHORALE),
        protocol_digest([one, swapped], CHORALE),
        protocol_digest([one, replace(two, notes=two.notes.transposed(1))], CHORALE),
        protocol_digest([one, two], low),
    ]
    assert protocol_digest([replace(one), replace(two)], CHORALE) == found[0]
    monkeypatch.setattr(module, "PROTOCOL", -1)
    found.append(protocol_digest([one, two], CHORALE))
    assert len(set(found)) == len(found)


def test_the_accuracies_of_a_checkpoint_are_those_of_its_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tiny_checkpoint("note")
    own = replace(ROW, checkpoint=checkpoint_digest(checkpoint))
    stage = replace(own, key=KEY._replace(mode="stage"), metrics={"accuracy": 0.25})
    corrected = replace(own, key=KEY._replace(mode="corrections"), metrics={"corrected": {}})
    another = replace(ROW, key=KEY._replace(hints="both"))
    save_results(Results("chorale").plus(own, stage, corrected, another), tmp_path)
    monkeypatch.setattr(module, "MEASURED", tmp_path)
    assert accuracies_of(checkpoint) == {"test": {"none": 0.5, "stage": 0.25}}


@pytest.mark.parametrize("ensemble", CORPORA)
def test_the_numbers_of_a_row_agree_with_each_other(ensemble: str) -> None:
    results = load_results(ensemble)
    for key, row in results.rows.items():
        if key.mode == "corrections":
            assert row.metrics["corrected"].keys() == {"0.0", "0.01", "0.02", "0.05"}
            continue
        counts = np.array(row.metrics["confusion"])
        assert counts.sum() == row.metrics["notes"]
        assert np.trace(counts) / counts.sum() == pytest.approx(row.metrics["accuracy"], abs=1e-6)
        assert len(row.metrics["deciles"]) == 11
    for seeds in results.seeds.values():
        assert 0 < seeds.mean < 1 and (seeds.runs > 1) == (seeds.deviation is not None)


def test_the_accuracy_at_once_is_not_taken_for_that_of_an_answer_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = load_results("chorale").rows
    measured = rows[Key("chorale-live", "test", "live", "none")].checkpoint
    monkeypatch.setattr(module, "checkpoint_digest", lambda _: measured)
    found = accuracies_of(load("chorale-live"))["test"]
    for mode, kind in (("live", "none"), ("stage", "stage"), ("stage+50ms", "stage+50ms")):
        row = rows[Key("chorale-live", "test", mode, "none")]
        assert found[kind] == row.metrics["accuracy"]
