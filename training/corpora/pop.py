"""Popular songs: Slakh2100, or any folder of MIDI files such as the Lakh MIDI dataset.

Knows that a track belongs to a part by its General MIDI program alone, whatever its name. Drums
and other programs are left out, and a part without a track is simply absent.

Slakh2100 is read on sixteenths, either from the copy that the numbers were reported on, whose bass
register has been restored, or from the download (``slakh``), where that is done here. Other songs
are read as they are, on their own ticks, their basses untouched. They have no split that anyone
has published: a tenth each is valid and test, by the name of the song. The reserved songs come from
the Lakh dataset too and cannot be told there, so that a model trained on it must not be measured on
them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from arranger.ensembles import Ensemble, load_ensemble
from arranger.files import FileError, Score, Track, read

from .folders import (
    Prepared,
    Split,
    by_stem,
    find_files,
    names_in,
    open_corpus,
    published_split,
    require,
    write_corpus,
)
from .references import Reference, reference_of
from .slakh import read_song

_MATCHED = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}")
"""The folder of all files of one song in ``lmd_matched``."""


def prepare_pop(
    out_dir: Path, source: Path, split: Split | None = None, progress: bool = True
) -> Prepared:
    """Write the songs of ``source`` to ``out_dir``.

    Where it holds songs of ``split`` (None: that of the reported numbers), all of them must be
    there, in any folders; else every MIDI file in it is taken for a song.
    """
    split = published_split("pop") if split is None else split
    files = find_files(source, ".mid", ".midi")
    folders = {path.parent.name: path.parent for path in files if path.name == "all_src.mid"}
    found = {**by_stem(files), **folders}
    names = names_in(split)
    if not any(Path(name).stem in found for name in names):
        return _prepare_others(out_dir, source, files, progress)
    require(names, found, source, "Slakh2100, with its folders Track00001 and so on")
    open_corpus(out_dir, source)
    ensemble = load_ensemble("pop")

    def read_piece(name: str) -> Reference | None:
        path = found[Path(name).stem]
        return by_program(read_song(path) if path.is_dir() else read(path), ensemble)

    return write_corpus(out_dir, split, ensemble, read_piece, progress=progress)


def by_program(score: Score, ensemble: Ensemble) -> Reference | None:
    """The song with each track in the part that has its program; None: fewer than two parts play.

    A track without a program plays the first, as General MIDI has it.
    """
    tracks = [Track(None, track.program or 0, track.is_drum) for track in score.tracks]
    reference = reference_of(replace(score, tracks=tuple(tracks)), ensemble)
    return reference if len(np.unique(reference.parts)) >= 2 else None


def split_by_song(names: Iterable[str]) -> Split:
    """About a tenth of the songs each as ``valid`` and ``test``, whatever the others are."""
    split: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for name in names:
        digest = hashlib.sha256(song_of(name).encode()).digest()
        subset = {0: "test", 1: "valid"}.get(int.from_bytes(digest[:4]) % 10, "train")
        split[subset].append(name)
    return split


def song_of(name: str) -> str:
    """What all versions of a song have in common, from the path of one.

    Of ``A/A/A/TRAAAGR128F425B14B/1d9d16a9.mid`` the folder, of ``Artist/Song.2.mid`` artist/song.
    """
    path = PurePosixPath(name)
    if _MATCHED.fullmatch(path.parent.name):
        return path.parent.name
    title = re.sub(r"\.\d+$", "", path.stem)
    return f"{path.parent.name}/{title}".casefold()


def _prepare_others(out_dir: Path, source: Path, files: Sequence[Path], progress: bool) -> Prepared:
    if not files:
        raise ValueError(f"{source}: no MIDI files here, expected Slakh2100 or a folder of songs")
    open_corpus(out_dir, source)
    ensemble = load_ensemble("pop")

    def read_piece(name: str) -> Reference | None:
        try:
            return by_program(read(source / name), ensemble)
        except FileError:
            return None

    split = split_by_song(sorted(path.relative_to(source).as_posix() for path in files))
    return write_corpus(
        out_dir, split, ensemble, read_piece, drop_from=("train", "valid"), progress=progress
    )
