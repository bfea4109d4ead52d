import json
from pathlib import Path

import numpy as np
import pytest

from arranger.files import read
from evaluation.generation.tune_books import read_tunes
from tests.music import write_tracks
from training.corpora.styles import prepare_styles, subset_of

TUNE = """X: {n}
T:A Tune
M:2/4
L:1/8
K:{key}
{bars}
"""
BARS = "CDEF|GABc|cBAG|FEDC|CEGc|cGEC|DFAd|dAFD|]"


def row(i: int, pitch: int) -> tuple[int, int, int, int]:
    return (12 * i, pitch, 12, 64)


def source(tmp_path: Path, stems: tuple[str, ...] = ("lc1", "lc20", "lc30")) -> Path:
    """Songs that differ, one quartet, one chorale and a book of two tunes and a broken one."""
    rng = np.random.default_rng(0)
    root = tmp_path / "source"

    def line() -> list[tuple[int, int, int, int]]:
        return [row(i, int(pitch)) for i, pitch in enumerate(rng.integers(50, 80, 40))]

    for stem in stems:
        (root / "lieder").mkdir(parents=True, exist_ok=True)
        write_tracks(
            root / "lieder" / f"{stem}.mid",
            [("Voice", 52, line()), ("Grand Piano", 0, line())],
            tempi=[(0, 90.0)],
        )
    for folder, name in (("quartets/openscore", "sq10307350"), ("chorales", "bwv1.6")):
        (root / folder).mkdir(parents=True)
        write_tracks(root / folder / f"{name}.mid", [("Violin 1", 40, line())])
    (root / "folk_abc").mkdir()
    tunes = [TUNE.format(n=1, key="C", bars=BARS), TUNE.format(n=2, key="G", bars=BARS.upper())]
    (root / "folk_abc" / "book.abc").write_text("\n".join([*tunes, "X:3\nK:C\n$%&\n"]))
    return root


def test_every_style_has_its_folder_and_every_piece_one_subset(tmp_path: Path) -> None:
    prepared = prepare_styles(tmp_path / "out", source(tmp_path), progress=False)
    written = json.loads((tmp_path / "out" / "split.json").read_text())
    assert written == prepared.split
    names = [name for subset in written.values() for name in subset]
    assert sorted({name.split("/")[0] for name in names}) == [
        "chorale", "folk", "piano", "quartet", "song",
    ]  # fmt: skip
    assert len(names) == len(set(names)) == len(prepared.notes)
    assert {name for name in written["test"] if "lc" in name} == {"song/lc20.mid", "piano/lc20.mid"}
    assert {name for name in written["valid"] if "lc" in name} == {
        "song/lc30.mid",
        "piano/lc30.mid",
    }


def test_the_piano_of_a_song_is_a_piece_of_its_own_at_the_songs_tempo(tmp_path: Path) -> None:
    prepare_styles(tmp_path / "out", source(tmp_path), progress=False)
    song, piano = (read(tmp_path / "out" / style / "lc1.mid").notes for style in ("song", "piano"))
    assert (len(song), len(piano)) == (80, 40)
    assert song.tempos[0].quarters == pytest.approx(90)


def test_a_song_that_repeats_one_of_an_earlier_subset_is_left_out(tmp_path: Path) -> None:
    root = source(tmp_path)
    (root / "lieder" / "lc2.mid").write_bytes((root / "lieder" / "lc20.mid").read_bytes())
    prepared = prepare_styles(tmp_path / "out", root, progress=False)
    assert "song/lc2.mid: a piece of the subset test, left out" in prepared.remarks
    assert not (tmp_path / "out" / "song" / "lc2.mid").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "lieder").mkdir()
    with pytest.raises(ValueError, match="no folder quartets"):
        prepare_styles(tmp_path / "out", tmp_path, progress=False)


def test_tunes_are_read_on_c_and_what_cannot_be_said_is_passed_over(tmp_path: Path) -> None:
    tunes = list(read_tunes([source(tmp_path) / "folk_abc" / "book.abc"]))
    assert [tune.name for tune in tunes] == ["folk_abc-book-0", "folk_abc-book-1"]
    assert tunes[0].notes.pitch[:4].tolist() == [60, 62, 64, 65]
    assert "M:2/4" in tunes[0].spoken


def test_one_song_in_twenty_is_for_testing_and_one_for_validation() -> None:
    subsets = [subset_of(n) for n in range(20)]
    assert (subsets.count("test"), subsets.count("valid")) == (1, 1)
