"""Folk tunes made by a model, from their meter and mode on: whether they can be read, and whether
their bars are as long as their meter says.

The tunes are judged by music21 alone, which knows nothing of our grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from arranger.notes import NoteSequence
from arranger.sampling import Sampling, allowed, draw
from arranger.token_checkpoints import TokenCheckpoint
from arranger.tokenizers.folk import FolkTokens

LONGEST = 1024
"""Words of a tune; one that has not ended by then is not sound."""

_METER = re.compile(r"(?m)^M:(\d+/\d+)$")


def evaluate_tunes(
    checkpoint: TokenCheckpoint, styles: Sequence[str], count: int, sampling: Sampling, seed: int
) -> dict[str, float]:
    """``count`` tunes, in ``styles`` in turn (each a meter and a mode): the share that music21
    reads with bars of the right length, and the words of a tune on average."""
    said = list(sample_tunes(checkpoint, styles, count, sampling, seed))
    tokens = checkpoint.tokenizer
    assert isinstance(tokens, FolkTokens)
    sound = sum(ids[-1] == tokens.end and is_sound(tokens.text(ids)) for ids in said)
    return {"tunes": count, "sound": sound / count, "words": float(np.mean([*map(len, said)]))}


def sample_tunes(
    checkpoint: TokenCheckpoint, styles: Sequence[str], count: int, sampling: Sampling, seed: int
) -> Iterator[list[int]]:
    """Tunes as tokens, from the first to the one that ends them, or ``LONGEST`` of them."""
    tokens, model = checkpoint.tokenizer, checkpoint.predictor()
    empty = NoteSequence.from_rows([], tokens.resolution)[0]
    for n in range(count):
        rng, ids = np.random.default_rng([seed, n]), list[int]()
        state: Any = tokens.start()
        upcoming = tokens.encode(empty, style=styles[n % len(styles)])
        scores, past = model.read(np.array([*tokens.opening, *upcoming.tolist()], dtype=np.int64))
        ids += upcoming.tolist()
        for token in ids:
            state, _ = tokens.step(state, token)
        while ids[-1] != tokens.end and len(ids) < LONGEST:
            token = draw(scores, [allowed(tokens.legal(state)), *sampling.filters()], rng)
            state, _ = tokens.step(state, token)
            ids.append(token)
            scores, past = model.read(np.array([token]), past)
        yield ids


def is_sound(text: str) -> bool:
    """Whether music21 reads the tune ``text`` (ABC), and finds no bar longer than its meter, and
    none shorter but at the beginning or the end of a strain."""
    from music21 import abcFormat, converter
    from music21.exceptions21 import Music21Exception

    try:
        notes = converter.parse(text, format="abc", forceSource=True).recurse().notes
        bars = [bar for bar in abcFormat.ABCFile().readstr(text).splitByMeasure() if bar.hasNotes()]
    except (Music21Exception, LookupError, ValueError, ZeroDivisionError):
        return False
    meter = _METER.search(text)
    if not len(notes) or not bars or meter is None:
        return False
    full = 4 * Fraction(meter[1])
    edges = [_closes(bar.leftBarToken) for bar in bars] + [True]
    for i, bar in enumerate(bars):
        length = sum(map(_quarters, bar.tokens))
        begins = i == 0 or edges[i] or _closes(bars[i - 1].rightBarToken)
        ends = edges[i + 1] or _closes(bar.rightBarToken)
        if length > full or (length < full and not begins and not ends):
            return False
    return True


def _quarters(token: Any) -> Fraction:
    """How long a note or a rest of music21's lasts; 0 for other tokens."""
    length = Fraction(getattr(token, "quarterLength", None) or 0).limit_denominator(96)
    tuplet = getattr(token, "activeTuplet", None)
    return length if tuplet is None else length * Fraction(tuplet.tupletMultiplier())


def _closes(line: Any) -> bool:
    """Whether a bar line of music21's ends or begins a strain."""
    return line is not None and (line.barType, line.barStyle) != ("barline", "regular")
