"""The strings of orchestral movements, as string quartets: more music for the same four parts.

Knows how an orchestra names its strings: by their programs. Contrabasses, which mostly double the
cellos, and all other players are left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from arranger.ensembles import Ensemble, load_ensemble
from arranger.files import FileError, Track, read
from arranger.files.formats import READABLE

from .folders import SUBSETS, Prepared, by_stem, find_files, open_corpus, write_corpus
from .references import Reference, reference_of
from .scores import by_work

VIOLIN, VIOLA, CELLO = 40, 41, 42
QUARTET = [VIOLIN, VIOLIN, VIOLA, CELLO]
"""The programs of the strings, in the order of the score, of a movement that is taken."""


def prepare_strings(out_dir: Path, source: Path, progress: bool = True) -> Prepared:
    """Write to ``out_dir`` the strings of every score anywhere in ``source`` that has two tracks of
    violins, one of violas and one of cellos, split by work as the orchestras are."""
    files = by_stem(find_files(source, *READABLE))
    if not files:
        raise ValueError(f"{source}: no scores in it to prepare strings from")
    open_corpus(out_dir, source)
    ensemble = load_ensemble("quartet")
    split: dict[str, list[str]] = {subset: [] for subset in SUBSETS}
    for n, name in enumerate(sorted(files)):
        subset = by_work(n, name)
        split[subset].append(f"{subset}/{name}.mid")

    def read_piece(name: str) -> Reference | None:
        return read_strings(files[Path(name).stem], ensemble)

    return write_corpus(out_dir, split, ensemble, read_piece, progress=progress)


def read_strings(path: Path, ensemble: Ensemble) -> Reference | None:
    """The strings of a score as the parts of a quartet; None if they are not divided as one."""
    try:
        score = read(path)
    except FileError:
        return None
    strings = [
        t
        for t, track in enumerate(score.tracks)
        if track.program in QUARTET and (score.track == t).any()
    ]
    if [score.tracks[t].program for t in strings] != QUARTET:
        return None
    player = dict(zip(strings, ensemble.names, strict=True))
    tracks = tuple(Track(player.get(t), None) for t in range(len(score.tracks)))
    return reference_of(replace(score, tracks=tracks), ensemble)
