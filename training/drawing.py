"""Ensembles drawn from scores: what a model of described parts learns from.

Some of the parts of a score, a few of like instruments as one, each described as a stranger might
describe it. Knows scores, parts and descriptions; not features or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from arranger.ensembles import Part
from arranger.notes import MODEL_RESOLUTION, NoteSequence
from evaluation.pieces import Piece

from .batches import settle_twins
from .pool import PooledScore

SEATS = 12
"""Parts that a drawn ensemble has at most."""

FEW = 5
"""Parts of a score that is not large."""

WHOLE = 0.6
"""Share of the excerpts of scores, where there are seats for all, in which all play."""

FAMILY = 0.4
"""Share of the other excerpts of large scores in which only one or two families play."""

SECTIONS, TOGETHER = 0.4, 0.25
"""Share of the excerpts of scores with many parts in which all instruments of a kind are one part;
of the others, how often two that follow each other are."""

BY_HEIGHT = 0.15
"""Share of the excerpts whose parts stand in order of height, not as in the score."""

OBSERVED, UNSAID = 0.25, 0.1
"""Shares of the excerpts in which ranges are those of the very notes, or are not said."""

NAMELESS = 0.1
"""Share of the excerpts in which all parts have the program 0, and of the parts of one voice that
are not said to have one."""

_BAR = 4 * MODEL_RESOLUTION


@dataclass(frozen=True)
class Drawn:
    """An excerpt for the ensemble of ``seats``."""

    piece: Piece
    seats: tuple[Part, ...]


def excerpt(
    scores: Sequence[PooledScore], crop: int, limits: tuple[int, int], rng: np.random.Generator
) -> Drawn:
    """As ``draw``, of any of ``scores``, and of two notes or more."""
    while True:
        drawn = draw(scores[int(rng.integers(len(scores)))], crop, limits, rng)
        if len(drawn.piece.notes) > 1:
            return drawn


def draw(score: PooledScore, crop: int, limits: tuple[int, int], rng: np.random.Generator) -> Drawn:
    """An excerpt of at most ``crop`` notes for an ensemble that is drawn from a score; notes and
    ranges are transposed within ``limits``, as far as there are keys."""
    groups = _groups(score, rng)
    part_of = np.full(len(score.seats), -1)
    for k, group in enumerate(groups):
        part_of[list(group)] = k
    taken = np.flatnonzero(part_of[score.parts] >= 0)
    start = int(rng.integers(0, max(1, len(taken) - crop + 1)))
    taken = taken[start : start + crop]
    shift = _shift(score.notes.pitch[taken], limits, rng)
    notes = score.notes.take(taken).transposed(shift)
    first_bar = notes.onset[:1].sum() // _BAR * _BAR
    notes = replace(notes, onset=notes.onset - first_bar)
    seats = [_seat([score.seats[k] for k in group], shift) for group in groups]
    order = np.arange(len(seats))
    if rng.random() < BY_HEIGHT:
        order = np.argsort([-(part.low + part.high) for part in seats], kind="stable")
    seats = [seats[k] for k in order]
    parts = settle_twins(notes, np.argsort(order)[part_of[score.parts[taken]]])
    return Drawn(Piece(score.name, notes, parts), _described(seats, notes, parts, rng))


def _groups(score: PooledScore, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Who plays: the parts of the score, in its order, some with others of their kind."""
    players = _players(score, rng)
    return [players[k] for k in _chosen(score, players, rng)]


def _players(score: PooledScore, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """The parts of the score; of a large one, those of a kind that follow each other as one, all
    of them or some."""
    together = 0.0
    if len(score.seats) > FEW:
        together = 1.0 if rng.random() < SECTIONS else TOGETHER
    players: list[tuple[int, ...]] = []
    for k, part in enumerate(score.seats):
        alike = players and score.seats[players[-1][0]].program == part.program
        if alike and rng.random() < together:
            players[-1] = (*players[-1], k)
        else:
            players.append((k,))
    return players


def _chosen(
    score: PooledScore, players: list[tuple[int, ...]], rng: np.random.Generator
) -> list[int]:
    """The players that an excerpt is for: all, those of one or two families, or any."""
    count = len(players)
    if count <= SEATS and rng.random() < WHOLE:
        return list(range(count))
    if count > FEW and rng.random() < FAMILY:
        families = np.array([score.seats[player[0]].program // 8 for player in players])
        away = np.abs(families - families[rng.integers(count)])
        near = np.flatnonzero(away <= rng.integers(0, 2))
        return sorted(rng.permutation(near)[:SEATS].tolist())
    most = min(SEATS, count)
    size = int(rng.integers(min(2, most), most + 1))
    return sorted(rng.permutation(count)[:size].tolist())


def _shift(pitch: NDArray[np.int64], limits: tuple[int, int], rng: np.random.Generator) -> int:
    """A transposition that leaves every note a key."""
    down = max(limits[0], -int(pitch.min(initial=127)))
    up = min(limits[1], 127 - int(pitch.max(initial=0)))
    return int(rng.integers(min(down, 0), max(up, 0) + 1))


def _seat(played: Sequence[Part], shift: int) -> Part:
    """The part of all that is ``played`` as one, ``shift`` semitones higher."""
    low, high = min(part.low for part in played), max(part.high for part in played)
    low, high = (min(max(bound + shift, 0), 127) for bound in (low, high))
    voices = [part.voices for part in played]
    together = None if None in voices else sum(v or 0 for v in voices)
    return Part(played[0].name, played[0].program, low, high, together)


def _described(
    seats: Sequence[Part],
    notes: NoteSequence,
    parts: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Part, ...]:
    """The parts as somebody might describe them, so that no note is out of its part's range and
    no part holds more than its one voice."""
    style = rng.random()
    nameless = rng.random() < NAMELESS
    described = []
    for k, part in enumerate(seats):
        own = parts == k
        pitch = notes.pitch[own]
        low, high = _bounds(part, pitch, style, rng)
        voices = part.voices
        if voices == 1 and (_overlap(notes, own) or rng.random() < NAMELESS):
            voices = None
        program = 0 if nameless else part.program
        described.append(Part(f"{part.name} {k}", program, low, high, voices))
    return tuple(described)


def _bounds(
    part: Part, pitch: NDArray[np.int64], style: float, rng: np.random.Generator
) -> tuple[int, int]:
    """A range that holds every ``pitch``: observed, not said, or as in a book."""
    lowest, highest = int(pitch.min(initial=127)), int(pitch.max(initial=0))
    if style < OBSERVED and len(pitch):
        low, high = lowest - int(rng.integers(0, 4)), highest + int(rng.integers(0, 4))
    elif style < OBSERVED + UNSAID:
        low, high = 0, 127
    else:
        low, high = part.low + int(rng.integers(-3, 4)), part.high + int(rng.integers(-3, 4))
    low = min(max(min(low, lowest), 0), 127)
    return low, min(max(high, highest, low), 127)


def _overlap(notes: NoteSequence, own: NDArray[np.bool_]) -> bool:
    """Whether a note begins while another of ``own`` sounds."""
    onset, offset = notes.onset[own], notes.offset[own]
    return bool((onset[1:] < np.maximum.accumulate(offset)[:-1]).any())
