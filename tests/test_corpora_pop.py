from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from arranger.ensembles import load_ensemble
from arranger.files import read
from evaluation.splits import load_split
from tests.music import write_tracks
from training.corpora.pop import by_program, prepare_pop, song_of, split_by_song
from training.corpora.slakh import read_song

POP = load_ensemble("pop")
TEMPI = [(0, 60.0), (100, 100.0), (240, 180.0)]
"""For 48 ticks a quarter. The second change lies early in the third quarter, so that tick 101 is
nearer in time to the second sixteenth of it than to the first.
"""


def rows(*notes: tuple[int, int, int]) -> list[tuple[int, int, int, int]]:
    return [(onset, pitch, duration, 64) for onset, pitch, duration in notes]


def song(folder: Path, stems: dict[str, tuple[int, list[tuple[int, int, int, int]]]]) -> Path:
    """A song as Slakh2100 is downloaded. The drums are stem S99."""
    (folder / "MIDI").mkdir(parents=True)
    drums = rows((0, 36, 12), (768, 36, 12))
    described = {"S99": {"program_num": 128, "is_drum": True}}
    for name, (program, notes) in stems.items():
        described[name] = {"program_num": program, "is_drum": False}
        write_tracks(folder / "MIDI" / f"{name}.mid", [(None, program, notes)], 48, TEMPI)
    write_tracks(folder / "MIDI" / "S99.mid", [(None, 0, drums)], 48, TEMPI)
    write_tracks(folder / "all_src.mid", [("Drums", 0, drums)], 48, TEMPI)
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"stems": described}), encoding="utf-8")
    return folder


def test_the_program_of_a_track_decides_whatever_its_name(tmp_path: Path) -> None:
    tracks = [
        ("Bass", 4, rows((0, 60, 24))),
        ("Piano", 28, rows((24, 61, 24))),
        ("Strings", 39, rows((48, 40, 24))),
        (None, 51, rows((72, 62, 24))),
        (None, 63, rows((96, 63, 24))),
        ("Guitar", None, rows((120, 64, 24))),
        ("Drums", 0, rows((144, 36, 24))),
        ("Piano", 16, rows((168, 65, 24))),
        ("Harp", 46, rows((192, 66, 24))),
    ]
    reference = by_program(read(write_tracks(tmp_path / "song.mid", tracks)), POP)
    assert reference is not None
    assert reference.notes.pitch.tolist() == [60, 61, 40, 62, 63, 64]
    assert reference.parts.tolist() == [0, 1, 2, 3, 4, 0]


def test_a_part_that_no_track_plays_is_absent(tmp_path: Path) -> None:
    split = {"train": ["train/Track00001.mid"], "valid": [], "test": []}
    tracks = [(None, 48, rows((0, 60, 24))), (None, 33, rows((0, 40, 24)))]
    write_tracks(tmp_path / "copy" / "train" / "Track00001.mid", tracks)
    prepare_pop(tmp_path / "out", tmp_path / "copy", split, progress=False)
    [piece] = load_split(tmp_path / "out", "train", POP)
    assert piece.parts.tolist() == [2, 3]


def test_a_download_is_put_on_sixteenths_by_time(tmp_path: Path) -> None:
    played = [(0, 60, 10), (25, 62, 1), (101, 64, 29), (180, 65, 59), (179, 65, 10), (242, 67, 46)]
    folder = song(tmp_path / "Track00001", {"S00": (30, rows(*played)), "S01": (33, rows())})
    notes = read_song(folder).notes
    assert notes.resolution == 480
    assert (notes.onset // 120).tolist() == [0, 2, 9, 15, 20]
    assert notes.pitch.tolist() == [60, 62, 64, 65, 67]
    assert (notes.duration // 120).tolist() == [1, 1, 2, 5, 4]


def test_folded_basses_are_brought_down_and_others_left_alone(tmp_path: Path) -> None:
    high, low = rows((0, 47, 12), (12, 58, 12), (24, 59, 12)), rows((36, 46, 12))
    folded = song(tmp_path / "Track00001", {"S00": (32, high), "S01": (0, high)})
    assert sorted(read_song(folded).notes.pitch.tolist()) == [35, 46, 47, 58, 59, 59]
    real = song(tmp_path / "Track00002", {"S00": (39, high), "S01": (32, low)})
    assert sorted(read_song(real).notes.pitch.tolist()) == [46, 47, 58, 59]


def test_a_download_without_stems_gives_the_tracks_of_the_song(tmp_path: Path) -> None:
    tracks = [
        (None, 0, rows((0, 60, 24))),
        (None, 40, rows((24, 62, 24))),
        ("Drums", 0, rows((0, 36, 9))),
    ]
    write_tracks(tmp_path / "Track00001" / "all_src.mid", tracks)
    score = read_song(tmp_path / "Track00001")
    assert [track.program for track in score.tracks] == [0, 40]
    assert score.notes.onset.tolist() == [0, 480]


def test_a_download_is_prepared_under_the_names_of_the_split(tmp_path: Path) -> None:
    notes = rows((0, 60, 12), (12, 62, 12))
    stems = {"S00": (0, notes), "S01": (33, notes)}
    song(tmp_path / "slakh" / "omitted" / "Track00001", stems)
    split = {"train": [], "valid": ["validation/Track00001.mid"], "test": []}
    prepare_pop(tmp_path / "out", tmp_path / "slakh", split, progress=False)
    [piece] = load_split(tmp_path / "out", "valid", POP)
    assert piece.notes.pitch.tolist() == [60, 60, 62, 62]


def test_metadata_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = song(tmp_path / "Track00001", {"S00": (0, rows((0, 60, 12)))})
    for text in ("stems: {S00: {is_drum: false}}", "stems: 5", "[", "stems"):
        (folder / "metadata.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"metadata\.yaml: not the metadata of a song"):
            read_song(folder)


def test_half_a_download_is_refused_rather_than_split_anew(tmp_path: Path) -> None:
    song(tmp_path / "slakh" / "Track00001", {"S00": (0, rows((0, 60, 12)))})
    split = {"train": ["train/Track00001.mid", "train/Track00002.mid"], "valid": [], "test": []}
    with pytest.raises(ValueError, match="1 of 2 pieces are not here, the first is Track00002"):
        prepare_pop(tmp_path / "out", tmp_path / "slakh", split, progress=False)


def test_the_versions_of_a_song_are_in_one_subset() -> None:
    assert song_of("clean_midi/Artist/Song.2.mid") == song_of("Artist/song.mid")
    assert song_of("Artist/Song 2.mid") != song_of("Artist/Song.mid")
    folder = "lmd_matched/A/A/A/TRAAAGR128F425B14B"
    assert song_of(f"{folder}/1d9d16a9.mid") == song_of(f"{folder}/b97c529a.mid")


def test_songs_without_a_published_split_are_split_the_same_way_in_any_company() -> None:
    names = [f"Artist/Song {i}.mid" for i in range(1000)]
    split = split_by_song(names)
    assert all(70 <= len(split[subset]) <= 130 for subset in ("valid", "test"))
    assert split_by_song(split["test"])["test"] == split["test"]


def test_of_songs_without_a_published_split_no_copy_lies_in_two_subsets(tmp_path: Path) -> None:
    source, out = tmp_path / "songs", tmp_path / "out"
    names = [f"Artist/Song {i}.mid" for i in range(40)]
    split = split_by_song(names)
    copies = [split[subset][0] for subset in ("train", "valid", "test")]
    tracks = [(None, 0, rows((0, 60, 12))), (None, 33, rows((12, 40, 12)))]
    for name in copies:
        write_tracks(source / name, tracks)
    write_tracks(source / "Artist" / "alone.mid", tracks[:1])
    (source / "broken.mid").write_bytes(b"not music")
    done = prepare_pop(out, source, progress=False)
    assert done.split == {"train": [], "valid": [], "test": [copies[2]]}
    assert done.remarks[-1].startswith("2 pieces have too few notes or parts, or cannot be read")
    assert [path.relative_to(out).as_posix() for path in out.rglob("*.mid")] == [copies[2]]
