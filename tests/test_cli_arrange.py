from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from arranger.files import read
from arranger.jobs import OUTPUTS
from tests.commands import arrange, notes_in
from tests.music import CHORALE, write_chorale, write_midi

pytestmark = pytest.mark.usefixtures("tiny_models_are_shipped")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("suffix", [".mid", ".midi", ".musicxml", ".xml", ".json"])
@pytest.mark.parametrize("mode", ["offline", "live", "chord-live"])
def test_a_file_is_arranged_into_every_format_in_every_mode(
    tmp_path: Path, piece: Path, suffix: str, mode: str
) -> None:
    out = tmp_path / "new" / "folder" / f"out{suffix}"
    assert arrange(piece, "-o", out, "--mode", mode) == 0
    assert notes_in(out) == notes_in(piece)
    assert {t.name for t in read(out).tracks} <= set(CHORALE.names)


def test_a_person_is_told_what_was_done_in_one_line(
    tmp_path: Path, piece: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mid"
    assert arrange(piece, "-o", out) == 0
    said = capsys.readouterr()
    notes, parts = read(out).reference(CHORALE)
    shares = ", ".join(f"{n} {(parts == k).sum()}" for k, n in enumerate(CHORALE.names))
    assert said.out == f"{piece} -> {out}: {len(notes)} notes ({shares})\n"
    assert said.err == ""


def test_a_picture_may_be_the_output_or_stand_beside_it(tmp_path: Path, piece: Path) -> None:
    beside, alone = tmp_path / "deep" / "beside.png", tmp_path / "alone.PNG"
    assert arrange(piece, "-o", tmp_path / "out.mid", "--picture", beside) == 0
    assert arrange(piece, "-o", alone) == 0
    assert beside.read_bytes().startswith(PNG)
    assert beside.read_bytes() == alone.read_bytes()


def test_a_report_says_for_programs_what_was_done(tmp_path: Path, piece: Path) -> None:
    out, path = tmp_path / "out.mid", tmp_path / "deep" / "report.json"
    assert arrange(piece, "-o", out, "--report", path) == 0
    report = json.loads(path.read_text(encoding="utf-8"))
    notes = read(piece).notes
    assert (report["input"], report["output"]) == (str(piece), str(out))
    assert (report["model"], report["ensemble"]) == ("tiny-piece", "chorale")
    assert report["notes"] == len(report["decisions"]) == len(notes)
    assert sum(report["parts"].values()) == len(notes)
    assert 0 < report["mean_confidence"] <= 1
    assert report["warnings"] == report["violations"] == []
    assert [d["pitch"] for d in report["decisions"]] == notes.pitch.tolist()
    written = Counter(d["part"] for d in report["decisions"])
    assert written == Counter({name: n for name, n in report["parts"].items() if n})


def test_rules_that_cannot_be_kept_are_told_by_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chord = [(96, pitch, 24, 64) for pitch in (48, 55, 60, 64, 72)]
    source = write_midi(tmp_path / "five.mid", {"Piano": chord})
    report = tmp_path / "report.json"
    assert arrange(source, "-o", tmp_path / "out.mid", "--report", report) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["  bar 2: 5 notes at once, 4 voices"]
    (violation,) = json.loads(report.read_text(encoding="utf-8"))["violations"]
    assert violation["reason"] == "bar 2: 5 notes at once, 4 voices"


def test_many_broken_rules_are_cut_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(24 * i, 127, 24, 64) for i in range(15)]
    source = write_midi(tmp_path / "high.mid", {"Piano": rows})
    assert arrange(source, "-o", tmp_path / "out.mid") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  and 5 more like these"


@pytest.mark.parametrize(
    "tracks", [{"Drums": [(0, 36, 24, 64)]}, {"Piano": []}, {}], ids=["drums", "silence", "nothing"]
)
@pytest.mark.parametrize("suffix", OUTPUTS)
def test_a_piece_with_nothing_to_arrange_passes_through(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tracks: dict[str, list[tuple[int, int, int, int]]],
    suffix: str,
) -> None:
    source = write_midi(tmp_path / "drums.mid", tracks)
    out = tmp_path / f"out{suffix}"
    assert arrange(source, "-o", out, "--report", tmp_path / "r.json") == 0
    said = capsys.readouterr()
    told, warning = said.out.splitlines()
    assert told == f"{source} -> {out}: no notes to arrange; all else was kept"
    assert warning.startswith("  warning: there is nothing to arrange: ")
    assert out.stat().st_size > 0
    if suffix == ".mid":
        assert len(read(out).document.notes) == len(tracks.get("Drums", []))
    assert json.loads((tmp_path / "r.json").read_text())["mean_confidence"] is None


def test_music_that_could_be_saved_is_arranged_with_a_warning(
    tmp_path: Path, piece: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.mid"
    short.write_bytes(piece.read_bytes()[:-40])
    assert arrange(short, "-o", tmp_path / "out.mid") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "notes (" in first
    assert second.startswith("  warning: the file ends")


def test_a_folder_becomes_a_folder_and_a_bad_file_in_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    write_chorale(source / "a.mid", seed=1)
    (source / "b.mid").write_bytes(b"no music")
    write_chorale(source / "deep" / "c.MID", seed=2)
    assert arrange(source / "a.mid", "-o", source / "a.json") == 0  # the same name again
    (source / "readme.txt").write_text("not read")
    capsys.readouterr()
    report = tmp_path / "report.json"
    assert arrange(source, "-o", out, "--report", report) == 2
    said = capsys.readouterr()
    assert said.err == (
        f"arranger: {source / 'b.mid'}: not a MIDI file (it does not begin with MThd)\n"
    )
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {"a.mid", "a.mid.mid", "deep/c.mid"} or written == {
        "a.mid",
        "a.json.mid",
        "deep/c.mid",
    }
    assert len(said.out.splitlines()) == 3
    assert notes_in(out / "deep" / "c.mid") == notes_in(source / "deep" / "c.MID")
    assert len(json.loads(report.read_text(encoding="utf-8"))) == 3


def test_the_report_of_a_folder_is_a_list_even_of_one(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_chorale(tmp_path / "in" / "a.mid")
    report = tmp_path / "report.json"
    assert arrange(tmp_path / "in", "-o", tmp_path / "out", "--report", report) == 0
    assert [r["model"] for r in json.loads(report.read_text())] == ["tiny-piece"]


def test_hints_are_taken_from_a_file(tmp_path: Path, piece: Path) -> None:
    hints = tmp_path / "hints.yaml"
    hints.write_text("entries: {S: 0}\nmean_pitch: {Bass: 50}\nlocks: {0: Soprano}\n")
    reports = []
    for extra in ([], ["--hints", str(hints)]):
        report = tmp_path / "r.json"
        assert arrange(piece, "-o", tmp_path / "out.mid", "--report", report, *extra) == 0
        reports.append(json.loads(report.read_text(encoding="utf-8"))["decisions"])
    assert reports[1][0]["part"] == "Soprano"
    assert reports[0] != reports[1]


def test_a_folder_is_shared_among_processes_and_comes_out_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(4):
        write_chorale(tmp_path / "in" / f"{seed}.mid", seed=seed)
    (tmp_path / "in" / "bad.mid").write_bytes(b"")
    said = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        assert arrange(tmp_path / "in", "-o", out, "--workers", workers) == 2
        said.append(capsys.readouterr().out.replace(out.name, "out"))
    assert said[0] == said[1]
    for seed in range(4):
        one, two = (tmp_path / f"out{workers}" / f"{seed}.mid" for workers in (1, 2))
        assert one.read_bytes() == two.read_bytes()


def test_alternatives_are_written_beside_the_result_and_differ(
    tmp_path: Path, piece: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert arrange(piece, "-o", tmp_path / "out.mid", "--alternatives", 3) == 0
    paths = [tmp_path / name for name in ("out.mid", "out-2.mid", "out-3.mid")]
    assert sorted(tmp_path.glob("out*.mid")) == sorted(paths)
    assert all(notes_in(path) == notes_in(piece) for path in paths)
    assert len({path.read_bytes() for path in paths}) == 3
    assert "out-2.mid: " in capsys.readouterr().out


def test_alternatives_of_what_is_not_known_yet_are_refused(
    tmp_path: Path, piece: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mid"
    assert arrange(piece, "-o", out, "--mode", "live", "--alternatives", 2) == 2
    assert "alternatives need the whole piece" in capsys.readouterr().err
    assert arrange(piece, "-o", out, "--alternatives", 0) == 2
