"""muspy's JSON and muspy.Music, in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from midi_pieces import DUO, arranged, by_track, midi, off, on, rows

from arranger.files import (
    FileError,
    Score,
    from_muspy,
    muspy_json,
    read,
    read_bytes,
    to_muspy,
    write,
)
from arranger.files.document import LYRIC, MARKER, meta
from arranger.notes import Meter

MUSIC: dict[str, Any] = {
    "metadata": {
        "schema_version": "0.2",
        "title": "Lied",
        "creators": ["Clara"],
        "copyright": "free",
    },
    "resolution": 24,
    "tempos": [{"time": 0, "qpm": 90.0}, {"time": 24, "qpm": 61.5}],
    "key_signatures": [
        {"time": 0, "root": 2, "mode": "minor"},
        {"time": 24, "fifths": 3, "mode": "major"},
    ],
    "time_signatures": [{"time": 0, "numerator": 3, "denominator": 8}],
    "lyrics": [{"time": 0, "lyric": "ö"}],
    "annotations": [{"time": 3, "annotation": "A", "group": "marker"}],
    "tracks": [
        {
            "program": 4,
            "is_drum": False,
            "name": "Right",
            "notes": [
                {"time": 0, "pitch": 60, "duration": 90, "velocity": 5},
                {"time": 10, "pitch": 60, "duration": 20, "velocity": 6},
                {"time": 30, "pitch": 61, "duration": 0},
            ],
            "chords": [{"time": 40, "pitches": [70, 74], "duration": 4, "velocity": 9}],
        },
        {"program": 0, "is_drum": True, "notes": [{"time": 1, "pitch": 36, "duration": 2}]},
    ],
}  # fmt: skip
ROWS = [(0, 60, 90, 5), (10, 60, 20, 6), (30, 61, 0, 64), (40, 70, 4, 9), (40, 74, 4, 9)]


def score_of(music: Any) -> Score:
    return read_bytes(json.dumps(music).encode(), ".json", "music.json")


def test_json_is_read_whole() -> None:
    score = score_of(MUSIC)
    assert rows(score) == ROWS
    assert [(t.name, t.program, t.is_drum) for t in score.tracks] == [
        ("Right", 4, False),
        (None, 0, True),
    ]
    assert score.notes.resolution == 24
    assert score.notes.meters == (Meter(0, 3, 8),)
    assert list(score.document.metas(LYRIC)) == [(0, "ö".encode())]
    assert list(score.document.metas(MARKER)) == [(3, b"A")]
    assert score.warnings == ()


def test_json_that_is_written_says_the_same_and_muspy_reads_it(tmp_path: Path) -> None:
    import muspy

    score = score_of(MUSIC)
    path = tmp_path / "out.json"
    write(path, score, arranged(score, [0, 1, 0, 1, 0]))
    written = json.loads(path.read_text(encoding="utf-8"))
    assert {k: v for k, v in MUSIC["metadata"].items() if written["metadata"][k] != v} == {}
    for key in ("resolution", "tempos", "time_signatures", "lyrics", "annotations"):
        assert written[key] == MUSIC[key]
    assert written["key_signatures"] == [
        {"time": 0, "root": 2, "mode": "minor", "fifths": -1, "root_str": "D"},
        {"time": 24, "root": 9, "mode": "major", "fifths": 3, "root_str": "A"},
    ]
    assert [(t["name"], t["program"], t["is_drum"]) for t in written["tracks"]] == [
        ("High", 73, False),
        ("Low", 42, False),
        ("Drums", 0, True),
    ]
    assert rows(read(path)) == ROWS
    music = muspy.load(path)
    assert [len(track) for track in music] == [3, 2, 1]
    assert music.metadata.title == "Lied"


def test_json_keeps_nested_unisons_through_midi(tmp_path: Path) -> None:
    score = score_of(MUSIC)
    write(tmp_path / "out.mid", score, arranged(score, [0, 0, 0, 1, 1]))
    again = read(tmp_path / "out.mid")
    assert rows(again) == ROWS
    assert again.document.title == "Lied"
    assert len(by_track(again)["High"]) == 3


def test_a_muspy_music_goes_in_and_out() -> None:
    import muspy

    score = from_muspy(muspy.Music.from_dict(MUSIC))
    assert rows(score) == ROWS
    music = to_muspy(score, arranged(score, [0, 1, 0, 1, 0]))
    assert [track.name for track in music.tracks] == [*DUO.names, "Drums"]
    assert [(n.time, n.pitch, n.duration, n.velocity) for n in music[1].notes] == [ROWS[1], ROWS[3]]
    assert [tempo.qpm for tempo in music.tempos] == [90.0, 61.5]


def test_midi_tempos_survive_json_to_the_microsecond(tmp_path: Path) -> None:
    tempos = [(k, meta(0x51, n.to_bytes(3))) for k, n in enumerate((1, 333_333, 666_667, 0xFFFFFF))]
    score = read_bytes(midi([*tempos, on(0, 60), off(9, 60)]), ".mid", "in.mid")
    write(tmp_path / "out.json", score, arranged(score, [0]))
    assert list(read(tmp_path / "out.json").document.metas(0x51)) == [
        (tick, message[2:]) for tick, message in tempos
    ]


def test_a_note_of_velocity_0_becomes_audible_with_a_warning() -> None:
    note = {"time": 0, "pitch": 60, "duration": 1, "velocity": 0}
    score = score_of({"resolution": 24, "tracks": [{"notes": [note]}]})
    assert rows(score) == [(0, 60, 1, 1)]
    assert score.warnings == ("1 note of velocity 0 was given velocity 1",)


def _note(**changes: Any) -> dict[str, Any]:
    note = {"time": 0, "pitch": 60, "duration": 1, **changes}
    return {"resolution": 24, "tracks": [{"notes": [note]}]}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "the file is empty"),
        (b"{", "not a JSON file"),
        (b"\xff\xfe\xff", "not a JSON file"),
        (b"[" * 100_000, "not a JSON file"),
        (b"[]", r"the file must be an object, not \[\]"),
        ({}, r"the file: resolution must be in 1\.\.32767, not None"),
        ({"resolution": True}, "not True"),
        ({"resolution": 24, "tracks": 3}, "tracks must be a list, not 3"),
        ({"resolution": 24, "tracks": [3]}, r"tracks\[0\] must be an object, not 3"),
        ({"resolution": 24, "metadata": "x"}, "metadata must be an object, not 'x'"),
        ({"resolution": 24, "tempos": [{"time": 0, "qpm": 0}]}, "qpm must be a number above 0"),
        ({"resolution": 24, "tempos": [{"time": 0, "qpm": float("nan")}]}, "not nan"),
        (_note(pitch=128), r"tracks\[0\]\.notes\[0\]: pitch must be in 0\.\.127, not 128"),
        (_note(time=-1), "time must be in"),
        (_note(time=1.5), "time must be in"),
        (_note(duration=None), "duration must be in"),
        (_note(duration=2**40), "duration must be in"),
        (_note(velocity="loud"), "velocity must be in 0..127, not 'loud'"),
    ],
    ids=str,
)
def test_json_of_another_shape_is_refused_in_one_sentence(data: Any, fault: str) -> None:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    with pytest.raises(FileError, match=rf"^music\.json: [^\n]*{fault}[^\n]*$"):
        read_bytes(raw, ".json", "music.json")


def test_too_many_notes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muspy_json, "MAX_NOTES", 1000)
    notes = [{"time": 0, "pitch": 60, "duration": 1}] * 1001
    with pytest.raises(FileError, match="more than 1,000 notes"):
        score_of({"resolution": 24, "tracks": [{"notes": notes}]})
