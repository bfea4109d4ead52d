"""Pictures: arrangements as coloured piano rolls, and confusion matrices.

Knows arrangements and where bars begin. Does not know models, metrics or hints, and keeps no
state: every picture is its own matplotlib Figure, written by the Agg backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble

from .rolls import GIVEN, INK, Roll, System, draw_system, part_colours, systems

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pypianoroll import Multitrack

    from .runner import Report

IntArray = NDArray[np.int64]

DPI = 130
WIDTH = 13.0
"""Inches."""
MISTAKE = "#d4001a"


def as_multitrack(arrangement: Arrangement, name: str = "") -> Multitrack:
    """The arrangement as a pypianoroll Multitrack, one track a part, at the notes' resolution."""
    from pypianoroll import Multitrack, StandardTrack

    notes = arrangement.notes
    length = int(notes.offset.max(initial=0))
    tracks = []
    for k, part in enumerate(arrangement.ensemble.parts):
        roll = np.zeros((length, 128), dtype=np.uint8)
        for i in np.flatnonzero(arrangement.parts == k).tolist():
            roll[notes.onset[i] : notes.offset[i], notes.pitch[i]] = max(1, notes.velocity[i])
        tracks.append(StandardTrack(name=part.name, program=part.program, pianoroll=roll))
    return Multitrack(name=name, resolution=notes.resolution, tracks=tracks)


def piano_roll(arrangement: Arrangement, title: str, path: str | Path) -> None:
    """Write ``arrangement`` as a piano roll, each part in its colour.

    Time runs in bars, as many systems one below the other as the piece needs. Where parts share
    a pitch, they share the height of its row. The suffix of ``path`` gives the format.
    """
    _rolls([("", Roll(arrangement))], title, path)


def continuation(
    arrangement: Arrangement, given: NDArray[np.bool_], title: str, path: str | Path
) -> None:
    """Write the end of ``arrangement`` as a piano roll: the notes that were ``given`` (N,) grey,
    those that are new in the colours of their parts; from the system before the first of them."""
    if len(given) != len(arrangement.parts):
        raise ValueError(
            f"there must be an entry of given for each of the {len(arrangement.parts)} notes, "
            f"not {len(given)}"
        )
    roll = Roll(arrangement, given=np.flatnonzero(given))
    first = int(arrangement.notes.onset[~given].min(initial=np.iinfo(np.int64).max))
    lines = systems(roll)
    begun = sum(line.begin <= first for line in lines)
    _rolls([("", roll)], title, path, lines[max(0, begun - 2) :])


def comparison(
    reference: Arrangement, prediction: Arrangement, path: str | Path, title: str = ""
) -> None:
    """Write both above each other, system by system; wrong notes of the prediction stand out.

    Both must have the same notes, in the same order. The heading gives the accuracy.
    """
    if len(reference.parts) != len(prediction.parts):
        raise ValueError(
            f"reference and prediction must have the same notes, "
            f"not {len(reference.parts)} and {len(prediction.parts)}"
        )
    wrong = np.flatnonzero(reference.parts != prediction.parts)
    count = len(reference.parts)
    right = 1.0 if count == 0 else 1 - len(wrong) / count
    mistakes = "1 mistake" if len(wrong) == 1 else f"{len(wrong)} mistakes"
    heading = f"{title}   " if title else ""
    heading += f"{right:.2%} of {count} notes right, {mistakes}"
    rolls = [("reference", Roll(reference)), ("prediction", Roll(prediction, wrong))]
    _rolls(rolls, heading, path)


def confusion(counts: IntArray, ensemble: Ensemble, path: str | Path, title: str = "") -> None:
    """Write a confusion matrix (K, K): in each cell the share of its row and the count."""
    size = len(ensemble)
    if counts.shape != (size, size):
        raise ValueError(
            f"a confusion matrix of {ensemble.name} is {size} by {size}, not {counts.shape}"
        )
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    grid, left, top, rest = 1.05 * size, 1.45, 1.45, 0.25
    width, height = left + grid + rest, top + grid + rest
    figure = new_figure(width, height)
    axes = figure.add_axes((left / width, rest / height, grid / width, grid / height))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(size):
        for j in range(size):
            colour = "white" if shares[i, j] > 0.55 else INK
            faint = 0.35 if counts[i, j] == 0 else 1.0
            axes.text(
                j,
                i - 0.08,
                f"{shares[i, j]:.1%}",
                ha="center",
                va="center",
                color=colour,
                alpha=faint,
                fontsize=12,
                fontweight="bold",
            )
            axes.text(
                j,
                i + 0.2,
                f"{counts[i, j]:,}",
                ha="center",
                va="center",
                color=colour,
                alpha=faint,
                fontsize=9,
            )
    axes.set_xticks(range(size), ensemble.names)
    axes.set_yticks(range(size), ensemble.names)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0, labelcolor=INK)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted part", color=INK, labelpad=8)
    axes.set_ylabel("true part", color=INK, labelpad=8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    right = np.trace(counts) / max(1, counts.sum())
    note = f"{right:.2%} of {int(counts.sum()):,} notes right"
    axes.set_title(f"{title}\n{note}" if title else note, color=INK, fontsize=12, pad=14)
    save_figure(figure, path)


def plot_report(report: Report, folder: str | Path) -> list[Path]:
    """Write the confusion matrix of ``report`` and a comparison of each piece into ``folder``.

    Returns the paths: ``confusion.png``, then one named after each piece, in order.
    """
    folder, row = Path(folder), report.metrics
    paths = [folder / "confusion.png"]
    title = f"{row['model']}, {row['mode']}, hints: {row['hints']}"
    confusion(report.confusion, report.ensemble, paths[0], title)
    for result in report.results:
        path, again = folder / f"{result.name}.png", 2
        while path in paths:
            path, again = folder / f"{result.name} ({again}).png", again + 1
        answer = result.arrangement
        comparison(replace(answer, parts=result.truth), answer, path, result.name)
        paths.append(path)
    return paths


def _rolls(
    rolls: Sequence[tuple[str, Roll]],
    title: str,
    path: str | Path,
    lines: Sequence[System] | None = None,
) -> None:
    """All ``rolls`` of the same notes, one above the other in every system: those that are given,
    or all."""
    first = rolls[0][1]
    lines = lines or systems(first)
    panel = float(np.clip(0.066 * first.rows, 1.2, 3.6))
    left, right, top, bottom = 0.62 if len(rolls) == 1 else 0.78, 0.2, 0.95, 0.3
    gap, between = 0.42, 0.1
    block = len(rolls) * panel + (len(rolls) - 1) * between
    height = top + len(lines) * block + (len(lines) - 1) * gap + bottom
    figure = new_figure(WIDTH, height)
    figure.text(
        left / WIDTH,
        1 - 0.34 / height,
        title,
        fontsize=14,
        fontweight="bold",
        color=INK,
        va="center",
    )
    _legend(figure, [roll for _, roll in rolls], height, left)
    y = height - top
    for line in lines:
        for index, (label, roll) in enumerate(rolls):
            y -= panel
            width = (WIDTH - left - right) * line.fill
            axes = figure.add_axes((left / WIDTH, y / height, width / WIDTH, panel / height))
            draw_system(axes, roll, line, (width, panel), MISTAKE, numbers=index == 0)
            if label:
                _label(axes, label, width)
            y -= between
        y -= gap - between
    save_figure(figure, path)


def _label(axes: Axes, text: str, width: float) -> None:
    axes.text(
        -0.6 / width,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        rotation=90,
        fontsize=9,
        color=INK,
    )


def _legend(figure: Figure, rolls: Sequence[Roll], height: float, left: float) -> None:
    from matplotlib.patches import Patch

    ensemble = rolls[0].arrangement.ensemble
    colours = list(zip(ensemble.names, part_colours(len(ensemble)), strict=True))
    if any(len(roll.given) for roll in rolls):
        colours.insert(0, ("given", GIVEN))
    handles = [
        Patch(facecolor=colour, edgecolor=INK, linewidth=0.6, label=name)
        for name, colour in colours
    ]
    if any(len(roll.wrong) for roll in rolls):
        handles.append(Patch(facecolor="white", edgecolor=MISTAKE, linewidth=2, label="wrong"))
    figure.legend(
        handles=handles,
        loc="center left",
        ncols=len(handles),
        frameon=False,
        bbox_to_anchor=((left - 0.1) / WIDTH, 1 - 0.62 / height),
        fontsize=10,
        labelcolor=INK,
        handlelength=1.5,
        handleheight=0.8,
        columnspacing=1.6,
    )


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure, sizes in inches, that no window ever shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write ``figure``; its folder is made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
