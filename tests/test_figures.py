"""The pictures: what they show, and that drawing leaves nothing behind."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble, Part
from arranger.notes import Meter, NoteSequence
from evaluation import figures
from evaluation.figures import (
    MISTAKE,
    as_multitrack,
    comparison,
    confusion,
    continuation,
    piano_roll,
    plot_report,
)
from evaluation.rolls import GIVEN, PALETTE, Roll, bar_lines, lanes, part_colours, systems
from evaluation.runner import PieceResult, Report

DUO = Ensemble("duo", (Part("High", 73, 60, 84), Part("Low", 32, 36, 62)))


def arranged(
    rows: list[tuple[int, int, int]], parts: list[int], meters: tuple[Meter, ...] = ()
) -> Arrangement:
    notes, order = NoteSequence.from_rows([(*row, 64) for row in rows], meters=meters)
    return Arrangement(notes, DUO, np.array(parts, dtype=np.int64)[order], np.ones(len(rows)))


def melody(bars: int = 4) -> Arrangement:
    """A quarter note in each part on each beat."""
    rows = [(24 * i, pitch + i % 5, 24) for i in range(4 * bars) for pitch in (48, 70)]
    return arranged(rows, [1, 0] * (4 * bars))


def share_of(path: Path, colour: str) -> float:
    """The share of pixels of about ``colour``."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    wanted = np.array([round(255 * value) for value in to_rgb(colour)])
    return float(np.mean(np.abs(pixels - wanted).max(axis=2) < 12))


def test_a_continuation_shows_in_grey_what_was_given(tmp_path: Path) -> None:
    roll, path = melody(), tmp_path / "more.png"
    given = roll.notes.onset < 192
    continuation(roll, given, "half is new", path)
    half_grey, half_new = share_of(path, GIVEN), share_of(path, PALETTE[0])
    continuation(roll, np.ones(len(given), bool), "nothing is new", path)
    assert share_of(path, GIVEN) > 1.5 * half_grey > 0
    assert share_of(path, PALETTE[0]) < 0.5 * half_new
    with pytest.raises(ValueError, match="each of the 32 notes, not 3"):
        continuation(roll, np.ones(3, bool), "wrong", path)


def test_the_picture_of_a_continuation_begins_a_system_before_what_is_new(tmp_path: Path) -> None:
    long = melody(60)
    count = len(long.notes)
    heights = []
    for given in (0, count - 9):
        continuation(long, np.arange(count) < given, "long", tmp_path / "long.png")
        with Image.open(tmp_path / "long.png") as picture:
            heights.append(picture.height)
    assert heights[1] < 0.5 * heights[0]


def test_a_piano_roll_shows_each_part_in_its_colour_and_no_other(tmp_path: Path) -> None:
    piano_roll(melody(), "two voices", tmp_path / "roll.png")
    assert share_of(tmp_path / "roll.png", PALETTE[0]) > 0.01
    assert share_of(tmp_path / "roll.png", PALETTE[1]) > 0.01
    assert share_of(tmp_path / "roll.png", PALETTE[2]) == 0
    assert share_of(tmp_path / "roll.png", MISTAKE) == 0


def test_a_comparison_marks_mistakes_in_red_and_only_mistakes(tmp_path: Path) -> None:
    reference = melody()
    parts = reference.parts.copy()
    comparison(reference, reference, tmp_path / "right.png")
    assert share_of(tmp_path / "right.png", MISTAKE) == 0
    parts[5] = 1 - parts[5]
    wrong = Arrangement(reference.notes, DUO, parts, np.ones(len(parts)))
    comparison(reference, wrong, tmp_path / "wrong.png")
    one = share_of(tmp_path / "wrong.png", MISTAKE)
    assert one > 0
    wrong = Arrangement(reference.notes, DUO, 1 - reference.parts, np.ones(len(parts)))
    comparison(reference, wrong, tmp_path / "all.png")
    assert share_of(tmp_path / "all.png", MISTAKE) > 5 * one


def test_a_comparison_tells_the_accuracy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: drawn.append(figure))
    reference = melody(1)
    parts = reference.parts.copy()
    parts[0] = 1 - parts[0]
    wrong = Arrangement(reference.notes, DUO, parts, np.ones(len(parts)))
    comparison(reference, wrong, tmp_path / "never.png", "bwv 1")
    words = [text.get_text() for text in drawn[0].texts]
    assert words == ["bwv 1   87.50% of 8 notes right, 1 mistake"]
    legend = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert legend == ["High", "Low", "wrong"]
    labels = [text.get_text() for axes in drawn[0].axes for text in axes.texts]
    labels = [label for label in labels if label.isalpha()]
    assert labels == ["reference", "prediction"]


def test_arrangements_of_other_notes_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same notes, not 32 and 8"):
        comparison(melody(4), melody(1), tmp_path / "never.png")


def test_a_long_piece_is_broken_into_systems_that_cover_it_once() -> None:
    lines = systems(Roll(melody(50)))
    assert len(lines) > 4
    assert lines[0].begin == 0 and lines[-1].end == 50 * 96
    assert all(a.end == b.begin for a, b in pairwise(lines))
    assert [number for line in lines for _, number in line.bars] == list(range(1, 51))
    assert max(line.fill for line in lines) == 1.0
    assert len({line.end - line.begin for line in lines[:-1]}) == 1


def test_a_very_long_piece_stays_a_picture_of_reasonable_height() -> None:
    rows = [(24 * i, 60 + i % 12, 24) for i in range(20_000)]
    assert 20 <= len(systems(Roll(arranged(rows, [0] * len(rows))))) <= 25


def test_bars_follow_the_meter_and_agree_with_the_numbers_of_the_notes() -> None:
    meters = (Meter(0, 3, 4), Meter(0, 3, 4), Meter(144, 2, 4), Meter(200, 4, 4))
    piece = arranged([(0, 60, 24), (400, 60, 24)], [0, 0], meters)
    bars, beats = bar_lines(piece.notes)
    assert bars == [0, 72, 144, 192, 200, 296, 392, 488]
    assert [piece.notes.bar_number(tick) for tick in bars[:-1]] == list(range(1, 8))
    assert beats[:5] == [0, 24, 48, 72, 96]


def test_parts_that_share_a_pitch_share_its_row_the_first_on_top() -> None:
    piece = arranged([(0, 60, 48), (0, 60, 48), (48, 60, 24), (72, 64, 24)], [1, 0, 0, 1])
    bottom, height = lanes(piece.notes, np.array([1, 0, 0, 1]))
    assert height[0] == height[1] < 1
    assert bottom[1] == pytest.approx(bottom[0] + height[0])
    assert (bottom[2], height[2], bottom[3], height[3]) == (0, 1, 0, 1)


def test_the_first_eight_parts_have_colours_of_their_own_and_none_is_red() -> None:
    colours = part_colours(8)
    assert len(set(colours)) == 8
    red = np.array(to_rgb(MISTAKE))
    assert all(np.abs(np.array(to_rgb(colour)) - red).max() > 0.4 for colour in colours)
    assert len(set(part_colours(24))) == 24
    assert len(part_colours(30)) == 30
    assert part_colours(24)[:8] == colours


@pytest.mark.parametrize("rows", [[], [(0, 60, 0)], [(0, 0, 24), (7, 127, 0)], [(9_000, 60, 24)]])
def test_odd_pieces_are_drawn_too(rows: list[tuple[int, int, int]], tmp_path: Path) -> None:
    piece = arranged(rows, [0] * len(rows))
    piano_roll(piece, "odd", tmp_path / "odd.png")
    comparison(piece, piece, tmp_path / "odd comparison.png")
    with Image.open(tmp_path / "odd.png") as picture:
        assert picture.size[0] > 500


def test_a_confusion_matrix_shows_row_shares_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confusion(np.array([[1500, 500], [0, 0]]), DUO, tmp_path / "deep" / "confusion.png")
    assert (tmp_path / "deep" / "confusion.png").stat().st_size > 1000
    drawn: list[Figure] = []
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: drawn.append(figure))
    confusion(np.array([[1500, 500], [0, 0]]), DUO, tmp_path / "never.png", "a model")
    axes = drawn[0].axes[0]
    words = [text.get_text() for text in axes.texts]
    assert words[:4] == ["75.0%", "1,500", "25.0%", "500"]
    assert axes.get_title() == "a model\n75.00% of 2,000 notes right"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["High", "Low"]
    with pytest.raises(ValueError, match=r"duo is 2 by 2, not \(3, 3\)"):
        confusion(np.zeros((3, 3), dtype=np.int64), DUO, tmp_path / "never.png")


def test_a_multitrack_holds_every_note_in_the_track_of_its_part() -> None:
    multitrack = as_multitrack(melody(1), "a bar")
    assert [track.name for track in multitrack.tracks] == ["High", "Low"]
    assert [track.program for track in multitrack.tracks] == [73, 32]
    high = multitrack.tracks[0].pianoroll
    assert high.shape == (96, 128)
    assert (high > 0).sum() == 96
    assert high[:24, 70].tolist() == [64] * 24
    assert as_multitrack(arranged([], [])).tracks[0].pianoroll.shape == (0, 128)


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    piano_roll(melody(1), "quiet", tmp_path / "roll.svg")
    assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "roll.svg").read_text().lstrip().startswith("<?xml")


def test_the_pictures_of_a_report_are_named_after_its_pieces(tmp_path: Path) -> None:
    answer = melody(1)
    results = tuple(
        PieceResult(name, answer.parts, answer, 1.0, 0.0) for name in ("bwv 1", "bwv 2", "bwv 1")
    )
    row = {"model": "a model", "mode": "live", "hints": "none"}
    report = Report(row, DUO, results, np.diag([12, 12]))
    paths = plot_report(report, tmp_path / "plots")
    names = ["confusion.png", "bwv 1.png", "bwv 2.png", "bwv 1 (2).png"]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == sorted(names)
