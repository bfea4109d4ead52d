"""Folders: the one that a corpus is read from, and the one that it is written to.

Knows splits, duplicates and names of files. Does not know what the files of a source hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from arranger.ensembles import CONFIGS, Ensemble

from .references import Reference, write_reference

Split = Mapping[str, Sequence[str]]
"""Names of pieces, which are their paths in the corpus, under ``train``, ``valid`` and ``test``.
Those under ``reserved`` are kept for later acceptance and never written. Further subsets may be
listed besides."""

SUBSETS = ("train", "valid", "test")


@dataclass(frozen=True)
class Prepared:
    """What has been written: the split, how many notes each piece has, and sentences on what a
    person should know of it.
    """

    split: Split
    notes: Mapping[str, int]
    remarks: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The remarks, and the size of each subset."""
        sizes = []
        for subset in SUBSETS:
            names = self.split[subset]
            notes = sum(self.notes[name] for name in names)
            sizes.append(f"{subset}: {len(names):,} pieces, {notes:,} notes")
        return [*self.remarks, *sizes]


def published_split(corpus: str) -> Split:
    """The split of the reported numbers."""
    path = CONFIGS / "splits" / f"{corpus}.json"
    split: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return split


def names_in(split: Split) -> list[str]:
    """Every piece to write, once; test and valid come first, so that train can be held to them."""
    order = dict.fromkeys([*reversed(SUBSETS), *split])
    names = dict.fromkeys(name for subset in order for name in split.get(subset, ()))
    reserved = {Path(name).stem for name in split.get("reserved", ())}
    return [name for name in names if Path(name).stem not in reserved]


def find_files(source: Path, *suffixes: str) -> list[Path]:
    """The files anywhere in ``source``, those of the first suffix first, then by their paths.

    ValueError if there is no such folder.
    """
    if not source.is_dir():
        raise ValueError(f"{source}: no such folder to read the corpus from")
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(files, key=lambda path: suffixes.index(path.suffix.lower()))


def by_stem(files: Iterable[Path]) -> dict[str, Path]:
    """The first file of each stem."""
    found: dict[str, Path] = {}
    for path in files:
        found.setdefault(path.stem, path)
    return found


def require(names: Iterable[str], found: Mapping[str, Path], source: Path, expected: str) -> None:
    """ValueError, which says what was ``expected``, unless each of ``names`` has been found."""
    stems = [Path(name).stem for name in names]
    missing = [stem for stem in stems if stem not in found]
    if missing:
        raise ValueError(
            f"{source}: {len(missing):,} of {len(stems):,} pieces are not here, "
            f"the first is {missing[0]}; expected {expected}"
        )


def open_corpus(out_dir: Path, source: Path) -> None:
    """Make ``out_dir``, which is incomplete from now on; ValueError if it cannot be used."""
    if out_dir.exists() and not out_dir.is_dir():
        raise ValueError(f"{out_dir}: a file, expected a folder to write the corpus to")
    if out_dir.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{out_dir}: lies in {source}, from which the corpus is read")
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "split.json").unlink(missing_ok=True)


def close_corpus(out_dir: Path, split: Split) -> None:
    """Write ``split.json``: a folder that has one is complete."""
    text = json.dumps(split, indent=1, ensure_ascii=False)
    (out_dir / "split.json").write_text(text + "\n", encoding="utf-8")


def write_corpus(
    out_dir: Path,
    split: Split,
    ensemble: Ensemble,
    read: Callable[[str], Reference | None],
    drop_from: Sequence[str] = ("train",),
    progress: bool = True,
) -> Prepared:
    """Write to ``out_dir`` each piece of ``split`` that ``read`` gives by its name, then the split.

    ``read`` gives None for a piece that is of no use. A piece that has, in order, the pitches of
    one in an earlier subset (of test, valid, train) is remarked upon, and left out of those
    subsets that are in ``drop_from``.
    """
    subset_of = {name: subset for subset in SUBSETS for name in split.get(subset, ())}
    first_with: dict[bytes, str] = {}
    notes: dict[str, int] = {}
    remarks: list[str] = []
    unused = 0
    for name in tqdm(names_in(split), desc=ensemble.name, unit="piece", disable=not progress):
        reference = read(name)
        if reference is None:
            unused += 1
            continue
        remarks += [f"{name}: {sentence}" for sentence in reference.remarks]
        twin = first_with.setdefault(reference.notes.pitch.astype(np.uint8).tobytes(), name)
        if name in subset_of and subset_of[name] != subset_of[twin]:
            dropped = subset_of[name] in drop_from
            remarks.append(f"{name}: the pitches of {twin}, {'left out' if dropped else 'kept'}")
            if dropped:
                continue
        path = out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_reference(path, reference, ensemble)
        notes[name] = len(reference.notes)
    if unused:
        remarks.append(
            f"{unused:,} pieces have too few notes or parts, or cannot be read: left out"
        )
    written = {
        subset: [name for name in names if name in notes or subset == "reserved"]
        for subset, names in split.items()
    }
    close_corpus(out_dir, written)
    return Prepared(written, notes, tuple(remarks))
