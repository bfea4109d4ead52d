from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import arranger
from arranger import checkpoints
from arranger.checkpoints import save
from arranger.cli import main
from arranger.ensembles import CONFIGS
from arranger.files import read
from arranger.jobs import OUTPUTS
from tests.models import tiny_checkpoint
from tests.music import CHORALE, write_chorale, write_midi

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny checkpoint for each mode, named as the shipped ones are."""
    folder = tmp_path_factory.mktemp("models")
    for view, mode in (("piece", "offline"), ("note", "live"), ("chord", "chord-live")):
        checkpoint = tiny_checkpoint(view)
        save(folder / f"chorale-{mode}", checkpoint.card, checkpoint.weights)
    return folder


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    return write_chorale(tmp_path / "piece.mid")


@pytest.fixture(autouse=True)
def _the_tiny_models_are_shipped(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PRETRAINED", models)


def arrange(*arguments: str | Path) -> int:
    return main(["arrange", *map(str, arguments)])


def notes_in(path: Path) -> Counter[tuple[int, ...]]:
    """Its notes, times in 480ths of a quarter."""
    notes = read(path).notes
    scale = 480 // notes.resolution
    return Counter(
        zip(
            (notes.onset * scale).tolist(),
            notes.pitch.tolist(),
            (notes.duration * scale).tolist(),
            strict=True,
        )
    )


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> None:
    """The command ended with 2, one sentence on stderr that says ``words``, and nothing else."""
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.startswith("arranger: ")
    assert said.err.count("\n") == 1
    assert "Errno" not in said.err
    for word in words:
        assert word in said.err


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
    assert said.out == f"{source} -> {out}: no notes to arrange; all else was kept\n"
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


def test_a_model_for_another_ensemble_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path, models: Path
) -> None:
    duo = tmp_path / "duo.yaml"
    duo.write_text("name: duo\nparts: [{name: Up, program: 0}, {name: Down, program: 1}]\n")
    model = models / "chorale-offline"
    message = "model tiny-piece arranges for Soprano, Alto, Tenor, Bass, not for Up, Down"
    code = arrange(piece, "-o", tmp_path / "o.mid", "--ensemble", duo, "--model", model)
    refused(capsys, code, message)
    code = main(["evaluate", str(piece), "--ensemble", str(duo), "--model", str(model)])
    refused(capsys, code, message)


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
        pytest.skip("this file system knows no such name")
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


def test_the_shipped_models_are_listed_with_their_cards(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "chorale-chord-live  (chord-live; none; none)"
    assert main(["models", "chorale-live"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["name"], card["mode"], card["licence"]) == ("tiny-note", "live", "none")
    refused(capsys, main(["models", "choir"]), "no checkpoint 'choir'")
    monkeypatch.setattr(checkpoints, "PRETRAINED", tmp_path)
    assert main(["models"]) == 0
    assert capsys.readouterr().out.startswith("no checkpoint is shipped")


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"arranger {arranger.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["arrange"], ["arrange", "a.mid"], ["sing"]])
def test_a_command_that_is_not_whole_shows_how_it_is_used(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: arranger")


def test_references_are_measured_and_the_rows_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "references"
    (folder / "more").mkdir(parents=True)
    write_chorale(folder / "a.mid", seed=1)
    write_chorale(folder / "more" / "a.mid", seed=2)
    rows, plots = tmp_path / "new" / "rows.json", tmp_path / "plots"
    options = ["--json", str(rows), "--plot", str(plots), "--baselines", "--hints", "both"]
    assert main(["evaluate", str(folder), *options]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[0].startswith("chorale: 2 pieces, ")
    first, *others = json.loads(rows.read_text(encoding="utf-8"))
    wanted = (
        "model ensemble mode hints pieces notes accuracy balanced_accuracy macro_f1 soundness "
        "completeness link_f1 avc matched_accuracy perfect_pieces range_violations "
        "polyphony_violations ece seconds"
    )
    assert set(wanted.split()) <= first.keys()
    assert (first["model"], first["mode"], first["hints"]) == ("tiny-piece", "offline", "both")
    names = " ".join(row["model"] for row in others).lower()
    for baseline in ("common", "zone", "oracle", "closest", "mono", "mlp"):
        assert baseline in names
    assert len(list(plots.glob("*.png"))) == 3  # the confusion matrix, and each piece
    assert all(path.read_bytes().startswith(PNG) for path in plots.glob("*.png"))


@pytest.mark.parametrize("mode", ["live", "stage", "chord-live", "offline"])
def test_references_are_measured_in_every_mode(tmp_path: Path, piece: Path, mode: str) -> None:
    rows = tmp_path / "rows.json"
    assert main(["evaluate", str(piece), "--mode", mode, "--json", str(rows)]) == 0
    row = json.loads(rows.read_text(encoding="utf-8"))
    assert (row["mode"], row["pieces"], row["notes"]) == (mode, 1, len(read(piece).notes))
    assert 0 <= row["accuracy"] <= 1


def test_a_split_chooses_among_the_references(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("a", "b", "c")):
        write_chorale(tmp_path / f"{name}.mid", seed=seed)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"valid": ["a.mid"], "test": ["b.mid", "c.mid"], "train": 5}))
    assert main(["evaluate", str(tmp_path), "--split", "test"]) == 0
    assert capsys.readouterr().out.startswith("chorale: 2 pieces, ")
    for name in ("train", "reserved"):
        refused(capsys, main(["evaluate", str(tmp_path), "--split", name]), f"no split {name!r}")
    for text, fault in (("[]", "no split 'test'"), ("{", "not a JSON file")):
        split.write_text(text)
        code = main(["evaluate", str(tmp_path), "--split", "test"])
        refused(capsys, code, "split.json", fault)
    split.unlink()
    code = main(["evaluate", str(tmp_path), "--split", "test"])
    refused(capsys, code, "split.json: cannot be read")


def test_references_without_parts_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_midi(tmp_path / "piano.mid", {"Piano": [(0, 60, 24, 64)]})
    assert main(["evaluate", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    warning, error = said.err.splitlines()
    assert warning.startswith(f"warning: skipped: {path}: none of its tracks (Piano) is a part")
    assert error == f"arranger: {path}: no reference score for the ensemble chorale"


def test_what_cannot_be_measured_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path
) -> None:
    refused(capsys, main(["evaluate", str(tmp_path / "no.mid")]), "no.mid: there is no such file")
    code = main(["evaluate", str(piece), "--mode", "stage", "--model", "chorale-offline"])
    refused(capsys, code, "model tiny-piece is made for offline, not for live")
    refused(capsys, main(["evaluate", str(piece), "--json", str(tmp_path)]), str(tmp_path))
    refused(capsys, main(["evaluate", str(piece), "--plot", str(piece)]), str(piece))


def test_a_model_is_trained_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path
) -> None:
    for seed, name in enumerate(("a", "b")):
        write_chorale(tmp_path / f"{name}.mid", beats=6, seed=seed)
    split = {"train": ["a.mid"], "valid": ["b.mid"], "test": []}
    (tmp_path / "split.json").write_text(json.dumps(split))
    config = tmp_path / "tiny.yaml"
    config.write_text(
        "{name: tiny, mode: live, ensemble: chorale, data: made here, licence: none, "
        "model: {codes: {pitch: 4}, values: [timing], "
        "backbone: {kind: lstm, units: 4, layers: 1}}, "
        "variation: {}, training: {steps: 2, batch: 1}}"
    )
    run = tmp_path / "run"
    assert main(["train", str(config), "--data", str(tmp_path), "--out", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"checkpoint: {run}"
    assert arrange(piece, "-o", tmp_path / "o.mid", "--mode", "live", "--model", run) == 0
    capsys.readouterr()
    missing = tmp_path / "no"
    code = main(["train", str(config), "--data", str(missing), "--out", str(run)])
    refused(capsys, code, "split.json: cannot be read")
    code = main(["train", str(missing), "--data", str(tmp_path), "--out", str(run)])
    refused(capsys, code, "no: cannot be read")
    code = main(["train", str(config), "--data", str(tmp_path), "--out", str(piece)])
    refused(capsys, code, "piece.mid")


def test_the_command_runs_on_its_own(tmp_path: Path, piece: Path) -> None:
    model = checkpoints.PRETRAINED / "chorale-offline"
    command = [sys.executable, "-m", "arranger.cli", "arrange", str(piece), "--model", str(model)]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out.mid")],
        cwd=CONFIGS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
