from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file

from arranger.cli import main
from arranger.ensembles import CONFIGS
from arranger.notes import NoteSequence
from arranger.token_checkpoints import load_tokens
from arranger.token_models import weight_shapes
from arranger.tokenizers import tokenizer
from evaluation.generation.likelihood import likelihood, total_nats, window_batch
from evaluation.generation.pieces import ScorePiece, load_token_pieces
from tests.music import write_midi
from training.configuration import TrainingConfig, read_config
from training.optimisers import make_optimizer, rate_at
from training.token_configuration import TokenRunConfig, load_token_run
from training.token_runs import train_tokens
from training.token_training import TokenTraining, token_run

PRESETS = {
    "conner": 5_682_520,
    "continuation": 3_486_039,
    "ff-lstm": 4_426_457,
    "ff-rotary": 3_372_185,
    "ff-transformer": 4_326_041,
    "folk-rnn": 5_652_123,
    "gru": 2_778_706,
    "jsb-grid": 1_556_541,
    "jsb-intervals": 1_698_621,
    "jsb-intervals-slow": 1_698_621,
    "music-transformer": 8_096_669,
    "performance-rnn": 6_312_861,
    "rnn": 1_595_986,
    "xlstm": 3_998_074,
}

TINY: dict[str, Any] = {
    "name": "tiny",
    "tokenizer": "bar",
    "data": "none",
    "licence": "none",
    "model": {"embedding": 8, "backbone": {"kind": "gru", "units": 16}},
    "windows": {"length": 17, "transpose": [-2, 2]},
    "training": {"steps": 12, "batch": 4, "every": 4, "warmup": 1, "rate": 0.02},
}


def pieces(count: int, seed: int = 0) -> list[ScorePiece]:
    """Scales up and down, each from another note."""
    rng, made = np.random.default_rng(seed), []
    for n in range(count):
        low = int(rng.integers(50, 70))
        rows = [(i * 4, low + i % 8, 4, 64) for i in range(24)]
        made.append(ScorePiece(f"scale {n}", NoteSequence.from_rows(rows, 4)[0]))
    return made


def config(tmp_path: Path, **changes: Any) -> TokenRunConfig:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({**TINY, **changes}))
    return load_token_run(path)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    for split, count in (("train", 6), ("test", 2)):
        (folder / split).mkdir(parents=True)
        for piece in pieces(count):
            n = piece.notes
            rows = zip(
                *(a.tolist() for a in (n.onset, n.pitch, n.duration, n.velocity)), strict=True
            )
            write_midi(folder / split / f"{piece.name}.mid", {"Piano": list(rows)}, 4)
    return folder


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_its_number_of_parameters(name: str) -> None:
    run = load_token_run(CONFIGS / "models" / f"{name}.yaml")
    assert run.name == name
    assert sum(math.prod(s) for s in weight_shapes(run.model).values()) == PRESETS[name]
    make_optimizer(run.training, [torch.nn.Parameter(torch.zeros(1))])
    assert rate_at(run.training, 0, 100) > 0


def test_every_preset_of_a_token_model_is_counted() -> None:
    paths = (CONFIGS / "models").glob("*.yaml")
    assert {path.stem for path in paths if "tokenizer" in read_config(path)} == set(PRESETS)


def test_training_lowers_the_loss_and_leaves_a_checkpoint(tmp_path: Path) -> None:
    run = token_run(config(tmp_path), pieces(6), pieces(2, 9), tmp_path / "run", device="cpu")
    before = run.task.scores(run.model.eval())["likelihood"]
    best = run.train(quiet=True)
    assert best > before
    checkpoint = load_tokens(tmp_path / "run")
    assert checkpoint.card.metrics == {"valid": {"nats": pytest.approx(-best)}}
    assert checkpoint.card.context == 16


def test_a_stopped_run_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, data, valid = config(tmp_path), pieces(6), pieces(2, 9)
    whole = token_run(made, data, valid, tmp_path / "whole", device="cpu")
    whole.train(quiet=True)
    stopped = token_run(made, data, valid, tmp_path / "stopped", device="cpu")
    update = type(stopped)._update

    def until_the_sixth(run: Any, batch: Any) -> float:
        if run.step == 6:
            raise KeyboardInterrupt
        return update(run, batch)

    with monkeypatch.context() as patch:
        patch.setattr(type(stopped), "_update", until_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            stopped.train(quiet=True)
    resumed = token_run(made, data, valid, tmp_path / "stopped", device="cpu")
    resumed.train(quiet=True)
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_run_that_gets_no_better_stops_early(tmp_path: Path) -> None:
    training = {**TINY["training"], "steps": 400, "every": 1, "patience": 3, "rate": 10.0}
    made = config(tmp_path, training={**training, "average": 0.0})
    run = token_run(made, pieces(3), pieces(1, 9), tmp_path / "run", device="cpu")
    run.train(quiet=True)
    assert run.stale == 3 and run.step < 400


def test_an_epoch_covers_every_piece_and_repeats_for_the_same_seed(tmp_path: Path) -> None:
    task = TokenTraining(config(tmp_path), pieces(6), pieces(1))
    epochs = [list(task.epoch(np.random.default_rng(1), 4)) for _ in range(2)]
    assert len(epochs[0]) == task.batches(4)
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(*epochs, strict=True))
    length = len(pieces(1)[0].ids(task.tokens))
    assert sum(len(b.ids) for b in epochs[0]) == 6 * -(-(length - 1) // 16)


def test_a_piece_is_transposed_no_further_than_its_tokens_reach() -> None:
    notes = NoteSequence.from_rows([(0, 22, 4, 64), (4, 108, 4, 64)], 4)[0]
    assert ScorePiece("wide", notes).room(tokenizer("bar"), (-6, 5)) == range(-1, 1)


def test_time_is_stretched_for_tokens_that_count_in_seconds() -> None:
    tokens, piece = tokenizer("performance"), pieces(1)[0]
    slower = tokens.decode(piece.ids(tokens, 0, 1.1)[1:])
    assert slower.offset.max() == pytest.approx(1.1 * 125 * piece.seconds, abs=1)


def test_every_token_but_the_first_is_foretold_once(tmp_path: Path) -> None:
    model = TokenTraining(config(tmp_path), pieces(1), pieces(1)).new_model().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    nats, count = total_nats(model, [np.arange(40), np.arange(5), np.arange(1)], 17)
    assert count == 39 + 4
    assert nats / count == pytest.approx(math.log(153))


def test_only_the_last_token_is_foretold_where_that_is_asked_for() -> None:
    batch = window_batch([np.arange(5), np.arange(3)], 5, last_only=True)
    assert batch.targets.tolist() == [[-1, -1, -1, 4], [-1, 2, -1, -1]]


def test_a_model_that_foretells_only_the_last_token_is_measured_on_last_ones(
    tmp_path: Path,
) -> None:
    made = config(tmp_path, windows={"length": 17, "last_only": True})
    run = token_run(made, pieces(6), pieces(2, 9), tmp_path / "run", device="cpu")
    run.train(quiet=True)
    checkpoint, said = load_tokens(tmp_path / "run"), pieces(3, 5)
    assert checkpoint.card.last_only
    ids = [piece.ids(checkpoint.tokenizer) for piece in said]
    model = run.average
    _, count = total_nats(model, ids, 17, last_only=True)
    assert count == sum(math.ceil((len(i) - 1) / 16) for i in ids)
    found = likelihood(checkpoint, said)
    assert found["tokens"] == sum(len(i) - 1 for i in ids) > 10 * count
    assert found["nats_a_note"] * 72 == pytest.approx(found["nats_a_token"] * found["tokens"])


def test_half_of_the_beginnings_say_the_style_of_their_piece(tmp_path: Path) -> None:
    made = config(tmp_path, tokenizer={"name": "metrical", "styles": ["waltz"]})
    waltz = [replace(piece, style="waltz") for piece in pieces(8)]
    task = TokenTraining(made, waltz, waltz)
    (said,) = task.tokens.encode(pieces(1)[0].notes.take(slice(0, 0)), style="waltz").tolist()
    firsts = [
        batch.ids[row, 1].item()
        for seed in range(8)
        for batch in task.epoch(np.random.default_rng(seed), 4)
        for row in range(len(batch.ids))
        if batch.ids[row, 0] == task.tokens.end
    ]
    assert 0.3 < firsts.count(said) / len(firsts) < 0.7


def test_the_windows_of_a_style_count_as_often_as_its_weight(tmp_path: Path) -> None:
    options = {"tokenizer": {"name": "metrical", "styles": ["waltz"]}}
    once = TokenTraining(config(tmp_path, **options), pieces(2), pieces(1))
    windows = {**TINY["windows"], "weights": {"waltz": 3}}
    waltz = [replace(piece, style="waltz") for piece in pieces(2)]
    thrice = TokenTraining(config(tmp_path, windows=windows, **options), waltz, pieces(1))
    assert thrice.batches(1) == 3 * once.batches(1)


def test_windows_may_begin_at_bars_alone(tmp_path: Path) -> None:
    task = TokenTraining(config(tmp_path, windows={"length": 9, "align": 6}), pieces(4), [])
    starts = {i: set[bytes]() for i in range(4)}
    for piece, begun in zip(task.pieces, starts.values(), strict=True):
        ids = piece.ids(task.tokens)
        begun |= {ids[at : at + 8].tobytes() for at in range(0, len(ids), 6)}
    for batch in task.epoch(np.random.default_rng(0), 4):
        assert all(
            any(row.numpy().tobytes() in begun for begun in starts.values()) for row in batch.ids
        )


def test_a_score_in_the_folder_of_a_style_is_in_that_style(tmp_path: Path) -> None:
    (tmp_path / "waltz").mkdir()
    for n in range(3):
        write_midi(tmp_path / "waltz" / f"{n}.mid", {"Piano": [(0, 60 + n, 4, 64)]}, 4)
    tokens = tokenizer("metrical", styles=["waltz"])
    assert [p.style for p in load_token_pieces(tmp_path, "train", tokens, 0.1)] == ["waltz"] * 3


def test_chords_are_learnt_from_the_training_pieces(tmp_path: Path) -> None:
    chord = ScorePiece("chord", NoteSequence.from_rows([(0, p, 4, 64) for p in (60, 64)] * 2, 4)[0])
    made = config(tmp_path, tokenizer="chord", learn_words=1)
    run = token_run(made, [chord, *pieces(2)], pieces(1), tmp_path / "run", device="cpu")
    assert run.task.config.tokenizer["words"] == ["C4.E4"]
    assert run.task.config.model.tokens == 89


def test_the_rate_falls_by_epochs_down_to_its_floor() -> None:
    options = TrainingConfig(
        rate=1.0, schedule="epochs", decay=0.5, decay_after=1, floor=0.2, warmup=1
    )
    assert [rate_at(options, step, 10) for step in (0, 19, 20, 39, 90)] == [1, 1, 0.5, 0.25, 0.2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tokenizer": "nope"}, "not a training config: no tokenizer 'nope'"),
        ({"tokenizer": None}, "tokenizer must be a name"),
        ({"windows": {"length": 1}}, "windows must be 2 tokens long or longer, not 1"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"transpositions": [1]}, "whole numbers in -12..12, 0 among them"),
        (
            {"transpositions": [0, 1], "windows": {"last_only": True}},
            "a model of the last token of a window hears one transposition",
        ),
    ],
)
def test_a_wrong_config_is_refused_in_a_sentence(
    tmp_path: Path, change: dict, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        config(tmp_path, **change)


def test_an_unknown_optimiser_or_schedule_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"optimizer must be one of adam, .* not 'sgd'"):
        make_optimizer(TrainingConfig(optimizer="sgd"), [])
    with pytest.raises(ValueError, match="schedule must be cosine or epochs, not 'step'"):
        rate_at(TrainingConfig(schedule="step"), 0, 1)


def test_a_model_is_heard_in_the_transpositions_of_its_config(tmp_path: Path) -> None:
    said = pieces(3, 5)
    for name, heard in (("plain", [0]), ("mean", [-1, 0, 1])):
        run = config(tmp_path, transpositions=heard)
        token_run(run, pieces(6), pieces(2), tmp_path / name).train(quiet=True)
    plain, mean = (load_tokens(tmp_path / name) for name in ("plain", "mean"))
    assert [*mean.card.transpositions] == [-1, 0, 1]
    found = [likelihood(one, said)["nats_a_token"] for one in (plain, mean)]
    assert found[0] != pytest.approx(found[1], rel=1e-4)


def test_the_command_trains_on_a_folder_and_its_checkpoint_continues(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({**TINY, "valid_share": 0.3}))
    arguments = ["train", str(path), "--data", str(corpus), "--out", str(tmp_path / "run")]
    assert main(arguments) == 0
    assert "checkpoint:" in capsys.readouterr().out
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert card["tokenizer"] == {"name": "bar"} and card["training"]["pieces"] == 4
    source = next((corpus / "test").glob("*.mid"))
    model = str(tmp_path / "run")
    assert main(["continue", str(source), "-o", str(tmp_path / "x.mid"), "--model", model]) == 0
    kept = load_file(tmp_path / "run" / "model.safetensors")
    assert {weight.dtype for weight in kept.values()} == {np.dtype(np.float16)}


def test_a_run_begins_with_the_weights_of_another(tmp_path: Path, corpus: Path) -> None:
    path, first, second = (tmp_path / name for name in ("tiny.yaml", "first", "second"))
    path.write_text(yaml.safe_dump({**TINY, "valid_share": 0.3}))
    train_tokens(path, corpus, first, quiet=True)
    still = {**TINY["training"], "steps": 1, "rate": 0.0}
    path.write_text(yaml.safe_dump({**TINY, "valid_share": 0.3, "training": still}))
    command = ["train", str(path), "--data", str(corpus), "--out", str(second)]
    assert main([*command, "--start", str(first)]) == 0
    kept, given = (load_tokens(folder) for folder in (second, first))
    assert kept.card.training["start"] == "first"
    assert "start" not in given.card.training
    assert all(np.array_equal(kept.weights[n], w) for n, w in given.weights.items())
    with pytest.raises(ValueError, match="second: holds a run that began with first"):
        train_tokens(path, corpus, second, quiet=True)


def test_another_corpus_is_learnt_besides(tmp_path: Path, corpus: Path) -> None:
    path, more = tmp_path / "tiny.yaml", tmp_path / "more"
    shutil.copytree(corpus, more)
    path.write_text(yaml.safe_dump(TINY))
    alone, both = (
        load_tokens(train_tokens(path, corpus, tmp_path / name, quiet=True, also=also))
        for name, also in (("alone", None), ("both", more))
    )
    assert both.card.training["pieces"] == 2 * alone.card.training["pieces"]


def test_a_start_that_does_not_fit_is_refused_in_a_sentence(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, first = tmp_path / "tiny.yaml", tmp_path / "first"
    path.write_text(yaml.safe_dump(TINY))
    train_tokens(path, corpus, first, quiet=True)
    wider = {"embedding": 8, "backbone": {"kind": "gru", "units": 24}}
    for change, said in (
        ({"model": wider}, "first: its weights are those of a model of another shape"),
        ({"tokenizer": "tsd"}, "its tokens are not those of tiny"),
    ):
        path.write_text(yaml.safe_dump({**TINY, **change}))
        command = ["train", str(path), "--data", str(corpus), "--out", str(tmp_path / "second")]
        assert main([*command, "--start", str(first)]) == 2
        assert said in capsys.readouterr().err


def test_a_run_that_keeps_nothing_for_validation_learns_all_to_its_last_step(
    tmp_path: Path, corpus: Path
) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({**TINY, "valid_share": 0}))
    card = load_tokens(train_tokens(path, corpus, tmp_path / "run", quiet=True)).card
    assert (card.training["pieces"], card.training["steps"]) == (6, 12)
    assert card.metrics == {}


def test_windows_are_batched_with_others_of_a_like_length(tmp_path: Path) -> None:
    long, short = pieces(8), [replace(p, notes=p.notes.take(slice(0, 3))) for p in pieces(8)]
    task = TokenTraining(config(tmp_path), [*long, *short], [])
    lengths = {batch.ids.shape[1] for batch in task.epoch(np.random.default_rng(0), 4)}
    assert lengths == {9, 16}


def test_splits_are_disjoint_and_cover_the_folder(corpus: Path) -> None:
    tokens = tokenizer("bar")
    names = {
        split: {p.name for p in load_token_pieces(corpus, split, tokens, 0.3)}
        for split in ("train", "valid", "test")
    }
    assert names["train"].isdisjoint(names["valid"])
    assert len(names["train"] | names["valid"]) == 6 and len(names["test"]) == 2
    with pytest.raises(ValueError, match="there is no such folder"):
        load_token_pieces(corpus / "none", "train", tokens, 0.1)


def test_a_book_of_tunes_is_split_tune_by_tune(tmp_path: Path) -> None:
    tunes = [f"X:{n}\nT:{n}\nM:2/4\nL:1/8\nK:G\nGABc|d2G2|]\n\n" for n in range(20)]
    tunes[3] = tunes[3].replace("M:2/4", "M:11/8")
    (tmp_path / "book.abc").write_text("".join(tunes))
    tokens = tokenizer("folk")
    sizes = {
        split: len(load_token_pieces(tmp_path, split, tokens, 0.1))
        for split in ("train", "valid", "test")
    }
    assert sizes == {"train": 16, "valid": 2, "test": 1}
