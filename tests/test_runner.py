"""The runner: reading references, scoring labellers and writing what came out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import arranger.files
from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble, Part
from arranger.files.score import FileError, Score, Track
from arranger.hints import Hints
from arranger.notes import NoteSequence
from evaluation.baselines import fit_baselines
from evaluation.pieces import Piece, read_references
from evaluation.runner import evaluate, evaluate_baselines, table, write_json

DUO = Ensemble("duo", (Part("High", 73, 60, 84), Part("Low", 32, 36, 62)))

SHARES = (
    *("accuracy", "balanced_accuracy", "macro_f1", "soundness", "completeness", "link_f1"),
    *("avc", "matched_accuracy", "perfect_pieces", "ece"),
)
COUNTS = ("pieces", "notes", "range_violations", "polyphony_violations")
ISSUE_KEYS = ("model", "ensemble", "mode", "hints", *COUNTS, *SHARES, "seconds")


def made_up(seed: int, count: int = 12) -> Piece:
    """Two voices in the same rhythm, far apart."""
    rng = np.random.default_rng(seed)
    rows, parts = [], []
    for i in range(count):
        rows += [(24 * i, 48 + int(rng.integers(6)), 24, 64)]
        rows += [(24 * i, 70 + int(rng.integers(6)), 24, 64)]
        parts += [1, 0]
    notes, order = NoteSequence.from_rows(rows)
    return Piece(f"made up {seed}", notes, np.array(parts)[order])


PIECES = [made_up(seed) for seed in range(4)]


@dataclass
class Recorder:
    """A labeller that gives everything but the last ``wrong`` notes to the right part."""

    wrong: int = 0
    name: str = "recorder"
    seen: list[tuple[int, Hints]] = field(default_factory=list)

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        self.seen.append((len(notes), hints))
        parts = (notes.pitch < 60).astype(np.int64)
        parts[len(notes) - self.wrong :] = 1 - parts[len(notes) - self.wrong :]
        return Arrangement(notes, DUO, parts, np.ones(len(notes)))


def test_a_report_has_every_metric_by_its_name() -> None:
    report = evaluate(Recorder(wrong=3), PIECES, "none", DUO, "live")
    row = report.metrics
    assert set(ISSUE_KEYS) <= set(row)
    assert all(0 <= row[key] <= 1 for key in SHARES)
    assert (row["model"], row["ensemble"], row["mode"], row["hints"]) == (
        "recorder",
        "duo",
        "live",
        "none",
    )
    assert (row["pieces"], row["notes"]) == (4, 96)
    assert row["accuracy"] == pytest.approx(1 - 12 / 96)
    assert row["ece"] == pytest.approx(12 / 96)
    assert row["seconds"] >= 0
    assert report.confusion.sum() == 96
    assert np.trace(report.confusion) == 84
    assert [len(result.mistakes) for result in report.results] == [3, 3, 3, 3]
    assert [result.name for result in report.results] == [piece.name for piece in PIECES]


@pytest.mark.parametrize(
    ("kind", "entries", "pitches"),
    [("none", 0, 0), ("entry", 2, 0), ("pitch", 0, 2), ("both", 2, 2)],
)
def test_a_labeller_gets_the_hints_that_are_named_and_no_others(
    kind: str, entries: int, pitches: int
) -> None:
    labeller = Recorder()
    evaluate(labeller, PIECES, kind, DUO, "offline")
    for _, hints in labeller.seen:
        assert (len(hints.entries), len(hints.mean_pitch), len(hints.locks)) == (
            entries,
            pitches,
            0,
        )


def test_pieces_are_labelled_whole() -> None:
    labeller = Recorder()
    evaluate(labeller, [made_up(0, count=3000)], "none", DUO, "offline")
    assert labeller.seen[0][0] == 6000


def test_twins_are_interchangeable_in_every_number() -> None:
    notes, _ = NoteSequence.from_rows([(0, 61, 24, 64), (0, 61, 24, 80), (24, 61, 24, 64)])
    piece = Piece("unison", notes, np.array([1, 0, 0]))

    class Swapped:
        name = "swapped"

        def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
            return Arrangement(notes, DUO, np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7]))

    report = evaluate(Swapped(), [piece], "none", DUO, "offline")
    for key in ("accuracy", "perfect_pieces", "link_f1", "soundness", "matched_accuracy"):
        assert report.metrics[key] == 1.0, key
    assert len(report.results[0].mistakes) == 0


def test_an_oracle_is_shown_the_reference_and_a_labeller_is_not() -> None:
    class Cheat:
        name = "cheat"

        def informed(self, notes: NoteSequence, parts: np.ndarray) -> Recorder:
            assert len(parts) == len(notes)
            return Recorder(name="cheat")

    assert evaluate(Cheat(), PIECES, "none", DUO, "oracle").metrics["accuracy"] == 1.0


def test_a_labeller_that_loses_notes_is_found_out() -> None:
    class Careless:
        name = "careless"

        def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
            return Arrangement(notes, DUO, np.zeros(3, dtype=np.int64), np.ones(3))

    with pytest.raises(ValueError, match="careless gave 3 parts for the 24 notes of made up 0"):
        evaluate(Careless(), PIECES, "none", DUO, "live")


def test_an_unknown_mode_and_no_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="live, stage, chord-live, offline, oracle, not 'fast'"):
        evaluate(Recorder(), PIECES, "none", DUO, "fast")
    with pytest.raises(ValueError, match="no piece to evaluate"):
        evaluate(Recorder(), [], "none", DUO, "live")


def test_all_baselines_are_reported_in_the_order_of_the_published_table() -> None:
    reports = evaluate_baselines(fit_baselines(PIECES, DUO), PIECES)
    assert [report.metrics["model"] for report in reports] == [
        "most-common",
        "zone",
        "zone-oracle",
        "closest-pitch",
        "closest-pitch-mono",
        "mlp",
    ]
    assert [report.metrics["hints"] for report in reports] == ["none"] * 3 + ["entry"] * 3
    assert reports[0].metrics["accuracy"] == 0.5
    assert all(report.metrics["accuracy"] == 1.0 for report in reports[1:5])


def test_the_table_is_aligned_and_shows_shares_in_percent() -> None:
    reports = [
        evaluate(Recorder(3, "a"), PIECES, "none", DUO, "live"),
        evaluate(Recorder(0, "a longer name"), PIECES, "entry", DUO, "chord-live"),
    ]
    lines = table([report.metrics for report in reports]).splitlines()
    assert lines[0] == "duo: 4 pieces, 96 notes"
    assert lines[3].split()[:4] == ["a", "live", "none", "87.50"]
    assert lines[4].startswith("a longer name  chord-live  entry  100.00")
    right_edges = [lines[i].index(cell) + len(cell) for i, cell in ((1, "acc"), (3, "87.50"))]
    assert right_edges == [lines[4].index("100.00") + len("100.00")] * 2
    assert len({len(line) for line in lines[1:]}) == 1


def test_one_report_is_written_as_an_object_and_several_as_a_list(tmp_path: Path) -> None:
    report = evaluate(Recorder(wrong=3), PIECES, "none", DUO, "live")
    write_json([report], tmp_path / "one.json")
    one = json.loads((tmp_path / "one.json").read_text())
    assert set(ISSUE_KEYS) <= set(one)
    assert one["parts"] == ["High", "Low"]
    assert np.sum(one["confusion"]) == 96
    assert one["per_piece"][0]["mistakes"] == 3
    write_json([report, report], tmp_path / "two.json")
    assert [row["accuracy"] for row in json.loads((tmp_path / "two.json").read_text())] == [
        0.875,
        0.875,
    ]


def stand_in(path: Path) -> Score:
    """A reader of a format of its own: a line "track onset pitch duration" a note."""
    text = Path(path).read_text()
    if text.startswith("broken"):
        raise FileError(f"{path}: broken")
    rows = [line.split() for line in text.splitlines()]
    names = sorted({row[0] for row in rows})
    notes, order = NoteSequence.from_rows(
        [(int(onset), int(pitch), int(length), 64) for _, onset, pitch, length in rows]
    )
    track = np.array([names.index(row[0]) for row in rows], dtype=np.int64)[order]
    warnings = ("one note was cut",) if "61" in text else ()
    tracks = tuple(Track(name, None) for name in names)
    return Score(notes, track, tracks, None, order, warnings)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(arranger.files, "read", stand_in, raising=False)
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.mid").write_text("High 0 70 24\nLow 0 40 24\nFlute 0 99 24\n")
    (tmp_path / "a.MID").write_text("High 0 72 24\nLow 24 40 24\n")
    (tmp_path / "deep" / "c.xml").write_text("High 0 61 24\n")
    (tmp_path / "deep" / "flutes.mid").write_text("Flute 0 70 24\n")
    (tmp_path / "split.json").write_text("broken and no score")
    (tmp_path / "deep" / "notes.txt").write_text("broken and no score")
    (tmp_path / "deep" / "z.mid").write_text("broken")
    return tmp_path


@pytest.fixture
def told() -> list[str]:
    return []


def test_folders_are_read_in_order_and_what_cannot_be_used_is_named(
    folder: Path, told: list[str]
) -> None:
    pieces = read_references([folder], DUO, warn=told.append)
    assert [piece.name for piece in pieces] == ["a", "b", "c"]
    assert pieces[1].notes.pitch.tolist() == [40, 70]
    assert pieces[1].parts.tolist() == [1, 0]
    assert len(told) == 3
    assert told[0].endswith("c.xml: one note was cut")
    assert "flutes.mid: none of its tracks (Flute) is a part of duo (High, Low)" in told[1]
    assert told[2].endswith("z.mid: broken")


def test_names_choose_among_the_files_and_must_all_be_found(folder: Path, told: list[str]) -> None:
    pieces = read_references([folder], DUO, names=["b.mid", "a"], warn=told.append)
    assert [piece.name for piece in pieces] == ["a", "b"]
    assert told == []
    with pytest.raises(ValueError, match="not found among the references: missing"):
        read_references([folder], DUO, names=["a", "missing"])


def test_a_broken_file_that_was_named_is_an_error(folder: Path) -> None:
    with pytest.raises(FileError, match="broken"):
        read_references([folder / "a.MID", folder / "deep" / "z.mid"], DUO)


def test_no_reference_at_all_is_an_error(folder: Path, told: list[str]) -> None:
    with pytest.raises(ValueError, match="no reference score for the ensemble duo"):
        read_references([folder / "deep" / "flutes.mid"], DUO, warn=told.append)


def test_of_many_files_without_a_reference_a_few_are_named(folder: Path, told: list[str]) -> None:
    files = [folder / "deep" / "flutes.mid"] * 5
    with pytest.raises(ValueError, match=r"flutes\.mid and 2 more: no reference score") as caught:
        read_references(files, DUO, warn=told.append)
    assert str(caught.value).count("flutes.mid") == 3


def test_warnings_go_to_the_error_stream_unless_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read_references([folder / "deep" / "c.xml"], DUO)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("warning: ")
    assert captured.err.count("\n") == 1


def test_progress_names_each_piece() -> None:
    lines: list[str] = []
    report: Callable[[str], None] = lines.append
    evaluate(Recorder(), PIECES[:2], "none", DUO, "live", report)
    assert lines == ["made up 0: 100.00%", "made up 1: 100.00%"]


def test_a_midi_file_is_read_as_a_reference(tmp_path: Path) -> None:
    import mido

    file = mido.MidiFile(ticks_per_beat=96)
    for name, pitch in (("low", 45), ("HIGH", 72), ("Drums", 40)):
        track = file.add_track(name)
        for _ in range(3):
            track.append(mido.Message("note_on", note=pitch, velocity=70))
            track.append(mido.Message("note_off", note=pitch, time=96))
    file.save(tmp_path / "real.mid")
    (only,) = read_references([tmp_path], DUO)
    assert only.name == "real"
    assert only.notes.resolution == 96
    assert only.notes.onset.tolist() == [0, 0, 96, 96, 192, 192]
    assert only.parts.tolist() == [1, 0] * 3
