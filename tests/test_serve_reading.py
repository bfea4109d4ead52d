from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from arranger.files import FileError
from serve.reading import Reader
from serve.settings import Limits, Reading
from serve.uploads import Upload
from tests.midi_pieces import midi, off, on
from tests.services import MIDI, said, serving, settings

TUNE = Upload("tune.abc", ".abc", b"X:1\nT:Short\nM:4/4\nL:1/4\nK:C\nCEGc|\n")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    found = Reader(Reading(in_place_bytes=1000))
    yield found
    found.close()


def test_small_files_are_read_in_place_and_notation_apart() -> None:
    reader = Reader(Reading(in_place_bytes=1000))
    assert not reader.reads_apart(Upload("a.mid", ".mid", bytes(1000)))
    assert reader.reads_apart(Upload("a.mid", ".mid", bytes(1001)))
    assert reader.reads_apart(TUNE)


def test_what_is_read_apart_is_the_same_score(reader: Reader) -> None:
    events = [e for n in range(300) for e in (on(480 * n, 60), off(480 * n + 400, 60))]
    upload = Upload("long.mid", ".mid", midi(events))
    assert reader.reads_apart(upload)
    in_place = Reader(Reading(in_place_bytes=10**6)).read(upload)
    apart = reader.read(upload)
    assert apart.notes.onset.tolist() == in_place.notes.onset.tolist()
    assert apart.document == in_place.document


def test_a_fault_of_a_file_is_told_in_the_same_sentence(reader: Reader) -> None:
    with pytest.raises(FileError, match=r"^bad\.musicxml: "):
        reader.read(Upload("bad.musicxml", ".musicxml", b"<score-partwise>"))
    assert len(reader.read(TUNE).notes) == 4


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    reader = Reader(Reading(seconds=0.05))
    try:
        began = time.monotonic()
        with pytest.raises(
            FileError, match=r"tune\.abc: reading it takes longer than 0\.05 seconds"
        ):
            reader.read(TUNE)
        assert time.monotonic() - began < 3
    finally:
        reader.close()


def test_a_reader_that_is_killed_is_replaced(reader: Reader) -> None:
    assert len(reader.read(TUNE).notes) == 4
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    assert len(reader.read(TUNE).notes) == 4


def test_memory_is_limited_where_files_are_read() -> None:
    reader = Reader(Reading(megabytes=60))
    try:
        with pytest.raises(FileError, match="reading it takes more than"):
            reader.read(TUNE)
    finally:
        reader.close()


BAD = {
    "empty.mid": b"",
    "cut.mid": b"MThd\0\0\0\6\0",
    "rubbish.mid": bytes(range(256)),
    "rubbish.mxl": b"PK\3\4 rubbish",
    "deep.musicxml": b"<a>" * 5000,
    "entities.musicxml": (
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        b"<score-partwise>&b;</score-partwise>"
    ),
    "outside.musicxml": (
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        b"<score-partwise>&a;</score-partwise>"
    ),
    "none.abc": b"no tune at all",
    "list.json": b"[1, 2, 3]",
    "deep.json": b"[" * 100_000,
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_file_gets_one_sentence_and_the_service_lives(
    service: httpx.Client, name: str
) -> None:
    answer = service.post("/v1/arrangements", files={"file": (name, BAD[name])})
    sentence = said(answer, 422)
    assert sentence.startswith(f"{name}: ")
    assert "root:" not in sentence
    assert service.get("/healthz").status_code == 200


def test_a_piece_too_long_to_wait_for_is_work_for_a_job(tmp_path: Path) -> None:
    events = [e for n in range(60) for e in (on(480 * n, 60), off(480 * n + 400, 60))]
    with serving(settings(tmp_path, limits=Limits(notes=50))) as (client, _):
        answer = client.post("/v1/arrangements", content=midi(events), headers=MIDI)
        assert "60 notes, more than the 50" in said(answer, 422)
