"""Notes to tokens and back: one module a family, one registry of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .bars import BarTokens
from .chords import ChordTokens
from .durations import DurationTokens
from .events import midi_like, performance
from .folk import FolkTokens
from .grid import GridTokens
from .metrical import MetricalTokens
from .tokenizer import Mask, Said, State, Tokenizer

__all__ = ["TOKENIZERS", "Mask", "Said", "State", "Tokenizer", "tokenizer"]

TOKENIZERS: Mapping[str, Callable[..., Tokenizer[Any]]] = {
    "bar": BarTokens,
    "performance": performance,
    "performance-388": partial(performance, 100),
    "chord": ChordTokens,
    "folk": FolkTokens,
    "grid": GridTokens,
    "structured": partial(DurationTokens, True),
    "tsd": partial(DurationTokens, False),
    "midi-like": midi_like,
    "metrical": MetricalTokens,
}


def tokenizer(name: str, **options: Any) -> Tokenizer[Any]:
    """The tokenizer of that name; ``options`` as its class takes them (``words``, ``styles``)."""
    if name not in TOKENIZERS:
        raise ValueError(f"no tokenizer {name!r}; known are {', '.join(TOKENIZERS)}")
    try:
        return TOKENIZERS[name](**options)
    except TypeError as error:
        given = ", ".join(options)
        raise ValueError(f"the tokenizer {name} does not take all of: {given}") from error
