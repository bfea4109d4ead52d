from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

import arranger
from arranger.files import read, read_bytes
from arranger.jobs import Desk, Job, Order
from serve import schemas
from tests.music import four_voices, write_midi
from tests.services import MIDI, said

AT = "/v1/arrangements"
EXAMPLES = Path(arranger.__file__).parent / "examples"
NAMES = ["Soprano", "Alto", "Tenor", "Bass"]


def as_notes(beats: int = 8) -> list[dict[str, int]]:
    notes, _ = four_voices(beats)
    columns = (notes.onset, notes.pitch, notes.duration)
    keys = ("onset", "pitch", "duration")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def notes_of(data: bytes) -> Counter[tuple[int, ...]]:
    notes = read_bytes(data, ".mid", "answer").notes
    columns = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    return Counter(zip(*(column.tolist() for column in columns), strict=True))


def test_a_file_as_it_is_gets_the_parts_that_the_command_gives(
    service: httpx.Client, piece: Path
) -> None:
    answer = service.post(AT, content=piece.read_bytes(), headers=MIDI)
    assert answer.status_code == 200
    told = schemas.Arrangement.model_validate(answer.json())
    done = Desk(Order()).arrange(Job(piece, Path("out.mid"))).result.arrangement
    assert [NAMES.index(note.part) for note in told.notes] == done.parts.tolist()
    assert [note.confidence for note in told.notes] == pytest.approx(
        done.confidence.tolist(), abs=1e-4
    )
    assert told.model == "chorale-offline"


def test_json_tells_all_that_a_page_needs(service: httpx.Client, piece: Path) -> None:
    told = service.post(AT, files={"file": ("piece.mid", piece.read_bytes())}).json()
    score = read(piece)
    assert told["name"] == "piece.mid"
    assert [part["name"] for part in told["ensemble"]["parts"]] == NAMES
    assert [track["part"] for track in told["tracks"]] == NAMES
    assert told["resolution"] == score.notes.resolution
    assert told["meters"] == [{"tick": 0, "numerator": 4, "denominator": 4}]
    first, last = told["notes"][0], told["notes"][-1]
    assert first["start"] == 0.0
    assert last["start"] == pytest.approx(last["onset"] / score.notes.resolution / 2, abs=1e-3)
    for note in told["notes"]:
        assert note["runner_up"]["part"] != note["part"]
        assert 0 <= note["runner_up"]["confidence"] <= 1


def test_drums_pass_through_and_are_told_apart(service: httpx.Client, tmp_path: Path) -> None:
    path = write_midi(
        tmp_path / "beat.mid", {"Piano": [(0, 60, 24, 64)], "Drums": [(24, 36, 24, 90)]}
    )
    told = service.post(AT, content=path.read_bytes(), headers=MIDI).json()
    assert len(told["notes"]) == 1
    [drum] = told["drums"]
    assert (drum["pitch"], drum["onset"], drum["start"]) == (36, 24, 0.5)
    assert told["tracks"][drum["track"]]["is_drum"]


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("audio/midi", b"MThd"),
        ("application/vnd.recordare.musicxml+xml", b"<?xml"),
        ("image/png", b"\x89PNG"),
    ],
)
def test_accept_chooses_the_form_of_the_answer(
    service: httpx.Client, piece: Path, kind: str, begins: bytes
) -> None:
    headers = {**MIDI, "Accept": f"text/html, {kind};q=0.9, application/json;q=0.1"}
    answer = service.post(AT, content=piece.read_bytes(), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.content.startswith(begins)
    if kind == "audio/midi":
        assert notes_of(answer.content) == notes_of(piece.read_bytes())


def test_notes_as_json_are_answered_in_the_order_in_which_they_were_sent(
    service: httpx.Client,
) -> None:
    notes = as_notes()[::-1]
    told = service.post(AT, json={"notes": notes, "resolution": 24}).json()
    for sent, answered in zip(notes, told["notes"], strict=True):
        assert sent.items() <= answered.items()


def test_a_lock_keeps_its_note_in_whatever_order_notes_are_sent(service: httpx.Client) -> None:
    notes = as_notes()[::-1]
    free = service.post(AT, json={"notes": notes, "resolution": 24}).json()["notes"]
    taken = next(n for n, note in enumerate(free) if note["part"] == "Alto")
    wish = {"locks": {str(taken): "Tenor"}}
    told = service.post(AT, json={"notes": notes, "resolution": 24, "hints": wish}).json()
    assert told["notes"][taken]["part"] == "Tenor"


def test_hints_and_options_of_a_form_are_heard(service: httpx.Client) -> None:
    options = {"hints": {"locks": {"0": "Soprano"}}, "alternatives": 3}
    song = EXAMPLES / "tegner-betlehems-stjarna.mid"
    told = service.post(
        AT, files={"file": (song.name, song.read_bytes())}, data={"options": json.dumps(options)}
    ).json()
    assert told["notes"][0]["part"] == "Soprano"
    assert len(told["alternatives"]) == 2
    for other in told["alternatives"]:
        assert other["parts"][0] == "Soprano"
        differ = [a != n["part"] for a, n in zip(other["parts"], told["notes"], strict=True)]
        assert other["differs"] == sum(differ) > 0


def test_an_ensemble_of_ones_own_is_arranged_for(service: httpx.Client) -> None:
    trio = {
        "name": "trio",
        "parts": [
            {"name": "Flute", "program": 73, "low": 60, "high": 96},
            {"name": "Viola", "program": 41, "low": 48, "high": 84},
            {"name": "Cello", "program": 42, "low": 36, "high": 72, "voices": 2},
        ],
    }
    told = service.post(AT, json={"notes": as_notes(), "resolution": 24, "ensemble": trio}).json()
    assert {note["part"] for note in told["notes"]} == {"Flute", "Viola", "Cello"}


@pytest.mark.parametrize("mode", ["live", "chord-live"])
def test_live_modes_tell_the_runner_up_too(service: httpx.Client, mode: str) -> None:
    told = service.post(AT, json={"notes": as_notes(), "resolution": 24, "mode": mode}).json()
    assert told["mode"] == mode
    for note in told["notes"]:
        assert note["runner_up"]["part"] != note["part"]
        assert 0 <= note["runner_up"]["confidence"] <= 1


def test_no_notes_are_no_fault(service: httpx.Client) -> None:
    told = service.post(AT, json={"notes": []}).json()
    assert told["notes"] == []
    assert "nothing to arrange" in told["warnings"][0]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"ensemble": "choir"}, "unknown ensemble 'choir': known are chorale"),
        ({"ensemble": "../../../etc/passwd.yaml"}, "unknown ensemble"),
        ({"model": "/etc"}, "unknown model '/etc'"),
        ({"model": "chorale-live"}, "made for live, not for offline"),
        ({"mode": "asleep"}, "mode: input should be 'offline', 'live' or 'chord-live'"),
        ({"alternatives": 9}, "alternatives: input should be less than or equal to 8, not 9"),
        ({"alternatives": 2, "mode": "live"}, "alternatives need the whole piece"),
        ({"hints": {"locks": {"99": "Bass"}}}, "there is no note 99 to lock"),
        ({"hints": {"locks": {"0": "Tuba"}}}, "unknown part 'Tuba'"),
        ({"hints": {"entries": {"Bass": -1}}}, "hints.entries.Bass"),
        ({"colour": "red"}, "colour: extra inputs are not permitted, not 'red'"),
        ({"notes": [{"onset": 0, "pitch": 128, "duration": 1}]}, "notes.0.pitch"),
        ({"notes": [{"onset": -1, "pitch": 60, "duration": 1}]}, "notes.0.onset"),
        ({"notes": [{"onset": 0, "pitch": 60}]}, "notes.0.duration: field required"),
        ({"notes": "all"}, "notes: input should be a valid array, not 'all'"),
        ({"resolution": 0}, "resolution"),
        ({"tempos": [{"tick": 0, "quarters": 1e99}]}, "tempos.0.quarters"),
        (
            {"ensemble": {"name": "none", "parts": []}},
            "ensemble.parts: list should have at least 1",
        ),
    ],
)
def test_what_cannot_be_wished_for_is_told_in_one_sentence(
    service: httpx.Client, wish: dict[str, Any], words: str
) -> None:
    document = {"notes": as_notes(1), "resolution": 24, **wish}
    assert words in said(service.post(AT, json=document), 422)


def test_two_parts_of_one_name_are_refused(service: httpx.Client) -> None:
    part = {"name": "Flute", "program": 73}
    twice = {"name": "duo", "parts": [part, part]}
    answer = service.post(AT, json={"notes": [], "ensemble": twice})
    assert "two parts have the same name" in said(answer, 422)


def test_a_type_that_is_not_offered_is_refused(service: httpx.Client, piece: Path) -> None:
    headers = {**MIDI, "Accept": "video/mp4"}
    answer = service.post(AT, content=piece.read_bytes(), headers=headers)
    assert "offered are application/json, audio/midi" in said(answer, 406)


def test_options_in_the_query_are_for_a_file_as_it_is(service: httpx.Client, piece: Path) -> None:
    query = {"ensemble": "quartet", "name": "mine.mid"}
    told = service.post(AT, params=query, content=piece.read_bytes()).json()
    assert (told["ensemble"]["name"], told["name"]) == ("quartet", "mine.mid")
    query = {"ensemble": "circus"}
    answer = service.post(AT, params=query, content=piece.read_bytes(), headers=MIDI)
    assert "unknown ensemble 'circus'" in said(answer, 422)


def test_notation_is_read_too(service: httpx.Client) -> None:
    abc = b"X:1\nT:Short\nM:4/4\nL:1/4\nK:C\nCEGc|\n"
    told = service.post(AT, content=abc, headers={"Content-Type": "text/vnd.abc"}).json()
    assert [note["pitch"] for note in told["notes"]] == [60, 64, 67, 72]
