from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from arranger.ensembles import load_ensemble
from evaluation.splits import load_split
from tests.music import write_tracks
from training.corpora.quartets import players_of, prepare_quartets, read_naming, read_quartet

QUARTET = load_ensemble("quartet")
PLAYERS = list(QUARTET.names)
ROWS = [[(24 * i, pitch + i, 24, 60 + i) for i in range(3)] for pitch in (76, 67, 60, 48)]


@pytest.mark.parametrize(
    "names",
    [
        ["Violino I", "Violino II", "Viola", "Violoncello"],
        ["Violino I.", "violino ii.", "Viola.", "Violincello."],
        ["1st Violin", "2nd Violin", "Viola", "Cello"],
        ["Violin1", "Violin2", "Viola", "Cello"],
    ],
)
def test_violino_ii_is_the_second_violin(names: list[str | None]) -> None:
    assert players_of("any", names, QUARTET) == PLAYERS


def test_staves_for_pizzicato_arco_and_divisi_go_to_their_player() -> None:
    names = ["Violin 2 arco", "Violin 2 pizz", "Cello Pizz", "Viola Sub", "Violin1 Sub", "Cello"]
    players = ["Violin 2", "Violin 2", "Cello", "Viola", "Violin 1", "Cello"]
    assert players_of("any", names, QUARTET) == players


def test_a_second_staff_is_its_players_whatever_its_program(tmp_path: Path) -> None:
    path = write_tracks(
        tmp_path / "2313_qt15_1.mid",
        [("Violin1", 40, ROWS[0]), ("Violin1 Sub", 41, ROWS[1]), ("Viola", 41, ROWS[2])],
    )
    assert read_quartet(path, QUARTET).parts.tolist() == [2, 0, 0] * 3


@pytest.mark.parametrize("stem", ["1931_dv96_2", "1932_dv96_3", "1933_dv96_4"])
def test_tracks_without_names_are_looked_up(tmp_path: Path, stem: str) -> None:
    listed = read_naming().players[stem]
    rows = [[(24 * i, 40 + i, 24, 64)] for i in range(len(listed))]
    path = write_tracks(tmp_path / f"{stem}.mid", [(None, 45, row) for row in rows])
    parts = read_quartet(path, QUARTET).parts.tolist()
    assert [PLAYERS[part] for part in parts] == listed
    with pytest.raises(ValueError, match=f"{stem}: 3 tracks have notes, expected {len(listed)}"):
        players_of(stem, [None] * 3, QUARTET)


def test_every_player_that_is_looked_up_is_one_of_a_quartet() -> None:
    players = read_naming().players.values()
    assert {player for listed in players for player in listed} == set(PLAYERS)


def test_notes_that_nobody_plays_are_left_out_and_named(tmp_path: Path) -> None:
    names = ["Violino I.", "Violino II.", "Viola.", "Violoncello."]
    tracks = [(name, 41, rows) for name, rows in zip(names, ROWS, strict=True)]
    path = write_tracks(tmp_path / "2180.mid", [*tracks, ("Tempo", 41, ROWS[0])])
    reference = read_quartet(path, QUARTET)
    assert len(reference.notes) == 12
    assert reference.remarks == ("nobody plays the track Tempo, which is left out",)


def test_two_tracks_named_violin_are_the_first_and_the_second() -> None:
    names: list[str | None] = ["Violin", "Violin", "Viola", "Violoncello", "Violoncello"]
    assert players_of("any", names, QUARTET) == [*PLAYERS, "Cello"]


def test_a_stranger_among_the_players_takes_nobodys_part() -> None:
    assert players_of("any", [*PLAYERS, "Piano"], QUARTET) == [*PLAYERS, None]


def part(number: int, name: str, step: str) -> tuple[str, str]:
    """A part of two bars, both to be repeated: in the list of parts, and as music."""
    listed = f"""<score-part id="P{number}"><part-name>{name}</part-name>
        <score-instrument id="I{number}"><instrument-name>{name}</instrument-name>
        </score-instrument>
        <midi-instrument id="I{number}"><midi-program>43</midi-program></midi-instrument>
        </score-part>"""
    note = f"""<note><pitch><step>{step}</step><octave>4</octave></pitch>
        <duration>4</duration></note>"""
    music = f"""<part id="P{number}">
        <measure number="1"><attributes><divisions>1</divisions></attributes>{note}</measure>
        <measure number="2">{note}<barline><repeat direction="backward"/></barline></measure>
        </part>"""
    return listed, music


def test_raw_scores_are_prepared_with_their_repeats_written_out(tmp_path: Path) -> None:
    names = ["Violin", "Violin", "Viola", "Violoncello"]
    parts = [part(i, name, "GECA"[i]) for i, name in enumerate(names)]
    listed, music = ("".join(texts) for texts in zip(*parts, strict=True))
    score = tmp_path / "raw" / "scores" / "Composer,_A" / "Quartet" / "sq123.mxl"
    score.parent.mkdir(parents=True)
    with zipfile.ZipFile(score, "w") as archive:
        container = '<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        archive.writestr(
            "s.xml", f"<score-partwise><part-list>{listed}</part-list>{music}</score-partwise>"
        )
    tracks = [(name, 40, rows) for name, rows in zip(PLAYERS, ROWS, strict=True)]
    write_tracks(tmp_path / "raw" / "musicnet_midis" / "Mozart" / "1788_kv_465_1.mid", tracks)
    split = {
        "train": ["openscore/sq123.mid"],
        "valid": [],
        "test": ["musicnet/1788_kv_465_1.mid"],
        "test_as_published": ["musicnet/1788_kv_465_1.mid"],
    }
    prepare_quartets(tmp_path / "out", tmp_path / "raw", split, progress=False)

    [piece] = load_split(tmp_path / "out", "train", QUARTET)
    assert piece.notes.pitch.tolist() == [60, 64, 67, 69] * 4
    assert piece.parts.tolist() == [2, 1, 0, 3] * 4
    assert (piece.notes.onset // piece.notes.resolution).tolist()[::4] == [0, 4, 8, 12]
    [piece] = load_split(tmp_path / "out", "test", QUARTET)
    assert piece.notes.velocity.tolist() == [60] * 4 + [61] * 4 + [62] * 4
    written = json.loads((tmp_path / "out" / "split.json").read_text(encoding="utf-8"))
    assert written == split


def test_a_score_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sq1.mxl"
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"sq1\.mxl: not a readable score"):
        read_quartet(path, QUARTET)
