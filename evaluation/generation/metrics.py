"""What notes are like, and how they suit the notes before them, in numbers.

Small pure functions over notes, each with its convention stated. Tick 0 is the beginning of a bar,
``bar`` the length of every bar in ticks. Times are rounded to 16ths. Where there are no notes to
speak of, the answer is nan. Knows notes; not models, files or tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from arranger.notes import IntArray, NoteSequence

FloatArray = NDArray[np.float64]
Figure = tuple[tuple[int, int], ...]

SIXTEENTHS = 4
"""In a quarter."""

FIGURE = 3
"""Steps of a figure: it has one note more."""

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)


def pitch_class_entropy(notes: NoteSequence) -> float:
    """The entropy of the notes' pitch classes in bits, 0 to 3.58 (muspy's)."""
    counts = np.bincount(notes.pitch % 12, minlength=12)
    if not len(notes):
        return float("nan")
    shares = counts[counts > 0] / len(notes)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def scale_consistency(notes: NoteSequence) -> float:
    """The share of notes in the major or natural minor scale that most of them lie in (muspy's)."""
    if not len(notes):
        return float("nan")
    counts = np.bincount(notes.pitch % 12, minlength=12)
    inside = [
        counts[[(root + step) % 12 for step in scale]].sum()
        for scale in (_MAJOR, _MINOR)
        for root in range(12)
    ]
    return float(max(inside) / len(notes))


def groove_consistency(notes: NoteSequence, bar: int, bars: int) -> float:
    """1 less the share of 16ths at which a bar and the next differ, in that a note begins in one of
    them alone (Wu & Yang 2020; muspy's, with 16ths for time steps)."""
    if bars < 2:
        return float("nan")
    begins: NDArray[np.bool_] = np.any(onset_roll(notes, bar, bars), axis=2)
    return float(1 - np.mean(begins[:-1] != begins[1:]))


def empty_beat_rate(notes: NoteSequence, beats: int) -> float:
    """The share of the first ``beats`` quarters in which no note sounds (muspy's, except that a
    note that ends with a beat does not sound in the next)."""
    sounds = np.zeros(beats, bool)
    first = notes.onset // notes.resolution
    last = (np.maximum(notes.offset, notes.onset + 1) - 1) // notes.resolution
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        sounds[begin : end + 1] = True
    return float(1 - sounds.mean())


def self_similarity(notes: NoteSequence, bar: int, bars: int) -> float:
    """The mean similarity of two bars: the cosine of what pitch classes begin at which 16ths; 0
    for a bar in which nothing begins."""
    matrix = similarity_matrix(notes, bar, bars)
    if bars < 2:
        return float("nan")
    return float(matrix[~np.eye(bars, dtype=bool)].mean())


def similarity_matrix(notes: NoteSequence, bar: int, bars: int) -> FloatArray:
    """How similar each bar is to each, (bars, bars): see ``self_similarity``."""
    rolls = onset_roll(notes, bar, bars).reshape(bars, -1).astype(float)
    lengths = np.linalg.norm(rolls, axis=1, keepdims=True)
    unit = rolls / np.maximum(lengths, 1e-12)
    return np.asarray(unit @ unit.T)


def keeps_key(notes: NoteSequence, before: NoteSequence) -> float:
    """How much of the time of one has the pitch classes of the other: the histogram intersection of
    their pitch classes, weighted by duration; 1 for the same, 0 for none in common."""
    return intersection(_pitch_classes(notes), _pitch_classes(before))


def keeps_meter(notes: NoteSequence, before: NoteSequence, bar: int) -> float:
    """The same of the 16ths of a bar at which notes begin."""
    return intersection(_positions(notes, bar), _positions(before, bar))


def keeps_motif(notes: NoteSequence, before: NoteSequence, bar: int, bars: int) -> float:
    """The share of bars in which a figure begins that occurs ``before``, at any pitch."""
    if not len(notes):
        return float("nan")
    known = {figure for _, figure in figures(before)}
    found = {onset // bar for onset, figure in figures(notes) if figure in known}
    return len(found & set(range(bars))) / bars


def figures(notes: NoteSequence) -> Iterator[tuple[int, Figure]]:
    """The onset of each figure of the upper line, and its steps: 16ths and semitones from one note
    to the next. The upper line is the highest note of each onset."""
    groups = notes.onset_groups()
    highest = np.array([notes.pitch[group].max() for group in groups], dtype=np.int64)
    onset = np.array([notes.onset[group.start] for group in groups], dtype=np.int64)
    times = _in_sixteenths(onset, notes.resolution)
    steps = list(zip(np.diff(times).tolist(), np.diff(highest).tolist(), strict=True))
    for i in range(len(steps) - FIGURE + 1):
        yield int(onset[i]), tuple(steps[i : i + FIGURE])


def onset_roll(notes: NoteSequence, bar: int, bars: int) -> NDArray[np.bool_]:
    """Which pitch classes begin at which 16th of which bar, (bars, 16ths, 12)."""
    sixteenths = max(1, bar * SIXTEENTHS // notes.resolution)
    roll = np.zeros((bars * sixteenths, 12), bool)
    at = _in_sixteenths(notes.onset, notes.resolution)
    inside = at < len(roll)
    roll[at[inside], notes.pitch[inside] % 12] = True
    return roll.reshape(bars, sixteenths, 12)


def intersection(one: FloatArray, other: FloatArray) -> float:
    """What two histograms have in common, each scaled to a sum of 1."""
    if not one.sum() or not other.sum():
        return float("nan")
    return float(np.minimum(one / one.sum(), other / other.sum()).sum())


def overlap_area(values: Sequence[float], reference: Sequence[float]) -> float:
    """The area under both densities (Yang & Lerch 2020); 1 for the same values, nan for none.

    Densities are sums of Gaussians whose deviation is Scott's for both sets of values together.
    """
    one, other = (np.array([v for v in some if np.isfinite(v)]) for some in (values, reference))
    if not len(one) or not len(other):
        return float("nan")
    pooled = np.concatenate([one, other])
    width = float(pooled.std()) * len(pooled) ** -0.2
    if width < 1e-9:
        return 1.0
    grid = np.linspace(pooled.min() - 5 * width, pooled.max() + 5 * width, 2001)
    densities = [
        np.exp(-0.5 * ((grid[:, None] - some) / width) ** 2).mean(axis=1) for some in (one, other)
    ]
    common = np.minimum(*densities).sum() * (grid[1] - grid[0])
    return float(common / (width * np.sqrt(2 * np.pi)))


def _pitch_classes(notes: NoteSequence) -> FloatArray:
    return np.bincount(notes.pitch % 12, weights=notes.duration, minlength=12).astype(float)


def _positions(notes: NoteSequence, bar: int) -> FloatArray:
    sixteenths = max(1, bar * SIXTEENTHS // notes.resolution)
    at = _in_sixteenths(notes.onset, notes.resolution) % sixteenths
    return np.bincount(at, minlength=sixteenths).astype(float)


def _in_sixteenths(ticks: IntArray, resolution: int) -> IntArray:
    return np.asarray(np.rint(ticks * SIXTEENTHS / resolution).astype(np.int64))
