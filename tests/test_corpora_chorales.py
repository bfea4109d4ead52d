from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest

from training.corpora.chorales import (
    find_score,
    music21_corpus,
    prepare_chorales,
    read_chorale,
)
from training.corpora.folders import published_split

BACH = music21_corpus() / "bach"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("bwv1.6", {"Soprano": 70, "Alto": 89, "Tenor": 92, "Bass": 93}),  # and a horn
        ("bwv277", {"Soprano": 70, "Alto": 74, "Tenor": 87, "Bass": 84}),  # ties; two encodings
        ("bwv27.6", {"Soprano": 0, "Alto": 58, "Tenor": 58, "Bass": 58}),  # divided sopranos
    ],
)
def test_a_chorale_has_the_notes_of_the_published_experiments(
    name: str, counts: dict[str, int]
) -> None:
    chorale = read_chorale(find_score(BACH, name))
    assert {voice: len(notes) for voice, notes in chorale.parts.items()} == counts


def test_the_prepared_corpus_holds_the_split_and_nothing_reserved(
    tmp_path: Path,
) -> None:
    split = {
        "train": ["bwv10.7.mid"],
        "valid": ["bwv253.mid"],
        "test": ["bwv254.mid", "bwv255.mid"],
        "reserved": ["bwv255.mid"],
    }
    out = tmp_path / "chorales"
    done = prepare_chorales(out, split=split, reserved=["bwv253"], workers=1, progress=False)

    assert sorted(path.name for path in out.glob("*.mid")) == ["bwv10.7.mid", "bwv254.mid"]
    written = json.loads((out / "split.json").read_text(encoding="utf-8"))
    assert written["train"] == ["bwv10.7.mid"]
    assert (written["valid"], written["test"]) == ([], ["bwv254.mid"])
    assert (out / "LICENSE-music21-corpus.txt").is_file()

    midi = mido.MidiFile(out / "bwv10.7.mid")
    assert midi.ticks_per_beat == 24
    assert [track.name for track in midi.tracks[1:]] == ["Soprano", "Alto", "Tenor", "Bass"]
    first = [message for message in midi.tracks[1] if message.type.startswith("note")][:2]
    assert [(m.type, m.note, m.time) for m in first] == [("note_on", 74, 0), ("note_off", 74, 48)]
    on = [m for track in midi.tracks for m in track if m.type == "note_on"]
    assert done.notes == {
        "bwv10.7.mid": len(on),
        "bwv254.mid": ending_notes(out / "bwv254.mid"),
    }


def test_the_split_in_the_repository_keeps_the_reserved_chorales_out() -> None:
    split = published_split("chorales")
    assert {name: len(pieces) for name, pieces in split.items()} == {
        "train": 297,
        "valid": 41,
        "test": 41,
        "reserved": 30,
    }
    assert len({piece for pieces in split.values() for piece in pieces}) == 409


def test_a_folder_without_the_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no score of bwv1\.6 here"):
        prepare_chorales(tmp_path / "out", source=tmp_path, progress=False)
    assert not (tmp_path / "out").exists()


def test_a_score_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bwv1.6.xml"
    path.write_text("not a score", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bwv1\.6\.xml: not a readable score"):
        read_chorale(path)


def ending_notes(path: Path) -> int:
    return sum(m.type == "note_off" for track in mido.MidiFile(path).tracks for m in track)
