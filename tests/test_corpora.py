from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from arranger.cli import main
from arranger.ensembles import Ensemble, Part, load_ensemble
from arranger.files import read
from arranger.files.document import METER, TEMPO
from arranger.notes import NoteSequence
from evaluation.splits import load_split
from tests.commands import refused
from tests.music import write_tracks
from training.corpora.folders import SUBSETS, published_split, write_corpus
from training.corpora.pop import prepare_pop
from training.corpora.references import MetaEvent, Reference, reference_of, write_reference

DUO = Ensemble("duo", (Part("High", 73), Part("Low", 42)))


def reference(*pitches: int) -> Reference:
    notes, _ = NoteSequence.from_rows([(24 * i, p, 24, 64) for i, p in enumerate(pitches)])
    return Reference(notes, np.zeros(len(notes), dtype=np.int64))


def test_a_written_piece_is_read_with_the_same_notes_parts_tempo_and_meter(tmp_path: Path) -> None:
    rows = [
        (0, 60, 500, 80, 0),  # still sounds when the next one of its pitch has ended
        (10, 62, 0, 1, 1),  # of no length, and so before those that last
        (10, 60, 20, 81, 0),
        (10, 60, 20, 81, 1),  # in unison with the other part
        (40, 48, 1, 127, 1),
    ]
    notes, order = NoteSequence.from_rows([row[:4] for row in rows], 22_050)
    conductor = (
        MetaEvent(0, TEMPO, (500_001).to_bytes(3)),
        MetaEvent(40, METER, bytes((7, 3, 24, 8))),
    )
    parts = np.array([row[4] for row in rows])[order]
    path = tmp_path / "piece.mid"
    write_reference(path, Reference(notes, parts, conductor), DUO)

    found = reference_of(read(path), DUO)
    columns = (found.notes.onset, found.notes.pitch, found.notes.duration, found.notes.velocity)
    assert list(zip(*(c.tolist() for c in columns), found.parts.tolist(), strict=True)) == rows
    assert found.notes.resolution == 22_050
    assert found.conductor == conductor


def test_of_equal_notes_in_a_part_one_is_kept(tmp_path: Path) -> None:
    rows = [(0, 60, 24, 64), (0, 60, 24, 64), (0, 60, 24, 65)]
    path = write_tracks(tmp_path / "piece.mid", [("High", 73, rows), ("Low", 42, rows[:1])])
    assert reference_of(read(path), DUO).notes.velocity.tolist() == [64, 64, 65]


def test_a_training_piece_with_the_pitches_of_a_test_piece_is_left_out(tmp_path: Path) -> None:
    pieces = {
        "a/train.mid": reference(60, 62, 64),
        "a/copy.mid": reference(60, 64, 62),
        "a/valid.mid": reference(60, 64, 62),
        "b/test.mid": reference(60, 64, 62),
        "b/again.mid": reference(60, 64, 62),
    }
    split = {
        "train": ["a/train.mid", "a/copy.mid"],
        "valid": ["a/valid.mid"],
        "test": ["b/test.mid", "b/again.mid"],
    }
    done = write_corpus(tmp_path, split, DUO, pieces.__getitem__, progress=False)
    assert done.remarks == (
        "a/valid.mid: the pitches of b/test.mid, kept",
        "a/copy.mid: the pitches of b/test.mid, left out",
    )
    assert done.split == {**split, "train": ["a/train.mid"]}
    assert json.loads((tmp_path / "split.json").read_text(encoding="utf-8")) == done.split
    assert not (tmp_path / "a" / "copy.mid").exists()
    assert [piece.name for piece in load_split(tmp_path, "test", DUO)] == ["test", "again"]


def test_a_reserved_piece_is_never_written(tmp_path: Path) -> None:
    split = {"train": ["a/one.mid", "a/two.mid"], "valid": [], "test": [], "reserved": ["two.mid"]}
    done = write_corpus(tmp_path, split, DUO, lambda name: reference(60), progress=False)
    assert [path.name for path in tmp_path.rglob("*.mid")] == ["one.mid"]
    assert done.split == {**split, "train": ["a/one.mid"]}


@pytest.mark.parametrize(
    ("corpus", "sizes"),
    [
        ("quartets", (81, 10, 57, 12)),
        ("game", (4349, 403, 373, 153)),
        ("pop", (929, 152, 117, 60)),
    ],
)
def test_the_splits_of_the_reported_numbers_overlap_nowhere(
    corpus: str, sizes: tuple[int, ...]
) -> None:
    split = published_split(corpus)
    subsets = [split[name] for name in (*SUBSETS, "reserved")]
    assert tuple(map(len, subsets)) == sizes
    stems = [Path(name).stem for subset in subsets for name in subset]
    assert len(set(stems)) == len(stems)


def test_the_command_writes_a_corpus_and_says_how_large_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "songs", tmp_path / "new" / "pop"
    rows = [(24 * i, 60 + i, 24, 64) for i in range(4)]
    write_tracks(source / "Artist" / "Song.mid", [("Lead", 25, rows), ("Low", 33, rows[:2])])
    assert main(["data", "pop", "--source", str(source), "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[-1] == f"{out}: 1 pieces, 6 notes"
    assert (out / "Artist" / "Song.mid").is_file()


@pytest.mark.parametrize("corpus", ["quartets", "game", "pop"])
def test_a_source_that_cannot_be_used_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], corpus: str
) -> None:
    def data(*options: str | Path) -> int:
        return main(["data", corpus, *map(str, options)])

    out, empty = tmp_path / "out", tmp_path / "empty"
    empty.mkdir()
    refused(capsys, data("--out", out), corpus, "--source is missing")
    refused(capsys, data("--out", out, "--source", tmp_path / "x"), "x: no such folder to read")
    refused(capsys, data("--out", out, "--source", empty), "empty", "here", "expected")
    assert not out.exists()


def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, file = tmp_path / "songs", tmp_path / "file"
    file.write_text("mine")
    write_tracks(source / "song.mid", [(None, 25, [(0, 60, 24, 64)])])
    for out in (source, source / "pop"):
        code = main(["data", "pop", "--source", str(source), "--out", str(out)])
        refused(capsys, code, f"lies in {source}")
    code = main(["data", "pop", "--source", str(source), "--out", str(file)])
    refused(capsys, code, "file: a file, expected a folder")
    code = main(["data", "chorales", "--out", str(file)])
    refused(capsys, code, "file: a file, expected a folder")
    assert file.read_text() == "mine"


def test_a_corpus_that_could_not_be_finished_has_no_split(tmp_path: Path) -> None:
    source, out = tmp_path / "songs", tmp_path / "pop"
    split = {"train": [], "valid": [], "test": ["test/Track00001.mid"]}
    rows = [(0, 60, 24, 64), (24, 62, 24, 64)]
    path = write_tracks(source / "Track00001.mid", [(None, 0, rows), (None, 33, rows)])
    prepare_pop(out, source, split, progress=False)
    [piece] = load_split(out, "test", load_ensemble("pop"))
    assert piece.parts.tolist() == [0, 2, 0, 2]
    path.write_bytes(b"not music")
    with pytest.raises(ValueError, match="not a MIDI file"):
        prepare_pop(out, source, split, progress=False)
    assert not (out / "split.json").exists()
