"""Pieces of five styles, for models that go on from a piece: a folder of MIDI files a style.

``song``: voice and piano; ``piano``: what the piano plays in the songs; ``quartet``, ``chorale``
and ``folk``. Knows where each comes from; no ensemble and no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from arranger.files import FileError, Score, read
from arranger.files.building import DocumentBuilder
from arranger.files.joining import write_as_it_stands
from arranger.notes import Note, NoteSequence
from evaluation.generation.tune_books import read_tunes

from .folders import SUBSETS, Prepared, close_corpus, find_files, open_corpus, published_split
from .notation import read_unfolded

STYLES = ("song", "piano", "quartet", "chorale", "folk")
FEWEST = 24
"""A piece of fewer notes is left out."""


class Piece(NamedTuple):
    """``name`` is its path in the corpus, whose folder is its style."""

    name: str
    subset: str
    notes: NoteSequence


def prepare_styles(out_dir: Path, source: Path, progress: bool = True) -> Prepared:
    """Write to ``out_dir`` what the folders of ``source`` hold.

    ``lieder``: the scores of OpenScore Lieder (``lc*.mxl``) or MIDI files of them. ``quartets`` and
    ``chorales``: those corpora as they are prepared here, with their splits. ``folk_abc``: books of
    tunes in ABC. A piece that has, in order, the pitches of one in an earlier subset (of test,
    valid, train) is left out. ValueError where a folder is missing.
    """
    for folder in ("lieder", "quartets", "chorales", "folk_abc"):
        if not (source / folder).is_dir():
            raise ValueError(
                f"{source}: no folder {folder}, expected lieder, quartets, chorales, folk_abc"
            )
    open_corpus(out_dir, source)
    pieces = [*_songs(source / "lieder", progress)]
    pieces += _reference_pieces(source / "quartets", "quartets", "quartet")
    pieces += _reference_pieces(source / "chorales", "chorales", "chorale")
    pieces += _tunes(source / "folk_abc")
    pieces.sort(key=lambda piece: SUBSETS[::-1].index(piece.subset))
    split: dict[str, list[str]] = {subset: [] for subset in SUBSETS}
    counts: dict[str, int] = {}
    subset_with: dict[bytes, str] = {}
    remarks = []
    for name, subset, notes in tqdm(pieces, desc="styles", unit="piece", disable=not progress):
        if len(notes) < FEWEST:
            continue
        melody = np.diff(notes.pitch).astype(np.int8).tobytes()
        if subset_with.setdefault(melody, subset) != subset:
            remarks.append(f"{name}: a piece of the subset {subset_with[melody]}, left out")
            continue
        (out_dir / name).parent.mkdir(parents=True, exist_ok=True)
        write_as_it_stands(out_dir / name, _score(notes))
        split[subset].append(name)
        counts[name] = len(notes)
    close_corpus(out_dir, split)
    return Prepared(split, counts, tuple(remarks))


def subset_of(number: int) -> str:
    """Where a song or tune belongs: of twenty in a row, one is a test and one a valid piece."""
    return {0: "test", 10: "valid"}.get(number % 20, "train")


def _songs(folder: Path, progress: bool) -> Iterator[Piece]:
    """Each song twice: with its voices, and its piano alone."""
    paths = find_files(folder, ".mid", ".mxl")
    for path in tqdm(paths, desc="songs", unit="song", disable=not progress):
        number = path.stem.removeprefix("lc")
        if not number.isdecimal():
            continue
        try:
            score = read_unfolded(path) if path.suffix == ".mxl" else read(path)
        except FileError:
            continue
        subset = subset_of(int(number))
        yield Piece(f"song/{path.stem}.mid", subset, score.notes)
        at_piano = np.array(["piano" in (track.name or "").casefold() for track in score.tracks])
        if at_piano.any():
            notes = score.notes.take(at_piano[score.track])
            yield Piece(f"piano/{path.stem}.mid", subset, notes)


def _reference_pieces(folder: Path, corpus: str, style: str) -> Iterator[Piece]:
    split = published_split(corpus)
    for subset in SUBSETS:
        for name in split[subset]:
            if (folder / name).is_file():
                yield Piece(f"{style}/{Path(name).stem}.mid", subset, read(folder / name).notes)


def _tunes(folder: Path) -> Iterator[Piece]:
    for n, tune in enumerate(read_tunes(find_files(folder, ".abc"))):
        yield Piece(f"folk/{tune.name}.mid", subset_of(n), tune.notes)


def _score(notes: NoteSequence) -> Score:
    """``notes`` on one track, under their meters and tempos."""
    builder = DocumentBuilder(notes.resolution)
    for meter in notes.meters:
        builder.add_meter(*meter)
    for tempo in notes.tempos:
        builder.add_tempo(*tempo)
    columns = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    builder.add_track(None, None, False, [Note(*row) for row in rows])
    return Score.from_document(builder.document())
