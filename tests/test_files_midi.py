"""Reading MIDI: what is in a file, what can be saved of a damaged one, what is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from midi_pieces import chunk, header, midi, off, on, rows

from arranger.files import FileError, Score, Track, read, read_bytes
from arranger.files.document import META, TRACK_NAME, meta
from arranger.files.midi import decode, encode
from arranger.notes import Meter


def score_of(data: bytes) -> Score:
    return read_bytes(data, ".mid", "piece.mid")


def test_notes_come_sorted_with_their_track_and_handle() -> None:
    name, program = (0, meta(TRACK_NAME, b"Alto")), (0, b"\xc1\x35")
    data = midi([on(0, 70), off(480, 70)], [name, program, on(0, 60, 90, 1), off(240, 60, 0, 1)])
    score = score_of(data)
    assert rows(score) == [(0, 60, 240, 90), (0, 70, 480, 64)]
    assert score.tracks == (Track(None, None), Track("Alto", 0x35))
    assert score.track.tolist() == [1, 0]
    for row, handle in zip(rows(score), score.handle.tolist(), strict=True):
        track, start, _ = score.document.notes[handle]
        assert score.document.tracks[track][start][1][1] == row[1]


def test_the_bytes_of_a_file_come_back_as_they_were() -> None:
    data = midi([(5, b"\xf0\x7e\x7f\xf7"), on(200, 60), off(100_000, 60), (100_000, b"\xd0\x05")])
    document, warnings = decode(data, "piece.mid")
    assert encode(document.resolution, document.tracks) == data
    assert warnings == ()


def test_running_status_and_note_on_without_velocity_end_notes() -> None:
    score = score_of(header() + chunk(b"\0\x90\x3c\x40\x60\x3c\0\0\x3e\x41\x60\x3e\0\0\xff\x2f\0"))
    assert rows(score) == [(0, 60, 96, 64), (96, 62, 96, 65)]


def test_channels_of_format_0_become_tracks_and_channel_10_drums() -> None:
    events = [
        on(0, 60),
        on(0, 36, 64, 9),
        off(9, 36, 64, 9),
        off(9, 60),
        on(9, 64, 3, 2),
        off(10, 64, 0, 2),
    ]
    data = bytearray(midi(events))
    data[9] = 0
    score = score_of(bytes(data))
    assert [track.is_drum for track in score.tracks] == [False, True, False]
    assert score.track.tolist() == [0, 2]


def test_equal_pitches_end_in_the_order_in_which_they_began() -> None:
    score = score_of(midi([on(0, 60, 1), on(10, 60, 2), off(20, 60), off(50, 60)]))
    assert rows(score) == [(0, 60, 20, 1), (10, 60, 40, 2)]


def test_notes_of_no_length_are_kept() -> None:
    assert rows(score_of(midi([on(5, 60), off(5, 60)]))) == [(5, 60, 0, 64)]


def test_a_program_may_stand_in_another_track() -> None:
    score = score_of(midi([(0, b"\xc0\x05")], [on(10, 60), (20, b"\xc0\x07"), off(30, 60)]))
    assert score.tracks[0].program == 5


def test_meters_are_read_from_any_track() -> None:
    meters = [(0, meta(0x58, b"\3\2\x18\x08")), (480, meta(0x58, b"\6\3\x18\x08"))]
    assert score_of(midi([], meters)).notes.meters == (Meter(0, 3, 4), Meter(480, 6, 8))


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Flöte".encode(), "Flöte"),
        ("Flöte".encode("latin-1"), "Flöte"),
        ("笛\0".encode(), "笛"),
        (b" ", None),
    ],
)
def test_names_are_utf_8_or_else_latin_1(raw: bytes, name: str | None) -> None:
    score = score_of(midi([(0, meta(TRACK_NAME, raw)), on(0, 60), off(1, 60)]))
    assert score.tracks[0].name == name
    assert (0, bytes((META, TRACK_NAME)) + raw) in score.document.tracks[0]


def test_more_than_sixteen_tracks_are_read() -> None:
    score = score_of(midi(*[[on(0, k), off(1, k)] for k in range(40)]))
    assert score.track.tolist() == list(range(40))


def test_a_file_without_notes_or_with_drums_only_has_no_notes_to_arrange() -> None:
    empty = score_of(midi([]))
    assert len(empty.notes) == 0
    assert empty.warnings == ("there is nothing to arrange: the file holds no notes",)
    drums = score_of(midi([on(0, 36, 64, 9), off(1, 36, 64, 9)]))
    assert len(drums.notes) == 0
    assert drums.tracks[0].is_drum
    assert len(drums.document.notes) == 1
    assert drums.warnings == ("there is nothing to arrange: the file holds only drums",)


def test_hanging_notes_end_with_their_track_and_are_counted() -> None:
    score = score_of(midi([on(0, 60), on(0, 64), off(10, 60), on(20, 62, 5), (90, meta(1, b"x"))]))
    assert rows(score) == [(0, 60, 10, 64), (0, 64, 90, 64), (20, 62, 70, 5)]
    assert score.warnings == ("2 notes were without an end and now last as long as their track",)


def test_ends_without_a_start_are_passed_over() -> None:
    score = score_of(midi([off(0, 60), on(5, 60), off(9, 60), off(12, 60)]))
    assert rows(score) == [(5, 60, 4, 64)]
    assert score.warnings == ()


def test_a_truncated_file_gives_the_notes_read_so_far_and_counts_the_loss() -> None:
    whole = midi([on(0, 48), off(9, 48)], [on(0, 60), off(10, 60), on(10, 62), off(20, 62)])
    score = score_of(whole[:-8])
    assert rows(score) == [(0, 48, 9, 64), (0, 60, 10, 64), (10, 62, 0, 64)]
    assert score.warnings == (
        "the file ends 8 bytes early in track 2: 3 notes were recovered, 1 of them without an end",
    )


def test_missing_tracks_are_counted() -> None:
    whole = midi([on(0, 48), off(9, 48)], [], [])
    assert score_of(whole[:-24]).warnings == ("2 of 3 tracks are missing: 1 note was recovered",)


def test_a_damaged_track_costs_only_what_follows_the_damage() -> None:
    good = b"\0\x90\x3c\x40\x10\x80\x3c\x40\0\xff\x2f\0"
    score = score_of(header(tracks=2) + chunk(good[:8] + b"\0\x90\x90\x90\0") + chunk(good))
    assert rows(score) == [(0, 60, 16, 64)] * 2
    assert score.warnings == (
        "the last 5 of 13 bytes of track 1 cannot be understood: 2 notes were recovered",
    )


def test_every_cut_of_a_file_is_read_or_refused_in_a_sentence() -> None:
    whole = midi([on(0, 60), off(10, 60)], [(3, b"\xf0\1\2\xf7"), on(0, 61), off(300, 61)])
    outcomes = [_outcome(whole[:length]) for length in range(len(whole))]
    assert all(sentence for sentence in outcomes)


def _outcome(data: bytes) -> str:
    """The first warning or the error that ``data`` gives."""
    try:
        return next(iter(score_of(data).warnings), "")
    except FileError as error:
        return str(error) if str(error).startswith("piece.mid: ") else ""


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "the file is empty"),
        (b"\0" * 100, "not a MIDI file"),
        (b"Dear reader, this is no music.", "not a MIDI file"),
        (b"MThd\0\0\0\6\0\1", "header is cut off"),
        (header(layout=2), "format 2, expected format 0 or 1"),
        (header(division=0xE728), "SMPTE frames, expected ticks"),
        (header(division=0), "0 ticks a quarter note"),
        (
            header() + chunk(b"\xff" * 500_000),
            "500000 bytes of track 1 cannot be understood, and no",
        ),
        (header(tracks=3), "3 of 3 tracks are missing, and no notes"),
        (b"M" * 20_000_000, "larger than 10 MB"),
        (header() + chunk(b"\0\x90\x3c\x40\1\x3c\0" * 1_000_000), "events, too many to arrange"),
        (
            header() + chunk(b"\0\x90\x3c\x40" + b"\1\x3c\0\1\x3c\1" * 200_001),
            "200,002 notes, but at",
        ),
        (header() + chunk(b"\xff\xff\xff\x7f\x90\x3c\x40" * 3), "lasts 805,306,365 ticks"),
        (header() + chunk(b"") * 5_000, "more than 4,096 tracks"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_an_unusable_file_is_refused_at_once_in_one_sentence(data: bytes, fault: str) -> None:
    began = time.perf_counter()
    with pytest.raises(FileError, match=rf"^piece\.mid: .*{fault}"):
        score_of(data)
    assert time.perf_counter() - began < 10  # a second on a machine that does nothing else


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.mid: there is no such file"):
        read(tmp_path / "gone.mid")
    folder = tmp_path / "folder.mid"
    folder.mkdir()
    with pytest.raises(FileError, match=r"folder\.mid: a folder"):
        read(folder)
    with pytest.raises(FileError, match=r"song\.mp3: \.mp3 cannot be read, expected one of \.mid"):
        read(tmp_path / "song.mp3")


def test_the_header_of_a_huge_file_is_enough_to_refuse_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.mid"
    with path.open("wb") as file:
        file.truncate(20_000_000)
    with pytest.raises(FileError, match="larger than 10 MB"):
        read(path)


def test_reading_midi_imports_no_heavy_library() -> None:
    program = (
        "import sys, arranger.files as f; f.read_bytes(sys.stdin.buffer.read(), '.mid', 'x');"
        "heavy = {'torch', 'muspy', 'music21', 'scipy', 'matplotlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    data = midi([on(0, 60), off(1, 60)])
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


def test_arrays_of_an_empty_score_have_their_types() -> None:
    score = score_of(midi([]))
    assert score.track.dtype == score.handle.dtype == np.int64
    assert score.track.shape == score.handle.shape == (0,)
