"""Corpora that anyone can prepare from files that anyone can obtain.

``prepare`` writes a folder of scores, mostly MIDI files with one track for each part of an
ensemble, and the split that the reported numbers use.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .chorales import prepare_chorales
from .folders import Prepared
from .game import prepare_game
from .pop import prepare_pop
from .quartets import prepare_quartets
from .scores import PREPARATIONS
from .strings import prepare_strings
from .styles import prepare_styles

_FROM_FILES: dict[str, Callable[[Path, Path], Prepared]] = {
    "quartets": prepare_quartets,
    "game": prepare_game,
    "pop": prepare_pop,
    "strings": prepare_strings,
    "styles": prepare_styles,
    **PREPARATIONS,
}


def prepare(corpus: str, out_dir: str | Path, source: str | Path | None = None) -> Prepared:
    """Write ``corpus`` to ``out_dir`` from the files in ``source``.

    Only the chorales need no source: music21 brings them. ValueError, with one sentence, where the
    source is not what the corpus is prepared from or the folder cannot be used.
    """
    if corpus == "chorales":
        return prepare_chorales(out_dir, source)
    if source is None:
        raise ValueError(f"{corpus}: --source is missing, the folder of files to prepare it from")
    return _FROM_FILES[corpus](Path(out_dir), Path(source))
