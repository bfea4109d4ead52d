"""Scores for whatever they are for: a folder as it stands, with a split of its own.

``lieder``: songs, voice and piano; ``orchestra``: movements for orchestra; ``pop909``: arrangements
of songs for a piano, on three tracks. Knows how each is split; no ensemble.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tqdm import tqdm

from arranger.files import FileError, read
from arranger.files.formats import READABLE

from .folders import SUBSETS, Prepared, by_stem, close_corpus, find_files, open_corpus

WORKS = {
    "valid": ("Beethoven_Op.93", "Haydn_104"),
    "test": ("Bach_BWV.1049", "Brahms_Op.73", "Schubert_D.485"),
}
"""The works of OpenScore Orchestra that are not learnt."""


def _one_in_twenty(number: int, name: str) -> str:
    """Of twenty songs in a row, one is a test and one a valid piece."""
    return {0: "test", 10: "valid"}.get(number % 20, "train")


def by_work(number: int, name: str) -> str:
    """The subset of a movement of OpenScore Orchestra."""
    for subset, works in WORKS.items():
        if name.startswith(works):
            return subset
    return "train"


def _one_in_nine(number: int, name: str) -> str:
    """Of nine songs in a row one is a test piece; nothing is learnt from the others either."""
    return "train" if number % 9 else "test"


SPLITS: dict[str, Callable[[int, str], str]] = {
    "lieder": _one_in_twenty,
    "orchestra": by_work,
    "pop909": _one_in_nine,
}
"""Where a piece belongs, by its place in order of names and its name."""


def prepare_scores(corpus: str, out_dir: Path, source: Path, progress: bool = True) -> Prepared:
    """Copy the scores anywhere in ``source`` to ``out_dir``, one of each name, with their split.

    A piece that has, in order, the pitches of one in an earlier subset (of test, valid, train) is
    left out, and so is what cannot be read. ValueError where there is no score at all.
    """
    files = by_stem(find_files(source, *READABLE))
    if not files:
        raise ValueError(f"{source}: no scores in it to prepare {corpus} from")
    open_corpus(out_dir, source)
    place = SPLITS[corpus]
    subset_of = {name: place(n, name) for n, name in enumerate(sorted(files))}
    split: dict[str, list[str]] = {subset: [] for subset in SUBSETS}
    notes: dict[str, int] = {}
    remarks: list[str] = []
    subset_with: dict[bytes, str] = {}
    in_turn = sorted(files, key=lambda name: (-SUBSETS.index(subset_of[name]), name))
    for name in tqdm(in_turn, desc=corpus, unit="piece", disable=not progress):
        try:
            pitch = read(files[name]).notes.pitch
        except FileError as error:
            remarks.append(f"{error}, left out")
            continue
        subset = subset_of[name]
        if subset_with.setdefault(pitch.tobytes(), subset) != subset:
            remarks.append(
                f"{name}: a piece of the subset {subset_with[pitch.tobytes()]}, left out"
            )
            continue
        written = f"{subset}/{name}{files[name].suffix.lower()}"
        (out_dir / subset).mkdir(exist_ok=True)
        shutil.copyfile(files[name], out_dir / written)
        split[subset].append(written)
        notes[written] = len(pitch)
    close_corpus(out_dir, split)
    return Prepared(split, notes, tuple(remarks))


PREPARATIONS: dict[str, Callable[[Path, Path], Prepared]] = {
    corpus: partial(prepare_scores, corpus) for corpus in SPLITS
}
