"""Checkpoints of token models: as those that arrange, with a tokenizer in place of an ensemble.

Knows files and cards; torch only for models that run with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .checkpoints import FORMAT, CheckpointError, find, load_weights, read_card
from .committee import Committee
from .configuration import section
from .engine import rotary
from .engine.shapes import Shapes
from .notes import IntArray
from .sampling import NextToken
from .token_configuration import TokenModelConfig
from .tokenizers import Tokenizer, tokenizer
from .tokenizers.bearings import Bearings
from .transposing import Transposing

T = TypeVar("T")

MOST = 12
"""Semitones by which a piece may be heard higher or lower."""


@dataclass(frozen=True)
class TokenCard:
    """What a checkpoint is, on what it was trained and how good it is.

    ``tokenizer`` holds its name and options. ``config`` is that of the model or, for a committee of
    several, holds those of its ``members``. ``context`` is the length of the windows that the
    model was trained on, in tokens; ``last_only``: only what follows them was to be foretold.
    ``transpositions``: in which a model hears a piece when it is used, its expectations averaged.
    ``metrics`` maps a split to nats a token and what else was measured; ``data`` and ``licence``
    name the training set and its terms.
    """

    name: str
    tokenizer: Mapping[str, Any]
    config: Mapping[str, Any]
    context: int
    data: str
    licence: str
    last_only: bool = False
    transpositions: Sequence[int] = (0,)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    format: int = FORMAT


class Member(NamedTuple):
    """A model; ``weights`` maps the names of the torch model to arrays."""

    config: TokenModelConfig
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TokenCheckpoint:
    """A loaded checkpoint: a committee of ``members``, mostly of one."""

    card: TokenCard
    members: tuple[Member, ...]
    tokenizer: Tokenizer[Any]

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The weights as the checkpoint's file names them."""
        return _joined([member.weights for member in self.members])

    def predictor(self, device: str | None = None, precision: str = "auto") -> NextToken:
        """The model, ready to run, as ``predictor_for``."""
        bearings = self.tokenizer.bearings
        models = [predictor_for(*one, bearings, device, precision) for one in self.members]
        model = models[0] if len(models) == 1 else Committee(models)
        return Transposing(model, self.moves) if self.moves else model

    @cached_property
    def moves(self) -> list[IntArray]:
        """What each token becomes in each transposition that is heard; none for a model that hears
        a piece only as it is."""
        heard = [*self.card.transpositions]
        return [] if heard == [0] else [self.tokenizer.moved(by) for by in heard]


def load_tokens(name_or_path: str | Path) -> TokenCheckpoint:
    """The shipped checkpoint of that name, or the one in that folder.

    Raises CheckpointError for an unknown name, an unreadable file, a checkpoint that arranges, or
    a card that does not fit its weights.
    """
    folder = find(name_or_path, "tokenizer")
    document = read_card(folder)
    if "tokenizer" not in document:
        raise CheckpointError(f"{folder}: a checkpoint that arranges, expected one that generates")
    try:
        card: TokenCard = section(TokenCard, document, "card")
        tokens = tokenizer(**card.tokenizer)
        configs = _members_of(card.config)
        shapes = [_weight_shapes(config) for config in configs]
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder}: the card describes no token model: {error}") from error
    try:
        for config in configs:
            config.check(tokens)
        if len(configs) > 1 and card.last_only:
            raise ValueError("models of the last token of a window are no committee")
        check_transpositions(card.transpositions, tokens, card.last_only)
    except ValueError as error:
        raise CheckpointError(f"{folder}: {error}") from error
    weights = load_weights(folder, _joined(shapes))
    members = tuple(
        Member(config, {name: weights[before + name] for name in own})
        for config, own, before in zip(configs, shapes, _prefixes(len(configs)), strict=True)
    )
    return TokenCheckpoint(card, members, tokens)


def check_transpositions(heard: Sequence[int], tokens: Tokenizer[Any], last_only: bool) -> None:
    """ValueError if a model of ``tokens`` cannot hear a piece in the transpositions ``heard``."""
    several = isinstance(heard, list | tuple) and 0 in heard
    if not several or not all(type(by) is int and -MOST <= by <= MOST for by in heard):
        raise ValueError(f"transpositions must be whole numbers in {-MOST}..{MOST}, 0 among them")
    if len({*heard}) < len(heard):
        raise ValueError("no transposition may be heard twice")
    if [*heard] != [0]:
        tokens.moved(0)
        if last_only:
            raise ValueError("a model of the last token of a window hears one transposition")


def predictor_for(
    config: TokenModelConfig,
    weights: Mapping[str, NDArray[np.float32]],
    bearings: Bearings | None = None,
    device: str | None = None,
    precision: str = "auto",
) -> NextToken:
    """A model at work, ``bearings`` being those of its tokens: in torch on ``device``, one of
    torch's names; None: with numpy where that can run it, else in torch on the processor."""
    if device is None and rotary.runs(config):
        return rotary.RotaryPredictor(config, weights, bearings)
    from .token_models import Predictor

    return Predictor(config, weights, bearings, device or "cpu", precision)


def _joined(members: Sequence[Mapping[str, T]]) -> dict[str, T]:
    """What each member has by the name of a weight, by that in the file of all of them."""
    return {
        before + name: value
        for before, member in zip(_prefixes(len(members)), members, strict=True)
        for name, value in member.items()
    }


def _prefixes(members: int) -> list[str]:
    return [""] if members == 1 else [f"{i}." for i in range(members)]


def _members_of(config: Mapping[str, Any]) -> list[TokenModelConfig]:
    """The configs of a card; ValueError if there are none."""
    found = [TokenModelConfig.from_dict(one) for one in config.get("members", [config])]
    if not found:
        raise ValueError("a committee has 1 member or more")
    return found


def _weight_shapes(config: TokenModelConfig) -> Shapes:
    if rotary.runs(config):
        return rotary.weight_shapes(config)
    from .token_models import weight_shapes

    return weight_shapes(config)


def describe_tokenizer(name: str, options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A tokenizer as plain data, as a card keeps it."""
    return {"name": name, **{key: list(value) for key, value in options.items()}}
