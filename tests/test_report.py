"""The report: what it says of rows, and that the one in docs/ says what the rows say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from arranger.ensembles import CONFIGS
from evaluation.ablations import ABLATIONS, PREFIX
from evaluation.charts import plot_confusions, plot_spread
from evaluation.generation.results import load_rows
from evaluation.goals import GOALS
from evaluation.measuring import CORPORA
from evaluation.others import OTHERS
from evaluation.report import render, write_report
from evaluation.results import Key, Results, Row, Seeds, load_results, save_results
from training.configuration import load_run

ROOT = Path(__file__).parent.parent


def row(model: str, mode: str, hints: str = "none", split: str = "test", **metrics: float) -> Row:
    """A row with every metric that a report shows; two parts of ten notes each."""
    names = "accuracy balanced_accuracy macro_f1 soundness completeness link_f1 avc perfect_pieces"
    shares = dict.fromkeys([*names.split(), "matched_accuracy"], metrics.get("accuracy", 0.5))
    counts = {"pieces": 2, "notes": 20, "range_violations": 0, "polyphony_violations": 1}
    shapes = {"confusion": [[9, 1], [1, 9]], "deciles": [0.4, *[0.5] * 9, 0.6]}
    found = {**counts, **shares, "ece": 0.01, "seconds": 1.0, **shapes, **metrics}
    return Row(Key(model, split, mode, hints), "c0ffee", "beef", found)


def everything(ensemble: str, *found: Row | Seeds) -> list[Results]:
    return [Results(name).plus(*found) if name == ensemble else Results(name) for name in CORPORA]


def test_goals_are_met_missed_or_not_measured() -> None:
    text = render(
        everything(
            "game",
            row("game-live", "live", accuracy=0.57, matched_accuracy=0.93),
            row("game-live", "stage", accuracy=0.54, ece=0.5),
            row("game-live", "live", "entry", accuracy=0.83),
            row("game-offline", "offline", accuracy=0.57, ece=0.04),
        )
    )
    assert "| live, hints none | 50.22 | 50.2 | 57.00 | 56.0 | 65.0 | met |" in text
    assert "| live, hints entry | 62.11 | 62.6 | 83.00 | 70.0 | 82.0 | aim met |" in text
    assert "| offline, hints none | 52.93 | 50.5 | 57.00 | 58.0 | 68.0 | missed |" in text
    assert "| chord-live, hints none | – | – | – | 58.0 | 68.0 | not measured |" in text
    assert "best matching of parts | – | – | 93.00 | 85.0 | 93.0 | aim met |" in text
    assert "| largest calibration error of the defaults | – | – | 0.040 | ≤ 0.03 | – |" in text
    assert "| points from live to stage, hints none | – | – | 3.00 | ≤ 2.0 | – | missed |" in text


def test_runs_of_several_seeds_stand_for_the_one_that_is_shipped() -> None:
    seeds = Seeds.of(Key("pop-live", "test", "live", "none"), {"c0ffee": 0.7, "a": 0.72})
    text = render(everything("pop", row("pop-live", "live", accuracy=0.7), seeds))
    assert "| live, hints none | 74.14 | 57.2 | 71.00 ± 1.41 | 68.0 | 78.0 | met |" in text
    assert "| pop-live | live | 2 | 71.00 ± 1.41 (74.14; 57.2) | – (74.19) |" in text


def test_published_numbers_stand_beside_ours_and_models_in_their_order() -> None:
    text = render(
        everything(
            "quartet",
            row("zone", "live", accuracy=0.58),
            row("most-common", "live", accuracy=0.3),
            row("quartet-bilstm-offline", "offline", accuracy=0.75),
            row("quartet-live", "live", accuracy=0.7),
            row("quartet-offline", "offline", "both", "test_as_published", accuracy=0.81),
            row("quartet-offline", "offline", "both", accuracy=0.85),
        )
    )
    assert "all 57 MusicNet pieces; their works are not in the training set (2 pieces, 20" in text
    start = text.index("### Accuracy: all 57")
    lines = [line for line in text[start:].splitlines() if line.startswith("| ")][1:7]
    models = ["quartet-offline", "quartet-live", "quartet-bilstm-offline"]
    models += ["most-common", "zone", "LSTM"]
    assert [line.split()[1] for line in lines] == models
    assert lines[1].startswith("| quartet-live | live | 1 | 70.00 (67.43; 79.1) | – (62.64; 73.8)")
    assert lines[4].startswith("| zone | live | 1 | 58.00 (58.85; 56.9) |")
    assert "| – | 81.00 |" in text and "| – | 85.00 |" in text


def test_corrections_and_every_metric_are_shown() -> None:
    corrected = {"0.0": 0.9, "0.02": 0.956}
    counts = {"pieces": 2, "notes": 20, "corrected": corrected, "seconds": 1.0}
    done = Row(Key("game-offline", "test", "corrections", "none"), "a", "b", counts)
    text = render(everything("game", done, row("game-offline", "offline", accuracy=0.9)))
    assert "| game-offline | test (2) | none | 90.00 | 95.60 |" in text
    assert "on the rest after 2 % corrected | – | – | 95.60 | – | 95.0 | aim met |" in text
    assert "game: 2 pieces, 20 notes\nmodel " in text
    assert "game-offline  offline  none   90.00" in text


def test_ablations_are_shown_when_they_have_been_run_and_are_no_models_otherwise() -> None:
    assert "These runs have not been made." in render(everything("chorale"))
    key = Key("ablation-lstm-live-timeless", "test", "live", "none")
    text = render(everything("chorale", Seeds.of(key, {"a": 0.8}), row("chorale-live", "live")))
    assert "| ablation-lstm-live-timeless | without any time | 1 | 80.00 | – |" in text
    assert "| ablation-lstm-live-unhinted | never given hints | not run | – | – |" in text
    assert text.count("ablation-lstm-live-timeless") == 1


def test_the_ablations_that_can_be_trained_are_those_that_are_shown() -> None:
    shown = {model for rows in ABLATIONS.values() for model, _ in rows}
    configs = sorted((CONFIGS / "ablations").glob("*.yaml"))
    assert {load_run(path).name for path in configs} == {n for n in shown if n.startswith(PREFIX)}
    for path in configs:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert (path.parent / said["like"]).parent.resolve() == CONFIGS / "published"
        assert set(said) in ({"like", "name", "model"}, {"like", "name", "variation"})


def test_every_ensemble_that_is_reported_has_goals() -> None:
    assert GOALS.keys() == CORPORA.keys()


def test_the_report_in_docs_says_what_the_rows_say() -> None:
    rendered = render(
        [load_results(ensemble) for ensemble in CORPORA],
        load_rows(),
        [load_results(ensemble) for ensemble in OTHERS],
    )
    assert (ROOT / "docs" / "RESULTS.md").read_text(encoding="utf-8") == rendered


def test_a_report_without_corpora_tells_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "docs" / "RESULTS.md"
    write_report(path, tmp_path, tmp_path / "rows")
    said = capsys.readouterr().err
    assert said.count("recorded rows kept; 0 of 0 rows are not of what is shipped") == 7
    save_results(Results("pop").plus(row("pop-live", "live")), tmp_path / "rows")
    write_report(path, None, tmp_path / "rows")
    assert capsys.readouterr().err == "pop: 1 of 1 rows are not of what is shipped\n"
    assert path.read_text(encoding="utf-8").count("not measured") > 20
    assert len(list((path.parent / "results").glob("*.png"))) == 2


def test_plots_show_what_has_been_measured(tmp_path: Path) -> None:
    confusion = [[5, 1, 0, 0], [0, 4, 0, 0], [0, 0, 3, 3], [0, 0, 0, 4]]
    one = row("chorale-offline", "offline")
    full = Row(one.key, "a", "b", {**one.metrics, "confusion": confusion})
    for name, plot in (("spread", plot_spread), ("confusions", plot_confusions)):
        plot(everything("chorale"), tmp_path / f"{name}-empty.png")
        plot(everything("chorale", full), tmp_path / f"{name}.png")
        drawn = (tmp_path / f"{name}.png").read_bytes()
        assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
        assert drawn != (tmp_path / f"{name}-empty.png").read_bytes()
