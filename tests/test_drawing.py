"""Ensembles drawn from scores, and the scores of many corpora."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from arranger.checkpoints import load
from arranger.ensembles import Ensemble, Part
from arranger.notes import NoteSequence
from tests.music import CHORALE, four_voices, write_chorale, write_tracks
from training.corpora import prepare
from training.drawing import SEATS, draw, excerpt
from training.pool import PooledScore, read_pool
from training.runs import calibrate, train

MANY = tuple(
    Part(name, program, low, high)
    for name, program, low, high in (
        ("Flute 1", 73, 60, 96),
        ("Flute 2", 73, 60, 96),
        ("Oboe", 68, 58, 91),
        ("Clarinet", 71, 50, 94),
        ("Bassoon", 70, 34, 75),
        ("Horn 1", 60, 34, 77),
        ("Horn 2", 60, 34, 77),
        ("Violin", 40, 55, 100),
        ("Viola", 41, 48, 88),
        ("Cello", 42, 36, 79),
    )
)


def tutti() -> PooledScore:
    """Ten parts, of which each plays a note within its range on every beat, at a velocity of its
    own."""
    rows = [
        (24 * beat, part.low + (7 * beat + 3 * k) % (part.high - part.low), 24, 10 + k)
        for beat in range(60)
        for k, part in enumerate(MANY)
    ]
    notes, order = NoteSequence.from_rows(rows)
    return PooledScore("tutti", notes, np.tile(np.arange(len(MANY)), 60)[order], MANY)


def quartet() -> PooledScore:
    return PooledScore("quartet", *four_voices(40), CHORALE.parts)


@pytest.mark.parametrize("score", [tutti(), quartet()], ids=lambda score: score.name)
def test_whatever_is_drawn_can_be_played_as_it_is_described(score: PooledScore) -> None:
    rng = np.random.default_rng(0)
    sizes = set()
    for _ in range(200):
        drawn = excerpt([score], 50, (-4, 4), rng)
        notes, parts, seats = drawn.piece.notes, drawn.piece.parts, drawn.seats
        Ensemble("drawn", seats)  # no two of one name
        sizes.add(len(seats))
        assert 2 <= len(notes) <= 50
        assert len(seats) <= SEATS
        assert notes.onset[0] < 96
        for k, part in enumerate(seats):
            own = notes.take(parts == k)
            assert part.low <= own.pitch.min(initial=127)
            assert part.high >= own.pitch.max(initial=0)
            if part.voices == 1:
                assert (own.onset[1:] >= own.offset[:-1]).all()
    assert len(sizes) > 2


def test_an_excerpt_is_what_the_chosen_parts_play_moved_as_a_whole() -> None:
    score, rng = tutti(), np.random.default_rng(1)
    heard = {
        (onset, pitch) for onset, pitch in zip(score.notes.onset, score.notes.pitch, strict=True)
    }
    for _ in range(50):
        notes = draw(score, 40, (-3, 3), rng).piece.notes
        assert any(
            all((o + bar, p - by) in heard for o, p in zip(notes.onset, notes.pitch, strict=True))
            for bar in range(0, 24 * 60, 96)
            for by in range(-3, 4)
        )


def test_every_note_goes_to_the_part_that_plays_what_its_own_part_played() -> None:
    score, rng = tutti(), np.random.default_rng(2)
    programs = set()
    for _ in range(100):
        drawn = excerpt([score], 40, (-4, 4), rng)
        notes, seats = drawn.piece.notes, drawn.seats
        if all(part.program == 0 for part in seats):
            continue
        twins = {n for run in notes.twins() for n in range(run.start, run.stop)}
        for n in set(range(len(notes))) - twins:
            program = seats[drawn.piece.parts[n]].program
            assert program == MANY[notes.velocity[n] - 10].program
            programs.add(program)
    assert len(programs) > 5


def test_the_same_numbers_draw_the_same_and_others_something_else() -> None:
    first, again, other = (
        draw(tutti(), 50, (-4, 4), np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert first.seats == again.seats
    assert first.piece.parts.tolist() == again.piece.parts.tolist()
    assert first.seats != other.seats


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora"
    (folder / "chorales").mkdir(parents=True)
    splits = {"train": ["a.mid", "b.mid"], "valid": ["c.mid"], "test": ["d.mid"]}
    (folder / "chorales" / "split.json").write_text(json.dumps(splits))
    for seed, name in enumerate(("a.mid", "b.mid", "c.mid", "d.mid")):
        write_chorale(folder / "chorales" / name, beats=8, seed=seed)
    for n, name in enumerate(("Haydn_104_1", "Beach_Op.32_1", "Schubert_D.485_1")):
        rows = [(24 * k, 60 + (k + n) % 12, 24, 64) for k in range(20)]
        low = [(24 * k, 40 + (k + n) % 7, 24, 64) for k in range(20)]
        tracks = [("Violin", 40, rows), ("Violin", 40, rows[1:]), ("Violoncello", 42, low)]
        write_tracks(tmp_path / "raw" / f"{name}.mid", tracks)
    prepare("orchestra", folder / "orchestra", tmp_path / "raw")
    return folder


def test_a_pool_has_the_scores_of_a_split_part_by_part(corpora: Path) -> None:
    pool = read_pool(corpora, "train")
    assert {name: [s.name for s in scores] for name, scores in pool.items()} == {
        "chorales": ["a", "b"],
        "orchestra": ["Beach_Op.32_1"],
    }
    [score] = pool["orchestra"]
    assert [part.program for part in score.seats] == [40, 40, 42]
    assert [part.voices for part in score.seats] == [1, 1, 1]
    assert np.bincount(score.parts).tolist() == [20, 19, 20]
    violin = score.notes.pitch[score.parts < 2]
    assert (score.seats[0].low, score.seats[0].high) == (violin.min(), violin.max())
    assert [s.name for s in read_pool(corpora, "valid")["orchestra"]] == ["Haydn_104_1"]
    assert [s.name for s in read_pool(corpora, "test")["orchestra"]] == ["Schubert_D.485_1"]


def test_a_folder_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds none of chorales, quartets, game, pop, lieder"):
        read_pool(tmp_path, "train")


def test_a_pool_becomes_a_calibrated_checkpoint_for_any_ensemble(
    corpora: Path, tmp_path: Path
) -> None:
    config = {
        "name": "tiny",
        "mode": "offline",
        "data": "made for the test",
        "licence": "none",
        "model": {
            "parts": 5,
            "described": 6,
            "codes": {"pitch": 4},
            "values": ["timing", "hints", "locks", "seats"],
            "backbone": {"kind": "lstm", "units": 8, "layers": 1},
            "head": {"kind": "memory", "units": 8},
        },
        "variation": {"crop": 30, "transpose": [-2, 2], "locks": 0.5},
        "training": {"steps": 4, "batch": 3, "every": 2},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    checkpoint = load(train(path, corpora, tmp_path / "run", quiet=True))
    assert set(checkpoint.card.metrics["valid"]) == {"none", "entry", "pitch", "both"}
    assert checkpoint.card.training["pieces"] == 3
    assert checkpoint.ensemble.names == CHORALE.names
    assert len(checkpoint.cast_for(Ensemble("strings", MANY[7:])).ensemble) == 3

    before = checkpoint.card.certainty
    lines = list(calibrate(tmp_path / "run", corpora))
    assert lines[0].startswith("tiny: calibrated on")
    assert load(tmp_path / "run").card.certainty == before

    still = {"steps": 1, "batch": 2, "rate": 0.0}
    path.write_text(yaml.safe_dump({**config, "training": still}))
    again = load(train(path, corpora, tmp_path / "again", quiet=True, start=tmp_path / "run"))
    assert again.pattern is not None and checkpoint.pattern is not None
    for name, weight in checkpoint.pattern.weights.items():
        np.testing.assert_array_equal(again.pattern.weights[name], weight)

    with pytest.raises(ValueError, match=r"learns from corpora in one folder"):
        train(path, corpora, tmp_path / "more", quiet=True, also=corpora / "chorales")

    model = {**config["model"], "described": 0, "parts": 4}
    path.write_text(yaml.safe_dump({**config, "model": model, "training": still}))
    start = tmp_path / "run"
    tailored = load(train(path, corpora / "chorales", tmp_path / "own", quiet=True, start=start))
    assert tailored.pattern is None
    for name, weight in checkpoint.weights.items():
        np.testing.assert_allclose(tailored.weights[name], weight, atol=2e-3)
