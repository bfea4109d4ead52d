"""Plots of the results: what a table of means does not say.

How unequal the pieces of a test set are, and which parts are taken for which. Knows results.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from arranger.ensembles import load_ensemble

from .figures import new_figure, save_figure
from .goals import DEFAULT_MODES, default_key
from .results import Results, Row
from .rolls import INK

COLOURS = {"offline": "#31688e", "chord-live": "#35b779", "live": "#fda50f"}


def plot_spread(everything: Sequence[Results], path: Path) -> None:
    """Write a box for each test set and default model: the accuracies of its pieces."""
    from matplotlib.patches import Patch

    figure = new_figure(9.0, 4.2)
    axes = figure.add_axes((0.075, 0.1, 0.91, 0.78))
    boxes, places, shares, colours = [], [], [], []
    for n, results in enumerate(everything):
        for m, mode in enumerate(DEFAULT_MODES):
            row = default_row(results, mode)
            if row is not None:
                deciles = [100 * float(share) for share in row.metrics["deciles"]]
                boxes.append(
                    {
                        "whislo": deciles[0],
                        "q1": (deciles[2] + deciles[3]) / 2,
                        "med": deciles[5],
                        "q3": (deciles[7] + deciles[8]) / 2,
                        "whishi": deciles[10],
                    }
                )
                places.append(n + 0.26 * (m - 1))
                shares.append(100 * float(row.metrics["accuracy"]))
                colours.append(COLOURS[mode])
    if boxes:
        drawn = axes.bxp(
            boxes, positions=places, widths=0.2, showfliers=False, patch_artist=True,
            medianprops={"color": INK}, whiskerprops={"color": INK}, capprops={"color": INK},
        )  # fmt: skip
        for box, colour in zip(drawn["boxes"], colours, strict=True):
            box.set(facecolor=colour, edgecolor=INK)
        axes.plot(places, shares, "o", color="white", markeredgecolor=INK, markersize=5, zorder=5)
    axes.set_xticks(range(len(everything)), [results.ensemble for results in everything])
    axes.set_xlim(-0.5, len(everything) - 0.5)
    axes.set_ylabel("notes of a piece with the right part, %", color=INK)
    axes.grid(axis="y", alpha=0.3)
    axes.tick_params(labelcolor=INK)
    handles = [Patch(facecolor=colour, edgecolor=INK, label=m) for m, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), frameon=False)
    save_figure(figure, path)


def plot_confusions(everything: Sequence[Results], path: Path) -> None:
    """Write the confusion matrices of the offline defaults: rows true parts, in % of each."""
    figure = new_figure(3.4 * len(everything), 3.7)
    for n, results in enumerate(everything):
        axes = figure.add_subplot(1, len(everything), n + 1)
        axes.set_title(results.ensemble, color=INK)
        row = default_row(results, "offline")
        if row is None:
            axes.text(0.5, 0.5, "not measured", ha="center", color=INK)
            axes.set_axis_off()
            continue
        counts = np.array(row.metrics["confusion"], dtype=float)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(shares.shape):
            colour = "white" if shares[i, j] > 0.55 else INK
            text = f"{100 * shares[i, j]:.1f}"
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
        names = load_ensemble(results.ensemble).names
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.tick_params(length=0, labelcolor=INK)
    figure.supxlabel("predicted part", color=INK, fontsize=10)
    figure.supylabel("true part", color=INK, fontsize=10)
    figure.tight_layout()
    save_figure(figure, path)


def default_row(results: Results, mode: str) -> Row | None:
    """The row of the default model of ``mode`` on all test pieces, without hints."""
    return results.rows.get(default_key(results.ensemble, "test", mode, "none"))
