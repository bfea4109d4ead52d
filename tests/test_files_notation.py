"""MusicXML and ABC: what is read, what is refused before music21 sees it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from midi_pieces import rows

from arranger.files import FileError, Score, Track, read_bytes
from arranger.files.document import KEY, LYRIC, MARKER, TEMPO, decoded
from arranger.notes import Meter

_PITCH = "<pitch><step>{}</step><octave>{}</octave></pitch>"


def note(
    step: str = "C", octave: int = 4, duration: int = 2, extra: str = "", head: str = ""
) -> str:
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note>{head}{_PITCH.format(step, octave)}{length}{extra}</note>"


def xml(*bars: str, attributes: str = "", instrument: str = "", doctype: str = "") -> bytes:
    measures = "".join(
        f'<measure number="{i}">'
        + (f"<attributes><divisions>2</divisions>{attributes}</attributes>" if i == 1 else "")
        + f"{bar}</measure>"
        for i, bar in enumerate(bars, 1)
    )
    return (
        f'<?xml version="1.0"?>{doctype}<score-partwise version="4.0">'
        "<work><work-title>Air</work-title></work>"
        '<part-list><score-part id="P1"><part-name>Voice</part-name>'
        f'{instrument}</score-part></part-list><part id="P1">{measures}</part></score-partwise>'
    ).encode()


def packed(content: bytes, name: str = "score.xml", container: bool = True) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if container:
            root = f'<container><rootfiles><rootfile full-path="{name}"/></rootfiles></container>'
            archive.writestr("META-INF/container.xml", root)
        archive.writestr(name, content)
    return out.getvalue()


def score_of(data: bytes, suffix: str = ".musicxml") -> Score:
    return read_bytes(data, suffix, "air" + suffix)


def test_notes_chords_graces_and_voices_are_read() -> None:
    grace = note("D", duration=0, head="<grace/>", extra="<type>eighth</type>")
    second = "<backup><duration>4</duration></backup>" + note("E", 3, 4, "<voice>2</voice>")
    score = score_of(xml(grace + note() + note() + note("G", head="<chord/>") + second))
    assert [row[:3] for row in rows(score)] == [
        (0, 62, 0), (0, 52, 960), (0, 60, 480), (480, 60, 480), (480, 67, 480),
    ]  # fmt: skip
    assert score.tracks == (Track("Voice", score.tracks[0].program),)
    assert score.document.title == "Air"


def test_tied_notes_are_one_note() -> None:
    begin, both, end = (
        "".join(f'<tie type="{kind}"/>' for kind in kinds)
        for kinds in (["start"], ["stop", "start"], ["stop"])
    )
    score = score_of(
        xml(note(duration=8, extra=begin), note(duration=8, extra=both), note(extra=end))
    )
    assert rows(score) == [(0, 60, 4320, 64)]


def test_a_transposing_instrument_is_read_as_it_sounds() -> None:
    transpose = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    assert rows(score_of(xml(note(), attributes=transpose))) == [(0, 58, 480, 64)]


def test_meter_key_tempo_marks_and_words_are_read() -> None:
    attributes = (
        "<key><fifths>-3</fifths><mode>minor</mode></key>"
        "<time><beats>3</beats><beat-type>4</beat-type></time>"
    )
    tempo = (
        "<direction><direction-type><metronome><beat-unit>half</beat-unit><per-minute>50"
        '</per-minute></metronome></direction-type><sound tempo="100"/></direction>'
        "<direction><direction-type><rehearsal>B</rehearsal></direction-type></direction>"
    )
    words = [
        f"<lyric><syllabic>{kind}</syllabic><text>{text}</text></lyric>"
        for kind, text in (("begin", "al"), ("end", "le"), ("single", "Welt"))
    ]
    score = score_of(xml(tempo + "".join(note(extra=w) for w in words), attributes=attributes))
    document = score.document
    assert score.notes.meters == (Meter(0, 3, 4),)
    assert list(document.metas(KEY)) == [(0, b"\xfd\1")]
    assert list(document.metas(TEMPO)) == [(0, (600_000).to_bytes(3))]
    assert list(document.metas(MARKER)) == [(0, b"B")]
    assert [(tick, decoded(text)) for tick, text in document.metas(LYRIC)] == [
        (0, "al-"), (480, "le"), (960, "Welt"),
    ]  # fmt: skip


def test_a_pickup_has_a_meter_of_its_own() -> None:
    time = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    score = score_of(xml(note(), *[note(duration=8)] * 2, attributes=time))
    assert score.notes.meters == (Meter(0, 1, 4), Meter(480, 4, 4))
    assert [score.notes.bar_number(tick) for tick in score.notes.onset.tolist()] == [1, 2, 3]


def test_repeats_are_kept_as_written_with_a_warning() -> None:
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    score = score_of(xml(note(duration=8) + repeat))
    assert len(score.notes) == 1
    assert score.warnings == ("repeats are kept as written, not played out",)


def test_triplets_and_septuplets_have_whole_ticks() -> None:
    def tuplet(count: int, of: int) -> str:
        ratio = f"<actual-notes>{count}</actual-notes><normal-notes>{of}</normal-notes>"
        extra = f"<type>eighth</type><time-modification>{ratio}</time-modification>"
        return "".join(note(duration=420 // count * of // 4, extra=extra) for _ in range(count))

    data = xml(tuplet(3, 2) + tuplet(7, 4)).replace(b"<divisions>2<", b"<divisions>210<")
    score = score_of(data)
    assert score.notes.resolution % 21 == 0
    offsets = score.notes.offset.tolist()
    assert offsets[:-1] == score.notes.onset.tolist()[1:]


def test_unpitched_notes_are_drums() -> None:
    listed = (
        '<score-instrument id="I"><instrument-name>Kick</instrument-name></score-instrument>'
        '<midi-instrument id="I"><midi-unpitched>37</midi-unpitched></midi-instrument>'
    )
    drum = (
        "<note><unpitched><display-step>F</display-step><display-octave>4</display-octave>"
        '</unpitched><duration>2</duration><instrument id="I"/></note>'
    )
    score = score_of(xml(drum, instrument=listed))
    assert len(score.notes) == 0
    assert [track.is_drum for track in score.tracks] == [True]


@pytest.mark.parametrize("container", [True, False])
def test_mxl_is_unpacked(container: bool) -> None:
    assert rows(score_of(packed(xml(note()), container=container), ".mxl")) == [(0, 60, 480, 64)]


def test_a_doctype_without_entities_is_no_harm() -> None:
    doctype = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "x.dtd">'
    )
    assert len(score_of(xml(note(), doctype=doctype)).notes) == 1


def _bomb(count: int = 9) -> bytes:
    entities = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(count))
    return xml("&e9;", doctype=f'<!DOCTYPE score-partwise [<!ENTITY e0 "lol">{entities}]>')


def _mxl_bomb() -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("score.xml", "w") as member,
    ):
        for _ in range(100):
            member.write(b" " * 1_000_000)
    return out.getvalue()


def _false_size() -> bytes:
    """An archive whose directory says that its score is small."""
    data = packed(b" " * 30_000_000)
    return data.replace((30_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))


def _bzip2() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("score.xml", b" " * 1000)
    return out.getvalue()


_EXTERNAL = xml(
    "&x;", doctype='<!DOCTYPE score-partwise [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize(
    ("data", "suffix", "fault"),
    [
        (b"", ".xml", "the file is empty"),
        (b"no music", ".xml", "not well-formed XML"),
        (xml(note())[:-30], ".xml", "not well-formed XML"),
        (b"<html/>", ".xml", "its root is <html>, expected <score-partwise>"),
        (_bomb(), ".musicxml", "declares XML entities"),
        (_bomb().decode().encode("utf-16"), ".musicxml", "declares XML entities"),
        (_EXTERNAL, ".musicxml", "declares XML entities"),
        (b"<score-partwise>" + b"<a>" * 100, ".xml", "elements or 50 levels"),
        (xml("<note/>" * 30_001), ".xml", "more than 30,000 notes"),
        (xml(*[""] * 2_001), ".xml", "more than 2,000 bars"),
        (b" " * 16_000_001, ".musicxml", "larger than 16 MB"),
        (b"PK\3\4 and no more", ".mxl", "not a readable .mxl archive"),
        (_mxl_bomb(), ".mxl", "unpacks to more than 16 MB"),
        (_false_size(), ".mxl", "air.mxl"),
        (_bzip2(), ".mxl", "packed in a way that .mxl does not allow"),
        (packed(b"", "notes.txt", container=False), ".mxl", "holds no score"),
        (b"P" * 5_000_001, ".mxl", "at most 5,000,000"),
        (b"X:1\nT:no key\n", ".abc", "not an ABC file"),
        (b"X:1\nK:C\n" + b"C" * 20_000, ".abc", "at most 20,000 are read"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_hostile_or_broken_notation_is_refused(data: bytes, suffix: str, fault: str) -> None:
    with pytest.raises(FileError, match=rf"^air\{suffix}: [^\n]*"):
        score_of(data, suffix)
    with pytest.raises(FileError, match=fault):
        score_of(data, suffix)


ABC = """X:1
T:First
C:Trad
M:3/4
L:1/8
Q:1/4=90
K:D
D | F2 {g}A2 [df]2 | (3ABc d4 :|
"""


def test_abc_is_read() -> None:
    score = score_of(ABC.encode(), ".abc")
    found: list[Any] = [row[:3] for row in rows(score)]
    assert found == [
        (0, 62, 240), (240, 66, 480), (720, 79, 0), (720, 69, 480), (1200, 74, 480),
        (1200, 78, 480), (1680, 69, 160), (1840, 71, 160), (2000, 73, 160), (2160, 74, 960),
    ]  # fmt: skip
    assert score.document.title == "First"
    assert list(score.document.metas(KEY)) == [(0, b"\2\0")]
    assert score.notes.meters[:2] == (Meter(0, 1, 8), Meter(240, 3, 4))
    assert score.warnings == ("repeats are kept as written, not played out",)


def test_of_several_tunes_the_first_is_read_and_the_others_are_counted() -> None:
    tunes = ABC.replace(":|", "|")
    score = score_of((tunes + "\n" + tunes + "\n" + tunes).encode(), ".abc")
    assert len(score.notes) == 10
    assert score.warnings == ("the file holds 3 tunes, of which only the first was read",)
