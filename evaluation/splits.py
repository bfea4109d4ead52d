"""A prepared corpus: a folder of reference scores and its ``split.json``.

Knows folders and splits; not how a corpus was prepared (``training.corpora``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from arranger.ensembles import Ensemble

from .pieces import Piece, read_references

SPLITS = ("train", "valid", "test", "test_as_published")
"""The last are those test pieces that the published numbers are of, where they are fewer."""


HIDDEN = "_without_velocities"
"""At the end of a split's name: the same pieces, their velocities not known."""


def load_split(folder: str | Path, split: str, ensemble: Ensemble) -> list[Piece]:
    """The pieces of one split; ValueError where the folder or the split is missing."""
    pieces = read_references(split_paths(folder, split.removesuffix(HIDDEN)), ensemble)
    return [_without_velocities(piece) for piece in pieces] if split.endswith(HIDDEN) else pieces


def _without_velocities(piece: Piece) -> Piece:
    notes = piece.notes
    return replace(piece, notes=replace(notes, velocity=np.zeros_like(notes.velocity)))


def split_paths(folder: str | Path, split: str) -> list[Path]:
    """The files of one split of the corpus in ``folder``."""
    names = _lists(folder).get(split)
    if names is None:
        path = Path(folder) / "split.json"
        raise ValueError(f"{path}: no split {split!r}; expected one of {', '.join(SPLITS)}")
    return [Path(folder) / str(name) for name in names]


def reported_splits(folder: str | Path) -> list[str]:
    """The splits of the corpus in ``folder`` that are kept for the report."""
    return [split for split in _lists(folder) if split.startswith("test")]


def _lists(folder: str | Path) -> dict[str, list[Any]]:
    """The lists of split.json, in the order of SPLITS."""
    path = Path(folder) / "split.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file") from error
    found = document if isinstance(document, dict) else {}
    return {split: found[split] for split in SPLITS if isinstance(found.get(split), list)}
