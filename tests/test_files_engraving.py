"""Writing MusicXML: every note is on the page, where and as long as a page can show it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_pieces import DUO, arranged, midi, off, on, rows

from arranger.files import FileError, Score, read, read_bytes, write, write_bytes
from arranger.files.document import KEY, LYRIC, TEMPO, TRACK_NAME, decoded, meta

QUARTER = 480


def score_of(*notes: tuple[int, int, int], texts: Any = (), resolution: int = QUARTER) -> Score:
    """The score of notes given as onset, pitch and duration, each on a track of its own."""
    tracks = [[on(onset, p), off(onset + length, p)] for onset, p, length in notes]
    return read_bytes(midi(list(texts), *tracks, resolution=resolution), ".mid", "in.mid")


def page_of(score: Score, parts: list[int]) -> ElementTree.Element:
    return ElementTree.fromstring(write_bytes(".musicxml", score, arranged(score, parts), "out"))


def texts(page: ElementTree.Element, path: str) -> list[str | None]:
    return [element.text for element in page.iterfind(path)]


def placed(score: Score) -> Counter[tuple[str | None, float, int, float]]:
    """The notes by track name, in quarters."""
    resolution = score.notes.resolution
    return Counter(
        (score.tracks[track].name, onset / resolution, pitch, duration / resolution)
        for track, (onset, pitch, duration, _) in zip(
            score.track.tolist(), rows(score), strict=True
        )
    )


def placed_by_parts(
    score: Score, parts: list[int]
) -> Counter[tuple[str | None, float, int, float]]:
    resolution = score.notes.resolution
    return Counter(
        (DUO.names[part], onset / resolution, pitch, duration / resolution)
        for part, (onset, pitch, duration, _) in zip(parts, rows(score), strict=True)
    )


_NOTE = st.tuples(st.integers(0, 60), st.integers(20, 100), st.integers(0, 40))


@settings(max_examples=25, deadline=None)
@given(notes=st.lists(_NOTE, min_size=1, max_size=12), data=st.data())
def test_a_score_read_back_has_the_same_notes(notes: Any, data: st.DataObject) -> None:
    division = data.draw(st.sampled_from((4, 3, 6, 12)))
    meters = ((0, meta(0x58, b"\3\3\x18\x08")), (30, meta(0x58, b"\5\2\x18\x08")))
    score = score_of(*notes, texts=meters, resolution=division)
    parts = data.draw(st.lists(st.integers(0, 1), min_size=len(notes), max_size=len(notes)))
    written = write_bytes(".musicxml", score, arranged(score, parts), "out")
    again = read_bytes(written, ".musicxml", "out.musicxml")
    assert placed(again) == placed_by_parts(score, parts)


def test_unisons_that_both_last_over_a_bar_line_stay_apart() -> None:
    score = score_of(
        (19, 20, 6), (20, 20, 6), texts=[(0, meta(0x58, b"\3\3\x18\x08"))], resolution=4
    )
    written = write_bytes(".musicxml", score, arranged(score, [0, 0]), "out")
    again = read_bytes(written, ".musicxml", "out.musicxml")
    assert placed(again) == placed_by_parts(score, [0, 0])


def test_title_key_meter_tempo_and_lyrics_are_written_and_read_back(tmp_path: Path) -> None:
    piece = [
        (0, meta(TRACK_NAME, b"Duo <for> \xe9l\x07ise")),
        (0, meta(TEMPO, (500_000).to_bytes(3))),
        (0, meta(KEY, b"\xfe\1")),
        (0, meta(0x58, b"\3\2\x18\x08")),
        (1440, meta(KEY, b"\4\0")),
        (1680, meta(TEMPO, (750_000).to_bytes(3))),
    ]
    voice = [on(0, 70), off(480, 70), on(480, 68), off(2880, 68)]
    words = [(0, meta(LYRIC, b"Al-")), (0, meta(LYRIC, b"Two")), (480, meta(LYRIC, b"le"))]
    score = read_bytes(midi(piece, voice + words, [on(0, 90), off(480, 90)]), ".mid", "in.mid")
    write(tmp_path / "out.musicxml", score, arranged(score, [0, 1, 0]))
    again = read(tmp_path / "out.musicxml")
    document = again.document
    assert document.title == "Duo <for> élise"
    assert list(document.metas(TEMPO)) == [(t, m[2:]) for t, m in piece if m[1] == TEMPO]
    assert list(document.metas(KEY)) == [(t, m[2:]) for t, m in piece if m[1] == KEY]
    assert again.notes.meters == score.notes.meters
    assert [(t, decoded(text)) for t, text in document.metas(LYRIC)] == [
        (0, "Al-"), (0, "Two"), (480, "le"),
    ]  # fmt: skip
    assert placed(again) == placed_by_parts(score, [0, 1, 0])


def test_pitches_are_spelled_by_the_key_and_marked_where_the_key_does_not() -> None:
    flat = (0, meta(KEY, b"\xfe\0"))
    notes = [(k * 480, pitch, 480) for k, pitch in enumerate((70, 63, 66, 66, 65))]
    page = page_of(score_of(*notes, texts=[flat]), [0] * 5)
    part = page.find("part")
    assert part is not None
    spelled = [
        (pitch.findtext("step"), pitch.findtext("alter")) for pitch in part.iterfind(".//pitch")
    ]
    assert spelled == [("B", "-1"), ("E", "-1"), ("F", "1"), ("F", "1"), ("F", None)]
    marks = [note.findtext("accidental") for note in part.iterfind(".//note[pitch]")]
    assert marks == [None, None, "sharp", None, None]


def test_an_accidental_holds_to_the_end_of_its_bar() -> None:
    notes = [(0, 66, 480), (480, 65, 480), (960, 66, 480), (1440, 66, 960)]
    page = page_of(score_of(*notes), [0] * 4)
    marks = [note.findtext("accidental") for note in page.iterfind("part[1]//note[pitch]")]
    assert marks == ["sharp", "natural", "sharp", None, None]


def test_a_played_piece_is_shown_in_plain_values() -> None:
    notes = [(3, 60, 440), (485, 62, 225), (713, 64, 230), (958, 65, 470)]
    page = page_of(score_of(*notes), [0] * 4)
    types = [note.findtext("type") for note in page.iterfind("part[1]//note[pitch]")]
    assert types == ["quarter", "eighth", "eighth", "quarter"]


def test_a_note_too_short_for_the_page_is_shown_all_the_same() -> None:
    page = page_of(score_of((0, 60, 3), (483, 64, 2), (960, 65, 0)), [0] * 3)
    notes = page.findall("part[1]//note[pitch]")
    assert [note.find("grace") is not None for note in notes] == [False, False, True]


def test_parts_have_names_programs_and_clefs() -> None:
    page = page_of(score_of((0, 70, 480), (0, 40, 480)), [1, 0])
    assert texts(page, ".//part-name") == ["High", "Low"]
    assert texts(page, ".//midi-program") == ["74", "43"]
    assert texts(page, ".//clef/sign") == ["G", "F"]


def test_drums_have_a_staff_of_their_own() -> None:
    drums = [on(0, 36, 64, 9), off(480, 36, 64, 9)]
    score = read_bytes(midi([on(0, 60), off(480, 60)], drums), ".mid", "in.mid")
    page = page_of(score, [0])
    assert texts(page, ".//part-name") == ["High", "Low", "Drums"]
    assert texts(page, ".//midi-unpitched") == ["37"]
    again = read_bytes(ElementTree.tostring(page), ".xml", "out.xml")
    assert [track.is_drum for track in again.tracks] == [False, True]
    assert len(again.document.notes) == 2


def test_every_bar_of_every_voice_is_full() -> None:
    notes = [(0, 60, 2000), (100, 64, 300), (480, 67, 160), (640, 69, 1700), (700, 72, 0)]
    page = page_of(score_of(*notes, texts=[(0, meta(0x58, b"\7\3\x18\x08"))]), [0] * 5)
    for bar in page.iterfind(".//measure"):
        spans: Counter[str | None] = Counter()
        for note in bar.iterfind("note"):
            if note.find("chord") is None:
                spans[note.findtext("voice")] += int(note.findtext("duration", "0"))
        assert set(spans.values()) == {3360 * 7 // 2}


def test_a_bar_goes_back_to_its_start_between_two_voices_and_never_before_its_first() -> None:
    score = score_of((0, 60, 2 * QUARTER), (QUARTER, 64, 2 * QUARTER), (4 * QUARTER, 62, QUARTER))
    page = page_of(score, [0, 0, 0])
    for part in page.iterfind("part"):
        for measure in part.iterfind("measure"):
            at = 0
            for element in measure:
                duration = int(element.findtext("duration", "0"))
                if element.tag == "backup":
                    at -= duration
                elif element.tag == "note" and element.find("chord") is None:
                    at += duration
                assert at >= 0
    measures = page.findall("part[1]/measure")
    assert [len(measure.findall("backup")) for measure in measures] == [1, 0]


def test_an_empty_piece_is_a_bar_of_rest() -> None:
    page = page_of(score_of(), [])
    assert len(page.findall(".//rest")) == 2


@pytest.mark.parametrize(
    ("notes", "fault"),
    [
        ([(0, 60, 200_000_000)], "out: the piece has more than 20,000 bars, too many to be"),
        ([(15 * k, 60, 30_000) for k in range(200)], "High has more than 128 notes at once"),
        ([(480 * k, 60, 30_000_000) for k in range(60)], "High has notes tied over too many bars"),
    ],
    ids=["bars", "voices", "ties"],
)
def test_what_no_page_can_hold_is_refused(notes: Any, fault: str) -> None:
    score = score_of(*notes)
    with pytest.raises(FileError, match=fault):
        page_of(score, [0] * len(notes))
