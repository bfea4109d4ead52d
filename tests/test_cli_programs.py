from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import arranger
from arranger import checkpoints
from arranger.cli import main
from arranger.ensembles import CONFIGS
from arranger.files import read
from evaluation import results
from tests.commands import arrange, refused
from tests.music import write_chorale, write_midi

pytestmark = pytest.mark.usefixtures("tiny_models_are_shipped")
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_shipped_models_are_listed_with_their_cards(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "chorale-chord-live  (chord-live; none; none)"
    assert not any(line.startswith("  ") for line in lines)  # nothing measured of these
    accuracy = {"test": {"none": 0.98765}}
    monkeypatch.setattr(results, "accuracies_of", lambda checkpoint: accuracy)
    assert main(["models"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "  test: none 98.77 %"
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


def test_corrections_are_measured_offline_and_only_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], piece: Path
) -> None:
    rows = tmp_path / "rows.json"
    assert main(["evaluate", str(piece), "--corrections", "--json", str(rows)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-4:]] == ["0%", "1%", "2%", "5%"]
    row = json.loads(rows.read_text(encoding="utf-8"))
    assert row["corrected"]["0.0"] == row["accuracy"]
    code = main(["evaluate", str(piece), "--mode", "live", "--corrections"])
    refused(capsys, code, "corrections are made offline, not live")


def test_baselines_are_fitted_to_the_train_pieces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("a", "b", "c")):
        write_chorale(tmp_path / f"{name}.mid", beats=6, seed=seed)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["a.mid", "b.mid"], "valid": [], "test": ["c.mid"]}))
    out = tmp_path / "fitted"
    assert main(["fit", "--data", str(tmp_path), "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"baselines: {out}"
    fitted = json.loads((out / "baselines.json").read_text(encoding="utf-8"))
    assert fitted["trained_on"].startswith(f"the 2 train pieces of {tmp_path.name} (")


def test_runs_are_measured_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    data, rows = tmp_path / "data", tmp_path / "rows"
    (data / "chorales").mkdir(parents=True)
    write_chorale(data / "chorales" / "a.mid", beats=3)
    split = data / "chorales" / "split.json"
    split.write_text(json.dumps({"train": [], "valid": [], "test": ["a.mid"]}))
    common = ["--results", str(rows), "--workers", "1"]
    runs = [str(models / "chorale-offline"), str(tmp_path / "run")]
    checkpoint = checkpoints.load(runs[0])
    weights = {name: -array for name, array in checkpoint.weights.items()}
    checkpoints.save(Path(runs[1]), checkpoint.card, weights)
    assert main(["measure", *runs, "--data", str(data / "chorales"), *common]) == 0
    assert capsys.readouterr().out.count("tiny-piece test offline ") == 4
    path = tmp_path / "docs" / "RESULTS.md"
    assert main(["report", "--data", str(data), "-o", str(path), *common]) == 0
    said = capsys.readouterr()
    assert said.err.count("recorded rows kept") == 6
    assert "chorale-live test stage none: " in said.out
    text = path.read_text(encoding="utf-8")
    assert "| tiny-piece | offline | 2 | " in text
    assert "closest-pitch-mono" in text
    assert main(["report", "-o", str(path), *common]) == 0
    assert path.read_text(encoding="utf-8") == text
