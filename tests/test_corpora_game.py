from __future__ import annotations

from pathlib import Path

from arranger.ensembles import load_ensemble
from evaluation.splits import load_split
from tests.music import write_tracks
from training.corpora.game import prepare_game

SECOND = 44_100


def voice(notes: int, pitch: int, length: int = 4_000) -> list[tuple[int, int, int, int]]:
    return [(5_000 * i, pitch + i % 5, length, 10) for i in range(notes)]


def prepared(tmp_path: Path, tracks: dict[str, list[tuple[int, int, int, int]]]) -> Path:
    """A corpus of one piece, 000_Game_00_Start, out of a folder as NES-MDB's is."""
    programs = {"p1": 80, "p2": 81, "tr": 38, "Drums": 121}
    write_tracks(
        tmp_path / "nesmdb_midi" / "train" / "000_Game_00_Start.mid",
        [(name, programs[name], rows) for name, rows in tracks.items()],
        resolution=SECOND // 2,
        tempi=[(0, 120)],
    )
    split = {"train": ["train/000_Game_00_Start.mid"], "valid": [], "test": []}
    prepare_game(tmp_path / "out", tmp_path / "nesmdb_midi", split, progress=False)
    return tmp_path / "out"


def test_noise_is_left_out_and_a_voice_that_is_silent_stays_so(tmp_path: Path) -> None:
    tracks = {"p1": voice(11, 70), "tr": voice(11, 40), "Drums": voice(20, 1)}
    [piece] = load_split(prepared(tmp_path, tracks), "train", load_ensemble("game"))
    assert piece.parts.tolist() == [2, 0] * 11


def test_a_piece_needs_two_voices_of_more_than_ten_notes(tmp_path: Path) -> None:
    tracks = {"p1": voice(50, 70), "p2": voice(10, 60), "tr": voice(10, 40), "Drums": voice(20, 1)}
    out = prepared(tmp_path, tracks)
    assert (out / "split.json").is_file()
    assert not list(out.rglob("*.mid"))


def test_times_stay_in_samples_and_the_shortest_notes_stay(tmp_path: Path) -> None:
    tracks = {"p1": voice(11, 70, length=1), "p2": voice(11, 60, length=0)}
    [piece] = load_split(prepared(tmp_path, tracks), "train", load_ensemble("game"))
    assert piece.notes.resolution == 22_050
    assert piece.notes.onset.tolist() == [5_000 * (i // 2) for i in range(22)]
    assert piece.notes.duration.tolist() == [0, 1] * 11
