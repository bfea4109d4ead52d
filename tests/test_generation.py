"""Measuring generators, from excerpts to rows, with models that know nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from arranger import checkpoints
from arranger.cli import main
from arranger.notes import Meter, NoteSequence
from arranger.sampling import Sampling
from arranger.token_checkpoints import load_tokens
from evaluation.generation import measuring
from evaluation.generation.command import Question, answer
from evaluation.generation.continuers import Copy, Random, Truth
from evaluation.generation.copying import KnownRuns
from evaluation.generation.excerpts import Excerpt, excerpts
from evaluation.generation.likelihood import likelihood
from evaluation.generation.measuring import measure_checkpoints
from evaluation.generation.pieces import ScorePiece, load_token_pieces
from evaluation.generation.report import generation_sections
from evaluation.generation.results import Key, load_rows
from evaluation.generation.runner import evaluate_continuers
from evaluation.generation.speed import tokens_a_second
from evaluation.generation.tunes import evaluate_tunes, is_sound
from tests.commands import refused
from tests.generators import save_tiny_generator
from tests.music import write_midi

BAR = 16


@pytest.fixture(scope="module", autouse=True)
def one_round() -> Iterator[None]:
    """Speed is measured on a few tokens, and not well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "tokens_a_second", lambda model, ids: _few(model, ids))
        yield


def _few(model: object, ids: object) -> dict[int, float]:
    return tokens_a_second(model, ids, contexts=(1, 8), count=4)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_generator(tmp_path_factory.mktemp("generator") / "tiny")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pieces to train on and two to test, each of six bars of quarters."""
    folder = tmp_path_factory.mktemp("data") / "scales"
    for split, count in (("train", 3), ("test", 2)):
        (folder / split).mkdir(parents=True)
        for n in range(count):
            rows = [(4 * i, 60 + n + i % 7, 4, 64) for i in range(24)]
            write_midi(folder / split / f"{n}.mid", {"Piano": rows}, 4)
    return folder


def quarters(count: int, **more: object) -> NoteSequence:
    rows = [(4 * i, 60 + i, 4, 64) for i in range(count)]
    return NoteSequence.from_rows(rows, 4, **more)[0]  # type: ignore[arg-type]


def excerpt(count: int = 24) -> Excerpt:
    return excerpts([ScorePiece("quarters", quarters(count))], 3, 2)[0]


def test_an_excerpt_is_some_bars_and_those_behind_them() -> None:
    found = excerpt()
    assert (found.begin, found.bar, found.bars, found.beats) == (48, BAR, 2, 8)
    assert found.prompt.pitch.tolist() == list(range(60, 72))
    assert found.truth.onset.tolist() == list(range(0, 32, 4))
    assert found.truth.pitch.tolist() == list(range(72, 80))


def test_notes_are_cut_where_the_prompt_and_the_truth_end() -> None:
    held = NoteSequence.from_rows([(0, 40, 40, 64), (16, 50, 40, 64), (44, 60, 8, 64)], 4)[0]
    found = excerpts([ScorePiece("held", held)], 1, 2)[0]
    assert found.prompt.duration.tolist() == [16]
    assert list(zip(found.truth.onset, found.truth.duration, strict=True)) == [(0, 32), (28, 4)]


def test_pieces_without_so_many_bars_of_one_meter_are_left_out() -> None:
    changing = quarters(24, meters=[Meter(0, 4, 4), Meter(32, 3, 4)])
    silent = NoteSequence.from_rows([(0, 60, 4, 64), (80, 60, 4, 64)], 4)[0]
    pieces = [ScorePiece(str(n), p) for n, p in enumerate((quarters(8), changing, silent))]
    with pytest.raises(ValueError, match="no piece has 5 bars under one meter"):
        excerpts(pieces, 3, 2)


def test_of_many_excerpts_some_are_taken_evenly() -> None:
    pieces = [ScorePiece(str(n), quarters(24)) for n in range(10)]
    assert [e.name for e in excerpts(pieces, 2, 2, most=4)] == ["0", "2", "5", "7"]


def test_a_copy_repeats_the_last_bars() -> None:
    copied = Copy().go_on(excerpt(), 0)
    assert copied.pitch.tolist() == list(range(64, 72))
    assert copied.onset.tolist() == list(range(0, 32, 4))
    once = excerpts([ScorePiece("quarters", quarters(24))], 1, 3)[0]
    assert Copy().go_on(once, 0).pitch.tolist() == [60, 61, 62, 63] * 3


def test_random_notes_are_drawn_from_the_training_set() -> None:
    train = NoteSequence.from_rows([(0, 50, 2, 64), (2, 51, 2, 64), (4, 52, 6, 64)], 4)[0]
    drawn = Random([train]).go_on(excerpt(), 3)
    assert set(drawn.pitch.tolist()) <= {50, 51, 52} and len(drawn) == 16
    assert set(np.diff(drawn.onset).tolist()) == {2}
    with pytest.raises(ValueError, match="all notes begin together"):
        Random([train.take(slice(0, 1))])


def test_the_truth_overlaps_with_itself_and_the_copy_keeps_the_prompt() -> None:
    found = [excerpts([ScorePiece(str(n), quarters(24 + n))], 3, 2)[0] for n in range(3)]
    known = KnownRuns([quarters(5)])
    copied, truth = evaluate_continuers([Copy()], found, known)
    assert (copied["name"], truth["name"]) == ("copy", "truth")
    assert all(area == pytest.approx(1, abs=1e-3) for area in truth["overlap"].values())
    assert truth["true_key"] == pytest.approx(1)
    assert copied["keeps_meter"] == 1 and copied["keeps_motif"] == 1
    assert copied["longest_run"] == 5 and copied["longest_run_of_all"] == 5
    assert (copied["notes"], copied["silent"]) == (24, 0)


def test_who_says_nothing_is_counted_as_silent() -> None:
    class Silent:
        name = "silent"

        def go_on(self, excerpt: Excerpt, seed: int) -> NoteSequence:
            return Truth().go_on(excerpt, seed).take(slice(0, 0))

    silent, _ = evaluate_continuers([Silent()], [excerpt()], KnownRuns([]))
    assert silent["silent"] == 1 and math.isnan(silent["keeps_key"])
    assert silent["longest_run_of_all"] == 0


def test_likelihood_is_that_of_every_token(tmp_path: Path, corpus: Path) -> None:
    folder = save_tiny_generator(tmp_path / "even", "bar", context=10)
    checkpoint = load_tokens(folder)
    for weight in checkpoint.weights.values():
        weight[:] = 0  # every token is as likely
    pieces = load_token_pieces(corpus, "test", checkpoint.tokenizer)
    said = likelihood(checkpoint, pieces)
    assert said["tokens"] == 2 * (3 * 24 + 2 * 5) and said["notes"] == 48
    assert said["nats_a_token"] == pytest.approx(math.log(153), abs=1e-5)
    assert said["nats_a_note"] == pytest.approx(164 / 48 * math.log(153), abs=1e-4)
    seconds = 2 * 24 * 0.5
    assert said["bits_a_second"] == pytest.approx(164 * math.log2(153) / seconds, rel=1e-5)


def test_the_command_prints_the_tables_and_writes_json(
    model: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "found.json"
    arguments = ["--data", corpus, "--samples", "2", "--before", "2", "--bars", "2"]
    arguments += ["--baseline", "copy", "--json", out]
    assert main(["evaluate-generation", str(model), *map(str, arguments)]) == 0
    said = capsys.readouterr().out
    assert "2 pieces, 48 notes" in said and "nats a token" in said and "2 continuations" in said
    rows = json.loads(out.read_text())["sampled"]
    assert [row["name"] for row in rows] == ["tiny-metrical", "copy", "truth"]
    assert rows[1]["keeps_meter"] == 1


def test_the_same_seed_gives_the_same_numbers(model: Path, corpus: Path) -> None:
    question = Question(corpus, samples=1, before=2, bars=2, sampling=Sampling(top_p=0.9))
    assert answer(model, question) == answer(model, question)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--samples", "0"], "samples must be 1 or more, not 0"),
        (["--bars", "1"], "bars must be 2 or more, not 1"),
        (["--before", "50"], "no piece has 58 bars"),
        (["--split", "nope"], "no split 'nope'; expected train"),
        (["--temperature", "11"], "temperature must lie in 0..10"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    model: Path,
    corpus: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    code = main(["evaluate-generation", str(model), "--data", str(corpus), *arguments])
    refused(capsys, code, words)


def test_a_measured_checkpoint_stands_in_a_row_and_in_the_report(
    model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(corpus, samples=2, before=2, bars=2)
    [row] = measure_checkpoints([model], question, tmp_path)
    kept = load_rows(tmp_path)
    assert list(kept) == [Key("tiny-metrical", "scales", "test")]
    assert kept[row.key].measured == row.measured and kept[row.key].parameters == row.parameters
    monkeypatch.setattr(checkpoints, "PRETRAINED", tmp_path)
    text = "\n".join(generation_sections(kept))
    assert f"{row.measured['likelihood']['nats_a_token']:.3f}" in text
    assert "`arranger train configs/models/tiny-metrical.yaml --data scales`, not shipped" in text
    assert "| truth |" in text
    monkeypatch.setattr(checkpoints, "PRETRAINED", model.parent)
    assert "| shipped |" in "\n".join(generation_sections(kept))
    assert list(generation_sections({})) == []


def test_measuring_again_takes_the_place_of_the_row(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    for seed in (0, 1):
        question = Question(corpus, samples=1, before=2, bars=2, seed=seed)
        [row] = measure_checkpoints([model], question, tmp_path)
    assert [kept.measured for kept in load_rows(tmp_path).values()] == [row.measured]
    (tmp_path / "generation.json").write_text('{"rows": [{}]}')
    with pytest.raises(ValueError, match="cannot be read as results"):
        load_rows(tmp_path)


def test_a_shipped_generator_is_listed_with_its_card(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkpoints, "PRETRAINED", model.parent)
    assert main(["models"]) == 0
    assert "tiny  (generates metrical tokens; none; none)" in capsys.readouterr().out
    assert main(["models", "tiny"]) == 0
    assert json.loads(capsys.readouterr().out)["tokenizer"]["name"] == "metrical"


@pytest.mark.parametrize(
    ("body", "sound"),
    [
        ("CDEF GABc | c2 c2 c4 |]", True),
        ("C2 |: CDEF GABc | (3CDE F2 E4 | C6 :| C2 | c8 | c6 |]", True),
        ("CDEF GABc | CDEF GAB | c8 |]", False),
        ("CDEF GABc | CDEF GABcd | c8 |]", False),
        ("", False),
    ],
)
def test_a_tune_is_sound_if_its_bars_are_as_long_as_its_meter_says(body: str, sound: bool) -> None:
    assert is_sound(f"X:1\nM:4/4\nL:1/8\nK:C\n{body}\n") is sound


@pytest.mark.parametrize("text", ["X:1\nL:1/8\nK:C\nCDEF |]\n", "^^^^", "X:1\nM:4/4\nK:C\nC0/0|]"])
def test_what_is_no_tune_is_not_sound(text: str) -> None:
    assert not is_sound(text)


def test_tunes_that_the_grammar_allows_are_sound_if_they_end(tmp_path: Path) -> None:
    checkpoint = load_tokens(save_tiny_generator(tmp_path / "folk", "folk"))
    tokens = checkpoint.tokenizer
    bias = [weight for name, weight in checkpoint.weights.items() if name.endswith("bias")][-1]
    bias[tokens.vocabulary.slice("line")] += 8
    bias[tokens.end] += 20
    found = evaluate_tunes(checkpoint, ["6/8 dor", "2/4 maj"], 4, Sampling(), 0)
    assert found["sound"] == 1 and found["tunes"] == 4
    bias[tokens.end] = -1000
    assert evaluate_tunes(checkpoint, ["2/4 maj"], 1, Sampling(), 0)["sound"] == 0
