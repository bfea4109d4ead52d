"""A prepared corpus: a folder of reference scores and its ``split.json``.

Knows folders and splits; not how a corpus was prepared (``training.corpora``).
"""

from __future__ import annotations

import json
from pathlib import Path

from arranger.ensembles import Ensemble

from .pieces import Piece, read_references

SPLITS = ("train", "valid", "test")


def load_split(folder: str | Path, split: str, ensemble: Ensemble) -> list[Piece]:
    """The pieces of one split; ValueError where the folder or the split is missing."""
    return read_references(split_paths(folder, split), ensemble)


def split_paths(folder: str | Path, split: str) -> list[Path]:
    """The files of one split of the corpus in ``folder``."""
    path = Path(folder) / "split.json"
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file") from error
    names = splits.get(split) if isinstance(splits, dict) and split in SPLITS else None
    if not isinstance(names, list):
        raise ValueError(f"{path}: no split {split!r}; expected one of {', '.join(SPLITS)}")
    return [Path(folder) / str(name) for name in names]
