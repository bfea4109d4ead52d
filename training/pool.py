"""The scores of many corpora, each part by itself, as a model of described parts learns from them.

Knows corpora and files, and what is known of a part that a file only names; not how ensembles are
drawn from them (``drawing``).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from arranger.ensembles import Part, load_ensemble
from arranger.files import FileError, Score, read
from arranger.notes import NoteSequence
from evaluation.splits import load_split, split_paths

from .batches import on_grid, settle_twins

ENSEMBLES = {"chorales": "chorale", "quartets": "quartet", "game": "game", "pop": "pop"}
"""Prepared corpora whose pieces are for one ensemble each."""

SCORES = ("lieder", "orchestra")
"""Prepared corpora of scores for whatever they are for."""

MOST = 600
"""Pieces of one corpus that are learnt, evenly spread."""

FEWEST = 24
"""Notes that a score must have."""

Item = TypeVar("Item")
ByPart = tuple[NoteSequence, NDArray[np.int64], list[Part]]
_PIANO, _VOICE = range(8), 52


@dataclass(frozen=True)
class PooledScore:
    """A score on the model's grid: ``parts`` (N,) are indices into ``seats``, in score order."""

    name: str
    notes: NoteSequence
    parts: NDArray[np.int64]
    seats: tuple[Part, ...]


def read_pool(folder: Path, split: str) -> dict[str, list[PooledScore]]:
    """The scores of ``split`` (train, valid or test) of every corpus in ``folder``, by corpus."""
    pool: dict[str, list[PooledScore]] = {}
    for name, ensemble_name in ENSEMBLES.items():
        if (folder / name / "split.json").is_file():
            ensemble = load_ensemble(ensemble_name)
            pieces = load_split(folder / name, split, ensemble)
            gridded = [on_grid(piece) for piece in _spread(pieces)]
            pool[name] = [PooledScore(p.name, p.notes, p.parts, ensemble.parts) for p in gridded]
    for name in SCORES:
        if (folder / name / "split.json").is_file():
            pool[name] = list(_scores(split_paths(folder / name, split)))
    if not any(pool.values()):
        raise ValueError(f"{folder}: holds none of {', '.join((*ENSEMBLES, *SCORES))}")
    return {name: scores for name, scores in pool.items() if scores}


def _spread(items: Sequence[Item]) -> list[Item]:
    """At most MOST of them, evenly spread."""
    return [items[i] for i in np.linspace(0, len(items) - 1, min(MOST, len(items))).astype(int)]


def _scores(files: Sequence[Path]) -> Iterator[PooledScore]:
    """Those of two parts or more, each with what the others tell of its range."""
    found = []
    for path in _spread(files):
        try:
            found.append((path.stem, _by_part(read(path))))
        except FileError as error:
            print(f"warning: skipped: {error}", file=sys.stderr)
    ranges = _ranges([score for _, score in found])
    for name, (notes, parts, seats) in found:
        if len(notes) >= FEWEST and len(seats) > 1:
            yield PooledScore(name, notes, parts, tuple(_in_range(s, ranges) for s in seats))


def _by_part(score: Score) -> ByPart:
    """Its notes on the grid, the part of each, and the parts: the tracks that are no drums."""
    gridded, order = score.notes.on_grid()
    track = score.track[order]
    playing = [t for t in range(len(score.tracks)) if (track == t).any()]
    index = np.full(len(score.tracks), -1)
    index[playing] = np.arange(len(playing))
    seats = []
    for t in playing:
        name, program = score.tracks[t].name or "", score.tracks[t].program or 0
        if "voice" in name.lower():
            program = _VOICE
        seats.append(Part(f"{name} {t}", program, voices=None if program in _PIANO else 1))
    return gridded, settle_twins(gridded, index[track]), seats


def _in_range(part: Part, ranges: Mapping[int, tuple[int, int]]) -> Part:
    low, high = ranges[part.program]
    return replace(part, low=low, high=high)


def _ranges(found: Sequence[ByPart]) -> dict[int, tuple[int, int]]:
    """Of each program, what holds all but two in a thousand of its notes."""
    pitches = defaultdict(list)
    for notes, parts, seats in found:
        for k, part in enumerate(seats):
            pitches[part.program].append(notes.pitch[parts == k])
    bounds = {
        program: np.quantile(np.concatenate(heard), (0.001, 0.999))
        for program, heard in pitches.items()
    }
    return {program: (int(low), int(np.ceil(high))) for program, (low, high) in bounds.items()}
