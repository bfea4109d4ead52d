"""Scores as they stand, with a split of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.music import write_tracks
from training.corpora import prepare


def write(path: Path, first: int) -> bytes:
    rows = [(24 * k, first + k % 5, 24, 64) for k in range(10)]
    return write_tracks(path, [("Violin", 40, rows), ("Viola", 41, rows[:5])]).read_bytes()


def test_an_orchestra_is_split_by_work_and_copied_byte_by_byte(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    bytes_of = {
        name: write(source / "deeper" / f"{name}.mid", 50 + n)
        for n, name in enumerate(
            ("Haydn_104_1", "Brahms_Op.73_2", "Brahms_Op.98_1", "Bach_BWV.1049_1")
        )
    }
    (source / "notes.txt").write_text("not a score")
    prepared = prepare("orchestra", out, source)
    assert prepared.split == json.loads((out / "split.json").read_text())
    assert prepared.split == {
        "train": ["train/Brahms_Op.98_1.mid"],
        "valid": ["valid/Haydn_104_1.mid"],
        "test": ["test/Bach_BWV.1049_1.mid", "test/Brahms_Op.73_2.mid"],
    }
    for names in prepared.split.values():
        for name in names:
            assert (out / name).read_bytes() == bytes_of[Path(name).stem]


def test_of_twenty_songs_one_is_a_test_piece_and_one_a_valid_one(tmp_path: Path) -> None:
    for n in range(25):
        write(tmp_path / "source" / f"lc{n:02}.mid", 40 + n)
    split = prepare("lieder", tmp_path / "out", tmp_path / "source").split
    assert split["test"] == ["test/lc00.mid", "test/lc20.mid"]
    assert split["valid"] == ["valid/lc10.mid"]
    assert len(split["train"]) == 22


def test_a_song_of_a_later_subset_that_is_a_test_piece_too_is_left_out(tmp_path: Path) -> None:
    for n in range(12):
        write(tmp_path / "source" / f"lc{n:02}.mid", 40 + n % 11)
    (tmp_path / "source" / "lc05.mid").write_bytes(b"no score")
    prepared = prepare("lieder", tmp_path / "out", tmp_path / "source")
    assert [name for names in prepared.split.values() for name in names if "lc11" in name] == []
    assert any("lc11: a piece of the subset test, left out" in line for line in prepared.lines())
    assert any("lc05.mid" in line and "left out" in line for line in prepared.lines())


def test_nothing_is_learnt_from_songs_that_only_test(tmp_path: Path) -> None:
    for n in range(10):
        write(tmp_path / "source" / f"{n:03}.mid", 40 + n)
    split = prepare("pop909", tmp_path / "out", tmp_path / "source").split
    assert split["test"] == ["test/000.mid", "test/009.mid"]
    assert split["valid"] == []


def test_a_source_without_scores_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(ValueError, match="no scores in it to prepare orchestra from"):
        prepare("orchestra", tmp_path / "out", tmp_path / "source")
