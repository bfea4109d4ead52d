from __future__ import annotations

import json
from pathlib import Path

import pytest

from arranger.jobs import OUTPUTS
from tests.commands import arrange, refused
from tests.music import write_chorale

pytestmark = pytest.mark.usefixtures("tiny_models_are_shipped")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("entries: {Oboe: 1}", "live", "hints.yaml: unknown part 'Oboe': the parts of chorale"),
        ("locks: {0: Oboe}", "offline", "hints.yaml: unknown part 'Oboe'"),
        ("locks: {x: Alto}", "offline", "hints.yaml: expected the number of a note to lock"),
        ("locks: {1.5: Alto}", "offline", "number of a note to lock, not 1.5"),
        ("locks: {5000: Alto}", "offline", "piece.mid: there is no note 5000 to lock"),
        ("locks: {-1: Alto}", "offline", "piece.mid: there is no note -1 to lock"),
        ("entries: {Alto: soon}", "offline", "hints.yaml: expected a number, not 'soon'"),
        ("mean_pitch: {Alto: .nan}", "offline", "hints.yaml: expected a number, not nan"),
        (
            "mean_pitch: {Alto: 1.0e+300}",
            "offline",
            "hints.yaml: a mean pitch is a MIDI number, 0 to 127, not 1e+300",
        ),
        ("entries: [Alto]", "offline", "hints.yaml: entries must map names to values"),
        ("entry: {Alto: 1}", "offline", "hints.yaml: expected only the keys entries"),
        ("entries: {", "offline", "hints.yaml: not a readable YAML file"),
    ],
)
def test_hints_that_cannot_be_followed_are_refused(
    tmp_path: Path,
    piece: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    mode: str,
    message: str,
) -> None:
    hints, out = tmp_path / "hints.yaml", tmp_path / "out.mid"
    hints.write_text(text)
    refused(capsys, arrange(piece, "-o", out, "--mode", mode, "--hints", hints), message)
    assert not out.exists()


HEADER = b"MThd\0\0\0\6"
BAD_FILES = {
    "empty.mid": (b"", "the file is empty"),
    "empty.json": (b"", "the file is empty"),
    "empty.musicxml": (b"", "the file is empty"),
    "text.mid": (b"Ode to Joy", "not a MIDI file"),
    "type2.mid": (HEADER + b"\0\2\0\1\0\x60", "format 2"),
    "smpte.mid": (HEADER + b"\0\1\0\1\xe7\x28", "SMPTE"),
    "division.mid": (HEADER + b"\0\1\0\1\0\0", "0 ticks a quarter"),
    "ff.mid": (
        HEADER + b"\0\1\0\1\0\x60MTrk" + (500_000).to_bytes(4) + b"\xff" * 500_000,
        "no notes could be recovered",
    ),
    "bad.json": (b"{", "not a JSON file"),
    "list.json": (b"[]", "not the JSON of a muspy.Music"),
    "bad.musicxml": (b"<score", "bad.musicxml"),
    "bad.mxl": (b"PK\3\4", "bad.mxl"),
    "picture.png": (PNG, ".png cannot be read"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    data, fault = BAD_FILES[name]
    source, out = tmp_path / name, tmp_path / "out.mid"
    source.write_bytes(data)
    refused(capsys, arrange(source, "-o", out), name, fault)
    assert not out.exists()


def test_what_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path
) -> None:
    out = tmp_path / "out.mid"
    refused(capsys, arrange(tmp_path / "no.mid", "-o", out), "no.mid: there is no such file")
    (tmp_path / "empty").mkdir()
    refused(capsys, arrange(tmp_path / "empty", "-o", out), "empty: no file with a suffix among")
    missing = tmp_path / "no.yaml"
    refused(capsys, arrange(piece, "-o", out, "--hints", missing), "no.yaml: cannot be read")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "choir"], "no checkpoint 'choir': shipped are chorale-chord-live, chorale-"),
        (["--ensemble", "choir"], "unknown ensemble 'choir': known are chorale"),
        (["--ensemble", "choir.yaml"], "choir.yaml: no such ensemble file"),
        (["--model", "chorale-live"], "model tiny-note is made for live, not for offline"),
        (["--model", "chorale-offline", "--mode", "live"], "made for offline, not for live"),
        (["--model", "chorale-chord-live", "--mode", "live"], "for chord-live, not for live"),
        (["--picture", "out.gif"], "out.gif: expected a suffix among .png"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    piece: Path,
    options: list[str],
    message: str,
) -> None:
    refused(capsys, arrange(piece, "-o", tmp_path / "out.mid", *options), message)
    assert not (tmp_path / "out.mid").exists()


@pytest.mark.parametrize("name", ["out.txt", "out", "out.mxl", "out.abc"])
def test_an_output_of_unknown_format_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path, name: str
) -> None:
    code = arrange(piece, "-o", tmp_path / name)
    refused(capsys, code, f"{name}: expected a suffix among .mid", ".musicxml", ".png")


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path, suffix: str
) -> None:
    refused(capsys, arrange(piece, "-o", piece / f"out{suffix}"), "piece.mid")
    taken = tmp_path / f"folder{suffix}"
    taken.mkdir()
    refused(capsys, arrange(piece, "-o", taken), f"folder{suffix}: cannot be written")


@pytest.mark.parametrize("option", ["--picture", "--report"])
def test_a_picture_or_report_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path, option: str
) -> None:
    taken = tmp_path / "folder.png"
    taken.mkdir()
    assert arrange(piece, "-o", tmp_path / "out.mid", option, taken) == 2
    said = capsys.readouterr().err
    assert said.startswith("arranger: ") and said.count("\n") == 1
    assert "folder.png" in said and "Errno" not in said


def test_a_folder_has_no_one_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path
) -> None:
    code = arrange(piece.parent, "-o", tmp_path / "out", "--picture", tmp_path / "p.png")
    refused(capsys, code, "p.png: a picture shows one piece")


def test_a_file_whose_name_is_no_text_is_arranged(tmp_path: Path) -> None:
    source = Path(str(tmp_path / "fl\udcffte.mid"))
    try:
        write_chorale(source)
    except (OSError, UnicodeError):
        pytest.skip("macOS and Windows refuse such a name, so there is no file to arrange")
    out, report = tmp_path / "out.mid", tmp_path / "report.json"
    assert arrange(source, "-o", out, "--report", report) == 0
    assert json.loads(report.read_text(encoding="utf-8"))["input"] == str(source)


def test_an_interrupted_command_says_so_and_ends_with_130(
    capsys: pytest.CaptureFixture[str], piece: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("arranger.jobs.read", interrupted)
    assert arrange(piece, "-o", piece.with_name("out.mid")) == 130
    assert capsys.readouterr().err == "arranger: stopped\n"
