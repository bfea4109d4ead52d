"""The strings of an orchestra as string quartets."""

from __future__ import annotations

from pathlib import Path

import pytest

from arranger.ensembles import load_ensemble
from evaluation.splits import load_split
from tests.music import write_tracks
from training.corpora import prepare

QUARTET = load_ensemble("quartet")
STRINGS = [("Violin", 40), ("Violin", 40), ("Viola", 41), ("Violoncello", 42)]
OTHERS = [("Flute", 73), ("Timpani", 47), ("Contrabass", 43)]


def write_movement(path: Path, players: list[tuple[str, int]], first: int = 60) -> Path:
    """Each player has three notes of a pitch of its own, the highest first."""
    tracks = [
        (name, program, [(24 * k, first + len(players) - n, 24, 64) for k in range(3)])
        for n, (name, program) in enumerate(players)
    ]
    return write_tracks(path, tracks)


def test_the_strings_of_a_movement_are_the_players_of_a_quartet(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    write_movement(source / "Brahms_Op.98_1.mid", [*OTHERS[:2], *STRINGS, OTHERS[2]])
    write_movement(source / "deeper" / "Haydn_104_1.mid", STRINGS, first=50)
    write_movement(source / "Schubert_D.485_1.mid", STRINGS, first=55)
    split = prepare("strings", out, source).split
    assert split == {
        "train": ["train/Brahms_Op.98_1.mid"],
        "valid": ["valid/Haydn_104_1.mid"],
        "test": ["test/Schubert_D.485_1.mid"],
    }
    [piece] = load_split(out, "train", QUARTET)
    pitch_of = dict(zip(piece.parts.tolist(), piece.notes.pitch.tolist(), strict=True))
    assert pitch_of == {0: 65, 1: 64, 2: 63, 3: 62}  # flute and timpani have 67 and 66


@pytest.mark.parametrize(
    "players",
    [
        STRINGS[:3],
        [STRINGS[0], *STRINGS],  # violins in three
        [STRINGS[2], *STRINGS[:2], STRINGS[3]],  # not in the order of a score
        OTHERS,
    ],
)
def test_strings_that_are_divided_otherwise_are_left_out_and_counted(
    tmp_path: Path, players: list[tuple[str, int]]
) -> None:
    write_movement(tmp_path / "source" / "a.mid", players)
    write_movement(tmp_path / "source" / "b.mid", STRINGS)
    (tmp_path / "source" / "c.mid").write_bytes(b"no score")
    prepared = prepare("strings", tmp_path / "out", tmp_path / "source")
    assert prepared.split["train"] == ["train/b.mid"]
    assert prepared.lines()[0].startswith("2 pieces have too few notes or parts, or cannot be read")


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(ValueError, match="no scores in it to prepare strings from"):
        prepare("strings", tmp_path / "out", tmp_path / "source")
