"""String quartets: OpenScore's for training, MusicNet's for testing.

Knows how both name their tracks. Programs are not believed: in MusicNet a violin's second staff has
that of a viola, and muspy reads OpenScore's one too high.

OpenScore's scores (github.com/OpenScore/StringQuartets, ``sq*.mxl``) are read with muspy, repeats
written out. MusicNet's files (``musicnet_midis``) are read as they are. Verified on MusicNet's own
files and on MIDI files made with muspy from OpenScore's scores; the scores were not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from arranger.ensembles import CONFIGS, Ensemble, load_ensemble
from arranger.files import Track, read

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
from .notation import read_unfolded
from .references import Reference, reference_of


class Naming(NamedTuple):
    """What ``configs/corpora/quartets.yaml`` says of the names of tracks."""

    manners: list[str]
    nobody: list[str]
    players: dict[str, list[str]]


def prepare_quartets(
    out_dir: Path, source: Path, split: Split | None = None, progress: bool = True
) -> Prepared:
    """Write the quartets of ``split`` (None: that of the reported numbers) to ``out_dir``.

    ``source`` holds the scores of both collections, by their names, in any folders.
    """
    split = published_split("quartets") if split is None else split
    found = by_stem(find_files(source, ".mid", ".mxl"))
    expected = "OpenScore's sq*.mxl and MusicNet's MIDI files (musicnet_midis)"
    require(names_in(split), found, source, expected)
    open_corpus(out_dir, source)
    ensemble = load_ensemble("quartet")

    def read_piece(name: str) -> Reference:
        return read_quartet(found[Path(name).stem], ensemble)

    return write_corpus(out_dir, split, ensemble, read_piece, progress=progress)


def read_quartet(path: Path, ensemble: Ensemble) -> Reference:
    """The four players of a score; a track that none of them plays is named in the remarks."""
    score = read_unfolded(path) if path.suffix == ".mxl" else read(path)
    players = players_of(path.stem, [track.name for track in score.tracks], ensemble)
    tracks = [Track(player, None) for player in players]
    reference = reference_of(replace(score, tracks=tuple(tracks)), ensemble)
    left_out = [
        f"nobody plays the track {track.name or 'without a name'}, which is left out"
        for track, player in zip(score.tracks, players, strict=True)
        if player is None
    ]
    return reference._replace(remarks=(*reference.remarks, *left_out))


def players_of(stem: str, tracks: Sequence[str | None], ensemble: Ensemble) -> list[str | None]:
    """The part of each of the ``tracks``, given by name, of the file ``stem``; None: nobody's.

    The table of ``Naming`` says it, or else the names do. Tracks whose names say nothing, such as
    two that are both named Violin, have the parts that are left, if they are as many.
    """
    naming = read_naming()
    if stem in naming.players:
        listed = naming.players[stem]
        if len(listed) != len(tracks):
            raise ValueError(f"{stem}: {len(tracks)} tracks have notes, expected {len(listed)}")
        return list(listed)
    players = [_player(name or "", ensemble) for name in tracks]
    left = [part for part in ensemble.names if part not in players]
    unknown = [
        i for i, player in enumerate(players) if player is None and tracks[i] not in naming.nobody
    ]
    if len(unknown) == len(left):
        for i, part in zip(unknown, left, strict=True):
            players[i] = part
    return players


@cache
def read_naming() -> Naming:
    path = CONFIGS / "corpora" / "quartets.yaml"
    return Naming(**yaml.safe_load(path.read_text(encoding="utf-8")))


def _player(name: str, ensemble: Ensemble) -> str | None:
    """The part that the name of a track means, however it is played."""
    words = [word for word in name.split() if word.casefold() not in read_naming().manners]
    part = ensemble.part_of_track(" ".join(words), None)
    return None if part is None else ensemble.names[part]
