"""Excerpts of pieces: some bars to go on from, and the bars that really follow.

Knows notes and bars; not who goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from arranger.notes import NoteSequence
from arranger.tokenizers.barlines import barlines

from .pieces import TokenPiece, TunePiece


@dataclass(frozen=True)
class Excerpt:
    """``prompt``: the first bars of a piece. ``truth``: the ``bars`` bars behind them, each ``bar``
    ticks long, counted from their own beginning, which is tick ``begin`` of the piece. ``style``
    is what the piece says of itself, for models that want to know."""

    name: str
    prompt: NoteSequence
    truth: NoteSequence
    begin: int
    bar: int
    bars: int
    style: str | None = None

    @property
    def beats(self) -> int:
        """The quarters of the truth, a broken one counted whole."""
        return -(-self.bar * self.bars // self.prompt.resolution)

    def behind(self, notes: NoteSequence) -> NoteSequence:
        """The notes of the piece ``notes`` that begin in the bars behind the prompt, counted as
        the truth is and cut where these bars end."""
        end = self.begin + self.bar * self.bars
        kept = notes.take((notes.onset >= self.begin) & (notes.onset < end))
        duration = np.minimum(kept.offset, end) - kept.onset
        return replace(kept, onset=kept.onset - self.begin, duration=duration, meters=(), tempos=())


def excerpts(
    pieces: Iterable[TokenPiece], before: int, bars: int, most: int | None = None
) -> list[Excerpt]:
    """The beginnings of ``pieces``, ``before`` bars and ``bars`` more; ``most`` of them, spread
    evenly over all. Left out are pieces that are shorter, that change their meter on the way, or
    that have nothing in the last bar of the prompt or behind it. ValueError if none is left.
    """
    found = [one for piece in pieces if (one := _excerpt(piece, before, bars)) is not None]
    if not found:
        raise ValueError(f"no piece has {before + bars} bars under one meter to go on from")
    return _spread(found, most or len(found))


def _excerpt(piece: TokenPiece, before: int, bars: int) -> Excerpt | None:
    notes = piece.notes
    lines = list(islice(barlines(notes), before + bars))
    lengths = {length for _, length in lines}
    bar, begin = lines[0][1], before * lines[0][1]
    if len(lengths) > 1 or int(notes.offset.max(initial=0)) < begin + bars * bar:
        return None
    kept = notes.take(notes.onset < begin)
    prompt = replace(kept, duration=np.minimum(kept.offset, begin) - kept.onset)
    heard = replace(
        prompt,
        meters=tuple(m for m in notes.meters if m.tick < begin),
        tempos=tuple(t for t in notes.tempos if t.tick < begin),
    )
    style = piece.head if isinstance(piece, TunePiece) else piece.style
    empty = Excerpt(piece.name, heard, heard, begin, bar, bars, style)
    truth = empty.behind(notes)
    if not len(truth) or int(prompt.offset.max(initial=0)) <= begin - bar:
        return None
    return replace(empty, truth=truth)


def _spread(found: Sequence[Excerpt], most: int) -> list[Excerpt]:
    if most >= len(found):
        return list(found)
    return [found[i * len(found) // most] for i in range(most)]
