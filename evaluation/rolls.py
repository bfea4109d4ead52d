"""The drawing of piano rolls: systems, rows, bars and notes on matplotlib axes.

Knows where bars begin, how a piece is broken into systems, and how a note looks. Does not know
pages, titles or files; ``figures`` puts systems on a page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.notes import Meter, NoteSequence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

IntArray = NDArray[np.int64]
Segments = list[tuple[tuple[float, float], tuple[float, float]]]

INK = "#22262e"
BLACK_KEY = "#f1f2f5"
GIVEN = "#c3c7cf"
BAR_LINE = "#8b93a3"
OCTAVE_LINE = "#b9bec8"
BEAT_LINE = "#dfe2e8"

PALETTE = (
    "#e69f00",  # orange
    "#56b4e9",  # sky blue
    "#009e73",  # bluish green
    "#3b4a9f",  # indigo
    "#cc79a7",  # reddish purple
    "#f0e442",  # yellow
    "#8c6d46",  # brown
    "#9aa0aa",  # grey
)
"""Told apart with any common colour vision (after Okabe and Ito, their red left for mistakes)."""

QUARTERS_A_SYSTEM = 32
MOST_SYSTEMS = 24
ROOM_FOR_A_NUMBER = 0.35
"""Inches."""

_SHARED = 0.75
"""Height, in rows, of each of the notes that share a row, as far as two rows allow."""


def part_colours(parts: int) -> list[str]:
    """A colour for each part; after the eighth they come again darker, then lighter, and repeat
    after the twenty-fourth."""
    return [_shade(PALETTE[k % len(PALETTE)], k // len(PALETTE) % 3) for k in range(parts)]


def _shade(colour: str, turn: int) -> str:
    """The colour as it is (0), towards black (1) or towards white (2)."""
    towards = np.array([0.0, 0.0, 1.0])[turn]
    share = np.array([0.0, 0.5, 0.6])[turn]
    return str(to_hex((1 - share) * np.array(to_rgb(colour)) + share * towards))


@dataclass(frozen=True)
class Roll:
    """An arrangement to draw; ``wrong`` are the notes to mark as mistakes, ``given`` those that are
    grey whatever their part."""

    arrangement: Arrangement
    wrong: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    given: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def low(self) -> int:
        return int(self.arrangement.notes.pitch.min(initial=127)) - 2 if self._any else 58

    @property
    def high(self) -> int:
        return int(self.arrangement.notes.pitch.max(initial=0)) + 2 if self._any else 74

    @property
    def rows(self) -> int:
        return self.high - self.low + 1

    @cached_property
    def lanes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where in its row each note lies, see ``lanes``."""
        return lanes(self.arrangement.notes, self.arrangement.parts)

    @property
    def _any(self) -> bool:
        return len(self.arrangement.notes) > 0


@dataclass(frozen=True)
class System:
    """One line of music: ``begin`` to ``end`` in ticks, ``fill`` of the width, its bar lines as
    (tick, bar number) and its beats as ticks.
    """

    begin: int
    end: int
    fill: float
    bars: tuple[tuple[int, int], ...]
    beats: tuple[int, ...]


def bar_lines(notes: NoteSequence) -> tuple[list[int], list[int]]:
    """The ticks at which bars and beats begin, up to and with the bar line that ends the piece."""
    end = int(notes.offset.max(initial=1))
    meters = [Meter(0, 4, 4), *sorted(notes.meters, key=lambda meter: meter.tick)]
    bars: list[int] = []
    beats: list[int] = []
    for i, meter in enumerate(meters):
        stop = meters[i + 1].tick if i + 1 < len(meters) else end
        beat = max(1, 4 * notes.resolution // max(1, meter.denominator))
        length = beat * max(1, meter.numerator)
        for tick in range(meter.tick, min(stop, end), length):
            bars.append(tick)
            beats.extend(range(tick, min(tick + length, stop if stop < end else end), beat))
    last = meters[-1] if meters[-1].tick < end else Meter(0, 4, 4)
    beat = max(1, 4 * notes.resolution // max(1, last.denominator))
    bars.append(max(end, bars[-1] + beat * max(1, last.numerator)))
    return bars, beats


def systems(roll: Roll) -> list[System]:
    """Break the piece into lines of whole bars, as even as whole bars allow, the last the rest."""
    notes = roll.arrangement.notes
    bars, beats = bar_lines(notes)
    total = bars[-1] - bars[0]
    count = min(-(-total // (QUARTERS_A_SYSTEM * notes.resolution)), MOST_SYSTEMS, len(bars) - 1)
    limit = total / count + int(np.diff(bars).max()) - 1
    edges = [0]
    for i in range(1, len(bars) - 1):
        if bars[i + 1] - bars[edges[-1]] > limit:
            edges.append(i)
    edges.append(len(bars) - 1)
    longest = max(bars[b] - bars[a] for a, b in pairwise(edges))
    lines = []
    for a, b in pairwise(edges):
        begin, end = bars[a], bars[b]
        inside = tuple(beat for beat in beats if begin <= beat < end)
        numbered = tuple((bars[i], i + 1) for i in range(a, b))
        lines.append(System(begin, end, (end - begin) / longest, numbered, inside))
    return lines


def lanes(notes: NoteSequence, parts: IntArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in its row each note lies: the bottom and the height, (N,) each; alone, 0 and 1.

    Notes that sound together at one pitch share its row, the first part on top, and all of them
    together take a little more than the row, so that each can be seen.
    """
    bottom, height = np.zeros(len(notes)), np.ones(len(notes))
    for pitch in np.unique(notes.pitch):
        cluster: list[int] = []
        until = -1
        for i in [*np.flatnonzero(notes.pitch == pitch).tolist(), -1]:
            if i >= 0 and cluster and notes.onset[i] < until:
                cluster.append(i)
                until = max(until, int(notes.offset[i]))
                continue
            ranked = sorted(cluster, key=lambda j: (-int(parts[j]), j))
            for rank, j in enumerate(ranked):
                room = 1.0 if len(ranked) == 1 else min(_SHARED * len(ranked), 2.0)
                height[j] = room / len(ranked)
                bottom[j] = (1 - room) / 2 + rank * height[j]
            cluster, until = [i], int(notes.offset[i])
    return bottom, height


def draw_system(
    axes: Axes, roll: Roll, line: System, inches: tuple[float, float], red: str, numbers: bool
) -> None:
    """One system of ``roll`` on ``axes``, which are ``inches`` wide and high."""
    from matplotlib.collections import PathCollection

    _paper(axes, roll, line, inches, numbers)
    notes, parts = roll.arrangement.notes, roll.arrangement.parts
    begins_here = (notes.onset >= line.begin) & (notes.onset < line.end)
    shown = np.flatnonzero(begins_here | (notes.onset < line.begin) & (notes.offset > line.begin))
    bottom, height = roll.lanes
    tick, row = (line.end - line.begin) / inches[0], roll.rows / inches[1]  # per inch
    colours = part_colours(len(roll.arrangement.ensemble))
    right_ones, wrong_ones = _Bars([], []), _Bars([], [])
    wrong, given = set(roll.wrong.tolist()), set(roll.given.tolist())
    for i in shown.tolist():
        left = max(float(notes.onset[i]), line.begin)
        right = max(min(float(notes.offset[i]), line.end) - 0.015 * tick, left + 0.03 * tick)
        low = float(notes.pitch[i]) - 0.5 + bottom[i] + 0.02
        bars = wrong_ones if i in wrong else right_ones
        bars.paths.append(
            _rounded(left, right, low, low + height[i] - 0.04, 0.03 * tick, 0.03 * row)
        )
        bars.colours.append(GIVEN if i in given else colours[int(parts[i])])
    right_ones.draw(axes, 3)
    for colour, width in ((red, 5.0), ("white", 2.2)):  # a red ring around a white one
        rings = PathCollection(wrong_ones.paths, facecolors=colour, edgecolors=colour)
        rings.set(linewidths=width, zorder=4)
        axes.add_collection(rings, autolim=False)
    wrong_ones.draw(axes, 5)


class _Bars(NamedTuple):
    """Notes as bars, and the colour of each."""

    paths: list[Path]
    colours: list[str]

    def draw(self, axes: Axes, layer: int) -> None:
        from matplotlib.collections import PathCollection

        edges = [_darker(colour) for colour in self.colours]
        bars = PathCollection(self.paths, facecolors=self.colours, edgecolors=edges)
        bars.set(linewidths=0.6, zorder=layer)
        axes.add_collection(bars, autolim=False)


def _paper(
    axes: Axes, roll: Roll, line: System, inches: tuple[float, float], numbers: bool
) -> None:
    """Rows, bar and beat lines, bar numbers and pitch names."""
    bottom, top = roll.low - 0.5, roll.high + 0.5
    axes.set(xlim=(line.begin, line.end), ylim=(bottom, top), xticks=[], yticks=[])
    pitches = range(roll.low, roll.high + 1)
    black = [pitch for pitch in pitches if pitch % 12 in {1, 3, 6, 8, 10}]
    octaves = [pitch - 0.5 for pitch in pitches if pitch % 12 == 0]
    bars = [tick for tick, _ in line.bars]
    row = inches[1] / roll.rows * 72  # points
    _lines(axes, [((line.begin, p), (line.end, p)) for p in black], BLACK_KEY, row, 0)
    _lines(axes, [((line.begin, p), (line.end, p)) for p in octaves], OCTAVE_LINE, 0.6, 1)
    _lines(axes, [((tick, bottom), (tick, top)) for tick in line.beats], BEAT_LINE, 0.6, 1)
    _lines(axes, [((tick, bottom), (tick, top)) for tick in bars], BAR_LINE, 0.9, 2)
    if numbers:
        stride = max(1, math.ceil(len(bars) * ROOM_FOR_A_NUMBER / inches[0]))
        for tick, number in line.bars[::stride]:
            _beside(axes, str(number), (tick, top), (0, 4), "left", "bottom")
    for pitch in pitches:
        if pitch % 12 in {0, 7}:
            name = f"{'C' if pitch % 12 == 0 else 'G'}{pitch // 12 - 1}"
            _beside(axes, name, (line.begin, pitch), (-5, 0), "right", "center_baseline")
    for spine in axes.spines.values():
        spine.set(color=BAR_LINE, linewidth=0.9)


def _lines(axes: Axes, segments: Segments, colour: str, width: float, layer: int) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(segments, colors=colour, linewidths=width, zorder=layer)
    lines.set_capstyle("butt")
    axes.add_collection(lines, autolim=False)


def _beside(
    axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float], h: str, v: str
) -> None:
    """A small ``text`` outside the frame, ``shift`` points from the place ``at`` in the music."""
    axes.annotate(
        text, at, shift, textcoords="offset points", ha=h, va=v, fontsize=8, color=INK,
        annotation_clip=False,
    )  # fmt: skip


def _rounded(left: float, right: float, low: float, high: float, rx: float, ry: float) -> Path:
    """A rectangle whose corners are rounded by ``rx`` and ``ry``, at most half of each side."""
    from matplotlib.path import Path

    rx, ry = min(rx, (right - left) / 2), min(ry, (high - low) / 2)
    corner, line, start = Path.CURVE3, Path.LINETO, Path.MOVETO
    points = [
        (start, left + rx, low),
        (line, right - rx, low), (corner, right, low), (corner, right, low + ry),
        (line, right, high - ry), (corner, right, high), (corner, right - rx, high),
        (line, left + rx, high), (corner, left, high), (corner, left, high - ry),
        (line, left, low + ry), (corner, left, low), (corner, left + rx, low),
        (Path.CLOSEPOLY, left + rx, low),
    ]  # fmt: skip
    return Path([(x, y) for _, x, y in points], [code for code, _, _ in points])


@cache
def _darker(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return tuple(0.55 * value for value in to_rgb(colour))
