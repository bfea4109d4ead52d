"""Pieces as padded batches, varied anew in every epoch.

Knows pieces, hints and features; not models. A piece is varied by transposition within the ranges
of its ensemble, by which hints are given and which notes are locked, by how well its velocities are
known, and, for the note view, by whether it is heard as written or as played.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arranger.ensembles import Ensemble
from arranger.features import FeatureSpec, FeatureTable, describe
from arranger.hints import HINT_KINDS, Hints
from arranger.notes import MODEL_RESOLUTION, NoteSequence
from arranger.performance import KeyEvent, as_played
from evaluation.pieces import Piece

POOL = 8
"""Batches whose pieces are sorted by length together."""


def on_grid(piece: Piece, resolution: int = MODEL_RESOLUTION) -> Piece:
    """The piece on the model's grid, its twins settled."""
    gridded = piece.on_grid(resolution)
    return replace(gridded, parts=settle_twins(gridded.notes, gridded.parts))


def settle_twins(notes: NoteSequence, parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``parts`` with twins given to their parts from the lowest up, as the notes of a chord are.

    Nothing tells twins apart, so this changes no music; it spares a model to learn an order that
    nobody could foresee.
    """
    settled = parts.copy()
    for run in notes.twins():
        settled[run] = np.sort(parts[run])[::-1]
    return settled


@dataclass(frozen=True)
class Variation:
    """How the pieces of a training run are varied."""

    transpose: tuple[int, int] = (-5, 6)
    crop: int = 500
    hints: float = 0.5
    """Share of examples that come with hints of some kind."""
    played: float = 0.0
    """Share of examples heard as played on a stage; note view only."""
    locks: float = 0.0
    """Share of examples in which some notes are locked, up to one in eight; piece view only."""
    hidden: float = 0.0
    """Share of examples whose velocities are not known."""
    uneven: float = 0.0
    """Share of examples whose velocities are off by some, as under a player's hands."""
    lowered: float = 0.0
    """Share of pieces whose lowest part is an octave lower, for corpora that fold it up."""
    loose: float = 0.0
    """Share of pieces whose onsets are off the beat by some, for corpora that are quantised."""


@dataclass(frozen=True)
class Example:
    """One piece as a model meets it; ``parts`` and ``locked`` in the order of the table's rows."""

    table: FeatureTable
    parts: NDArray[np.int64]
    locked: NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """Examples padded to one length. ``lengths`` (B,) says where each ends."""

    codes: Tensor
    values: Tensor
    lengths: Tensor
    parts: NDArray[np.int64]
    """(B, T), -1 beyond the end."""
    locked: NDArray[np.bool_]
    """(B, T), notes whose part is given."""
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    metrical: NDArray[np.bool_]
    """(B,), whether each example is heard as written."""

    def to(self, device: torch.device) -> Batch:
        """The same batch with what the model reads on ``device``."""
        return replace(self, codes=self.codes.to(device), values=self.values.to(device))


def example(
    piece: Piece, spec: FeatureSpec, hints: str = "none", played: np.random.Generator | None = None
) -> Example:
    """The piece unvaried, with hints of the given kind, heard as written or as ``played``."""
    given = Hints.from_reference(piece.notes, piece.parts, hints)
    events = None if played is None else as_played(piece.notes, played)
    table = describe(piece.notes, given, spec, events)
    return Example(table, piece.parts[table.order], np.zeros(len(piece.notes), bool))


class Examples:
    """Endless variations on ``pieces``; the tables that do not change are made once."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        spec: FeatureSpec,
        ensemble: Ensemble,
        variation: Variation,
    ) -> None:
        rng = np.random.default_rng(len(pieces))
        self.pieces = [_reshape(piece, ensemble, variation, rng) for piece in pieces]
        self.spec = spec
        self.variation = variation
        self._room = [_room(piece, ensemble, variation.transpose) for piece in self.pieces]
        self._tables: dict[int, FeatureTable] = {}

    def batches(self, batch_size: int) -> int:
        """How many batches an epoch has."""
        pool, count = POOL * batch_size, len(self.pieces)
        return count // pool * POOL + -(-(count % pool) // batch_size)

    def epoch(self, rng: np.random.Generator, batch_size: int) -> Iterator[Batch]:
        """Every piece once, in random order, batched with pieces of a like length."""
        order = rng.permutation(len(self.pieces))
        pool = POOL * batch_size
        chunks = []
        for start in range(0, len(order), pool):
            like = sorted(order[start : start + pool], key=lambda i: len(self.pieces[i].notes))
            chunks += [like[i : i + batch_size] for i in range(0, len(like), batch_size)]
        for c in rng.permutation(len(chunks)):
            yield collate([self._vary(int(i), rng) for i in chunks[c]])

    def _vary(self, i: int, rng: np.random.Generator) -> Example:
        piece, spec, variation = self.pieces[i], self.spec, self.variation
        kind = "none"
        if "hints" in spec.values and rng.random() < variation.hints:
            kind = HINT_KINDS[rng.integers(1, 4)]
        hints = Hints.from_reference(piece.notes, piece.parts, kind)
        start = int(rng.integers(0, max(1, len(piece.notes) - variation.crop + 1)))
        cut = slice(start, start + variation.crop)
        parts = piece.parts[cut]
        if rng.random() < variation.played:
            notes = piece.notes.take(cut)
            table = describe(notes, hints, spec, performed(notes, rng))
            parts = parts[table.order]
        else:
            if i not in self._tables:
                self._tables[i] = describe(piece.notes, Hints(), spec)
            table = self._tables[i].cut(cut)
            said = hints.encode(table.onset, table.pitch.astype(np.float64), spec.parts)
            table = table.replaced("hints", said, spec)
        table = table.transposed(int(rng.choice(self._room[i])), spec)
        locked = locked_notes(len(parts), variation, rng)
        table = table.replaced("locks", np.eye(spec.parts)[parts] * locked[:, None], spec)
        return Example(touched(table, spec, variation, rng), parts, locked)


def performed(notes: NoteSequence, rng: np.random.Generator) -> list[KeyEvent]:
    """The notes as one of many players would play them on a stage."""
    return as_played(
        notes,
        rng,
        spread=rng.uniform(0.005, 0.02),
        tempo_error=rng.uniform(0.0, 0.15),
        release_lag=rng.choice([0.0, 0.0, 1.0]) * rng.random(),
    )


def locked_notes(count: int, variation: Variation, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of ``count`` notes are locked: in most examples none, in others few."""
    share = rng.random() ** 2 / 8 if rng.random() < variation.locks else 0.0
    return rng.random(count) < share


def touched(
    table: FeatureTable, spec: FeatureSpec, variation: Variation, rng: np.random.Generator
) -> FeatureTable:
    """The same music with velocities as well known as they happen to be."""
    draw, velocity, loudest = rng.random(), table.velocity, max(spec.loudest, 1)
    if draw < variation.hidden:
        velocity = np.zeros_like(velocity)
    elif draw < variation.hidden + variation.uneven:
        off = rng.normal(0.0, rng.uniform(0.0, loudest / 8), len(velocity))
        velocity = np.clip(np.rint(velocity + off), 1, loudest).astype(np.int64)
    else:
        return table
    return table.touched(velocity, spec)


def collate(examples: Sequence[Example]) -> Batch:
    """Pad ``examples`` to the longest."""
    lengths = [len(e.parts) for e in examples]
    longest = max(lengths)

    def pad(arrays: Sequence[NDArray[Any]], fill: float) -> NDArray[Any]:
        padded = np.full((len(arrays), longest, *arrays[0].shape[1:]), fill, arrays[0].dtype)
        for row, array in zip(padded, arrays, strict=True):
            row[: len(array)] = array
        return padded

    return Batch(
        torch.from_numpy(pad([e.table.codes for e in examples], 0)),
        torch.from_numpy(pad([e.table.values for e in examples], 0)),
        torch.tensor(lengths),
        pad([e.parts for e in examples], -1),
        pad([e.locked for e in examples], False),
        pad([e.table.pitch for e in examples], 0),
        pad([e.table.velocity for e in examples], 0),
        pad([e.table.onset for e in examples], 0),
        pad([e.table.offset for e in examples], 0),
        np.array([e.table.metrical for e in examples]),
    )


def _reshape(
    piece: Piece, ensemble: Ensemble, variation: Variation, rng: np.random.Generator
) -> Piece:
    """The piece as it is, or with its lowest part lowered, or with its onsets loosened."""
    notes = piece.notes
    lower, loosen = rng.random(2) < (variation.lowered, variation.loose)
    pitch, onset = notes.pitch, notes.onset
    if lower:
        lowest = int(np.argmin([part.low for part in ensemble.parts]))
        deep = (piece.parts == lowest) & (pitch - 12 >= ensemble.parts[lowest].low)
        pitch = pitch - 12 * deep
    if loosen:
        reach = notes.resolution // 12
        onset = np.maximum(onset + rng.integers(-reach, reach + 1, len(onset)), 0)
    if not lower and not loosen:
        return piece
    rows = zip(onset, pitch, notes.duration, notes.velocity, strict=True)
    reshaped, order = NoteSequence.from_rows(rows, notes.resolution, notes.meters)
    return Piece(piece.name, reshaped, settle_twins(reshaped, piece.parts[order]))


def _room(piece: Piece, ensemble: Ensemble, limits: tuple[int, int]) -> NDArray[np.int64]:
    """The transpositions that put no note out of its part's range that was in it before, and none
    beyond what a key can be."""
    low = np.array([p.low for p in ensemble.parts])[piece.parts]
    high = np.array([p.high for p in ensemble.parts])[piece.parts]
    pitch = piece.notes.pitch
    inside = (pitch >= low) & (pitch <= high)
    down = min((pitch - low)[inside].min(initial=-limits[0]), pitch.min())
    up = min((high - pitch)[inside].min(initial=limits[1]), 127 - pitch.max())
    return np.arange(-down, up + 1)
