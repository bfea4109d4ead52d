"""The pieces that token models learn from and are measured on: scores, folk tunes or chorales.

Knows files and splits; tokens only in that a score is notes, a tune words, a chorale four voices.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from arranger.clock import DEFAULT_TEMPO, Clock
from arranger.files import FileError, read
from arranger.files.formats import READABLE
from arranger.notes import IntArray, NoteSequence, Tempo
from arranger.tokenizers import Tokenizer
from arranger.tokenizers.folk import FolkTokens
from arranger.tokenizers.grid import REST, VOICES, GridTokens

from ..pieces import NO_SCORE
from ..splits import split_paths
from .tune_books import read_tunes

CHORALES = "Jsb16thSeparated.json"
"""A corpus that is one file: for each split its chorales, for each 16th the pitch of each voice."""

VALID_SHARE = 0.1
"""Of the training files, where a corpus has no valid ones of its own."""


@dataclass(frozen=True)
class ScorePiece:
    """The notes of a score that its tokens can say. ``style`` is one of theirs, if it has one."""

    name: str
    notes: NoteSequence
    style: str | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        clock = Clock(self.notes.tempos, self.notes.resolution)
        return float(clock.seconds(self.notes.offset.max(initial=0)))

    def ids(self, tokens: Tokenizer[Any], semitones: int = 0, stretch: float = 1.0) -> IntArray:
        """Its tokens, transposed, and slower by ``stretch`` where they count in seconds."""
        notes = self.notes.transposed(semitones)
        if stretch != 1.0:
            tempos = [Tempo(0, DEFAULT_TEMPO), *notes.tempos]
            slower = tuple(Tempo(tick, quarters / stretch) for tick, quarters in tempos)
            notes = replace(notes, tempos=slower)
        return closed(tokens, tokens.encode(notes))

    def room(self, tokens: Tokenizer[Any], limits: tuple[int, int]) -> range:
        """The transpositions within ``limits`` that leave every note a pitch of the tokens."""
        low, high = tokens.pitches[0], tokens.pitches[-1]
        down = max(limits[0], low - int(self.notes.pitch.min(initial=high)))
        up = min(limits[1], high - int(self.notes.pitch.max(initial=low)))
        return range(min(0, down), max(0, up) + 1)


@dataclass(frozen=True)
class TunePiece:
    """A folk tune as words, always on C."""

    name: str
    spoken: tuple[str, ...]
    notes: NoteSequence
    style: str | None = None

    @property
    def head(self) -> str:
        """Its meter and its mode, as a style of folk tokens."""
        return f"{self.spoken[1][2:]} {self.spoken[2][3:]}"

    @property
    def seconds(self) -> float:
        """How long it lasts at 120 quarters a minute."""
        return float(Clock((), self.notes.resolution).seconds(self.notes.offset.max(initial=0)))

    def ids(self, tokens: Tokenizer[Any], semitones: int = 0, stretch: float = 1.0) -> IntArray:
        """Its tokens; a tune is not varied."""
        assert isinstance(tokens, FolkTokens)
        return tokens.encode_words(self.spoken)

    def room(self, tokens: Tokenizer[Any], limits: tuple[int, int]) -> range:
        """No transposition but none."""
        return range(1)


@dataclass(frozen=True)
class ChoralePiece:
    """A chorale as the pitches of its four voices, (T, 4), at each 16th, and as notes."""

    name: str
    voices: IntArray
    notes: NoteSequence
    style: str | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts at 120 quarters a minute."""
        return len(self.voices) / 8

    def ids(self, tokens: Tokenizer[Any], semitones: int = 0, stretch: float = 1.0) -> IntArray:
        """Its tokens, transposed."""
        assert isinstance(tokens, GridTokens)
        moved = np.where(self.voices == REST, REST, self.voices + semitones)
        return closed(tokens, tokens.encode_voices(moved.tolist()))

    def room(self, tokens: Tokenizer[Any], limits: tuple[int, int]) -> range:
        """The transpositions within ``limits`` that leave every voice in its range."""
        down, up = limits
        for sung, voice in zip(self.voices.T, VOICES.values(), strict=True):
            pitches = sung[sung != REST]
            down = max(down, voice[0] - int(pitches.min(initial=voice[-1])))
            up = min(up, voice[-1] - int(pitches.max(initial=voice[0])))
        return range(min(0, down), max(0, up) + 1)


TokenPiece = ScorePiece | TunePiece | ChoralePiece


def closed(tokens: Tokenizer[Any], ids: IntArray) -> IntArray:
    """A piece's tokens between what opens and what ends one."""
    ends = [] if tokens.end is None else [tokens.end]
    return np.array([*tokens.opening, *ids.tolist(), *ends], dtype=np.int64)


def load_token_pieces(
    folder: str | Path, split: str, tokens: Tokenizer[Any], valid_share: float = VALID_SHARE
) -> list[TokenPiece]:
    """The pieces of one split of the corpus in ``folder``: train, valid or test.

    The split is that of its split.json; without one, of its folders ``train`` and ``test``, where
    ``valid_share`` of the training files are the valid ones; without these, every tenth file is a
    test one. ABC files are books of tunes, for folk tokens; the JSB chorales are one file, whose
    voices grid tokens keep apart. A score in a folder that is named like a style of the tokens is
    in that style. ValueError if nothing is left.
    """
    pieces: list[TokenPiece] = []
    if (Path(folder) / CHORALES).is_file():
        chorales = _chorales(Path(folder) / CHORALES, split)
        if isinstance(tokens, GridTokens):
            return list(chorales)
        return [ScorePiece(chorale.name, chorale.notes) for chorale in chorales]
    paths = _split(Path(folder), split, valid_share)
    if isinstance(tokens, FolkTokens):
        tunes = enumerate(read_tunes(paths))
        pieces += [TunePiece(*tune) for i, tune in tunes if _part(i, valid_share) == split]
    else:
        pieces += _scores(paths, tokens)
    if not pieces:
        raise ValueError(f"{folder}: no piece of the split {split!r} can be said in these tokens")
    return pieces


def _split(folder: Path, split: str, valid_share: float) -> list[Path]:
    if (folder / "split.json").is_file():
        return split_paths(folder, split)
    if not folder.is_dir():
        raise ValueError(f"{folder}: there is no such folder")
    if split not in {"train", "valid", "test"}:
        raise ValueError(f"{folder}: no split {split!r}; expected train, valid or test")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in READABLE and path.name != NO_SCORE
    )
    if found and all(path.suffix.lower() == ".abc" for path in found):
        return found  # tunes are split one by one
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        if split == "test":
            return [path for path in found if path.is_relative_to(folder / "test")]
        found = [path for path in found if path.is_relative_to(folder / "train")]
        every = _every(valid_share)
        return [p for i, p in enumerate(found) if (i % every == every // 2) == (split == "valid")]
    return [path for i, path in enumerate(found) if _part(i, valid_share) == split]


def _part(i: int, valid_share: float) -> str:
    """The split of piece ``i`` of a corpus that has none: spread evenly, a tenth to test."""
    if i % 10 == 9:
        return "test"
    return "valid" if i % _every(valid_share) == 4 else "train"


def _every(valid_share: float) -> int:
    """One piece in so many is a valid one; with a share of 0, of more than there can be."""
    return max(2, round(1 / valid_share)) if valid_share else sys.maxsize


@cache
def _notes(path: Path) -> NoteSequence | None:
    """The notes of a file, read once however many models are measured on it; None if it has none
    that can be read."""
    try:
        return read(path).notes
    except FileError:
        return None


def _scores(paths: Iterable[Path], tokens: Tokenizer[Any]) -> Iterator[ScorePiece]:
    for path in paths:
        notes = _notes(path)
        if notes is None:
            continue
        refused = tokens.refusals(notes)
        if refused:
            kept = np.ones(len(notes), bool)
            kept[list(refused)] = False
            notes = notes.take(kept)
        if len(notes):
            folder = path.parent.name
            yield ScorePiece(path.stem, notes, folder if folder in tokens.styles else None)


def _chorales(path: Path, split: str) -> Iterator[ChoralePiece]:
    tokens = GridTokens()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))[split]
        for n, sixteenths in enumerate(found):
            notes = tokens.decode(tokens.encode_voices(sixteenths))
            voices = np.array(sixteenths, dtype=np.int64).reshape(-1, len(VOICES))
            yield ChoralePiece(f"{split}-{n}", voices, notes)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as chorales: {error}") from error
