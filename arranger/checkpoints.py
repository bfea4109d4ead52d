"""Checkpoints: weights and the card that says what they are, in one folder.

``model.safetensors`` and ``card.json``. One loader takes the name of a shipped checkpoint or a
path. Knows files and cards; not torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .casting import Casting, cast
from .certainty import Certainty
from .configuration import VIEW_OF_MODE, ModelConfig, section
from .engine import Engine
from .engine.shapes import Shapes, weight_shapes
from .ensembles import Ensemble, Part
from .tailoring import Pattern

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PRETRAINED = Path(__file__).parent / "pretrained"
FORMAT = 1
ANY = "any"
"""Models for whatever parts are described are called any-live, any-chord-live and any-offline."""

TAILORED = 0.01
"""The ``distance`` of a model of described parts to any ensemble."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message is one sentence that says why."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint is, on what it was trained and how good it is.

    ``mode``: live, chord-live or offline. ``temperature`` divides the model's scores; the
    model hears a piece in each of ``transpositions`` (semitones) and averages, and the decoder
    follows ``width`` alternatives (None: as many as is usual for the mode). ``tilted``: offline, it
    takes pitch hints at their word (``agreement``). ``certainty`` holds the curves that calibrate
    its confidence (``certainty.Certainty``). ``metrics`` maps the split that it was chosen by and
    a kind of hints to the share of notes with the right part.
    ``data`` and ``licence`` name the training set and its terms, ``training`` how it was trained.
    """

    name: str
    mode: str
    ensemble: Mapping[str, Any]
    config: Mapping[str, Any]
    data: str
    licence: str
    temperature: float = 1.0
    transpositions: Sequence[int] = (0,)
    width: int | None = None
    tilted: bool = False
    certainty: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint. ``weights`` maps the names of the torch model to arrays.

    ``ensemble`` is what it arranges for: the one it was trained for or, with a ``casting``,
    another one. A model of described parts has been tailored to it from its ``pattern``.
    """

    card: Card
    config: ModelConfig
    ensemble: Ensemble
    weights: Mapping[str, NDArray[np.float32]]
    casting: Casting | None = None
    pattern: Pattern | None = None

    def engine(self) -> Engine:
        """The model, ready to run with numpy."""
        return Engine(self.config, self.weights, self.card.temperature)

    def certainty(self) -> Certainty:
        """How its confidence is to be taken."""
        return Certainty(self.card.certainty)

    def cast_for(self, ensemble: Ensemble) -> Checkpoint:
        """The same checkpoint at work for another ensemble, tailored to it or with a casting; as it
        is for its own."""
        if ensemble.parts == self.ensemble.parts:
            return self
        if self.pattern is not None:
            config, weights = self.pattern.tailored(ensemble)
            return replace(self, ensemble=ensemble, config=config, weights=weights)
        return replace(self, ensemble=ensemble, casting=cast(ensemble, self.ensemble))


def shipped(made_for: str = "ensemble") -> list[str]:
    """The names of the checkpoints that come with the package and whose card names an ensemble,
    or a tokenizer."""
    folders = sorted(path.parent for path in PRETRAINED.glob("*/card.json"))
    return [folder.name for folder in folders if made_for in read_card(folder)]


def find(name_or_path: str | Path, made_for: str = "ensemble") -> Path:
    """The folder of a shipped checkpoint, or the folder itself; CheckpointError if it is none."""
    for folder in (PRETRAINED / name_or_path, Path(name_or_path)):
        if (folder / "card.json").is_file():
            return folder
    names = ", ".join(shipped(made_for)) or "none"
    raise CheckpointError(f"no checkpoint {str(name_or_path)!r}: shipped are {names}")


def load(name_or_path: str | Path) -> Checkpoint:
    """The shipped checkpoint of that name, or the one in that folder.

    Raises CheckpointError for an unknown name, an unreadable file, or a card that does not fit
    its weights.
    """
    folder = find(name_or_path)
    card = load_card(folder)
    try:
        config = ModelConfig.from_dict(card.config)
        ensemble = _ensemble(card.ensemble)
        shapes = weight_shapes(config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: the card describes no model: {error}") from error
    if config.view != VIEW_OF_MODE[card.mode]:
        raise CheckpointError(
            f"{folder}: a {card.mode} model has the {VIEW_OF_MODE[card.mode]} view, "
            f"this one the {config.view} view"
        )
    if config.described:
        pattern = Pattern(config, load_weights(folder, shapes))
        config, weights = pattern.tailored(ensemble)
        return Checkpoint(card, config, ensemble, weights, pattern=pattern)
    if config.spec.parts != len(ensemble):
        raise CheckpointError(
            f"{folder}: the model scores {config.spec.parts} parts, its ensemble has "
            f"{len(ensemble)}"
        )
    return Checkpoint(card, config, ensemble, load_weights(folder, shapes))


def load_for(name_or_path: str | Path | None, ensemble: Ensemble, mode: str) -> Checkpoint:
    """The named checkpoint at work for ``ensemble``; None: the shipped one that fits it best.

    ValueError if the checkpoint was made for another mode.
    """
    checkpoint = load(name_or_path or _nearest(ensemble, mode))
    if checkpoint.card.mode != mode:
        raise ValueError(
            f"model {checkpoint.card.name} is made for {checkpoint.card.mode}, not for {mode}"
        )
    return checkpoint.cast_for(ensemble)


def distance(card: Card, ensemble: Ensemble) -> float:
    """How far the parts of ``ensemble`` are from those for which a checkpoint was made, to choose
    one by: less than 0 for the same names, 0 for the same programs, a little more for whatever a
    model of described parts is tailored to, and otherwise what a cast costs."""
    known = _ensemble(card.ensemble)
    if card.config.get("described"):
        return TAILORED
    if known.names == ensemble.names:
        return -1.0
    if [part.program for part in known.parts] == [part.program for part in ensemble.parts]:
        return 0.0
    return TAILORED + cast(ensemble, known).cost


def _nearest(ensemble: Ensemble, mode: str) -> str:
    """The default checkpoint of a mode whose parts are nearest to those of ``ensemble``."""
    cards = {name: load_card(PRETRAINED / name) for name in shipped()}
    defaults = {
        name: distance(card, ensemble)
        for name, card in cards.items()
        if name in {f"{card.ensemble['name']}-{mode}", f"{ANY}-{mode}"}
    }
    if not defaults:
        raise CheckpointError(f"no {mode} checkpoint is shipped; name one with --model")
    return min(defaults, key=defaults.__getitem__)


def load_card(folder: Path) -> Card:
    """The card in ``folder``, checked for its format and keys."""
    document = read_card(folder)
    if "tokenizer" in document:
        raise CheckpointError(f"{folder}: a checkpoint that generates, expected one that arranges")
    try:
        transpositions = tuple(int(by) for by in document.get("transpositions", (0,)))
        card: Card = section(Card, {**document, "transpositions": transpositions}, "card")
        Certainty(card.certainty)  # refuses what is no curve at once
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    if card.mode not in VIEW_OF_MODE:
        raise CheckpointError(
            f"{folder}: mode must be one of {', '.join(VIEW_OF_MODE)}, not {card.mode!r}"
        )
    if card.tilted and card.mode != "offline":
        raise CheckpointError(f"{folder}: only an offline model can be tilted")
    if not transpositions or max(map(abs, transpositions)) > 12:
        raise CheckpointError(f"{folder}: expected transpositions within an octave")
    if not card.temperature > 0:
        raise CheckpointError(
            f"{folder}: temperature must be a number above 0, not {card.temperature!r}"
        )
    return card


def read_card(folder: Path) -> dict[str, Any]:
    """The card in ``folder`` as plain data, checked for its format alone."""
    try:
        document = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{folder}: the card cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CheckpointError(f"{folder}: expected a card of format {FORMAT}")
    return document


def save(folder: Path, card: DataclassInstance, weights: Mapping[str, NDArray[Any]]) -> None:
    """Write a checkpoint."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: np.ascontiguousarray(array) for name, array in weights.items()},
        folder / "model.safetensors",
    )
    save_card(folder, card)


def save_card(folder: Path, card: DataclassInstance) -> None:
    """Write the card of a checkpoint whose weights are in ``folder``."""
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")


def describe_ensemble(ensemble: Ensemble) -> dict[str, Any]:
    """An ensemble as plain data, as a card keeps it."""
    parts = [
        {**asdict(part), "aliases": list(part.aliases), "programs": list(part.programs)}
        for part in ensemble.parts
    ]
    return {"name": ensemble.name, "parts": parts}


def _ensemble(document: Mapping[str, Any]) -> Ensemble:
    parts = [
        Part(
            **{
                **part,
                "aliases": tuple(part["aliases"]),
                "programs": tuple(part.get("programs", ())),
            }
        )
        for part in document["parts"]
    ]
    return Ensemble(document["name"], tuple(parts))


def _misfit(weights: Mapping[str, NDArray[np.float32]], shapes: Shapes) -> str | None:
    """Why ``weights`` are not those of a model with ``shapes``; None if they are."""
    for name in sorted(shapes.keys() | weights.keys()):
        if name not in weights:
            return f"{name} is missing"
        if name not in shapes:
            return f"{name} has no place in the model"
        if weights[name].shape != shapes[name]:
            return f"{name} has the shape {weights[name].shape}, expected {shapes[name]}"
    return None


def load_weights(folder: Path, shapes: Shapes) -> dict[str, NDArray[np.float32]]:
    """The weights in ``folder``; CheckpointError where they do not have ``shapes``."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        stored = load_file(folder / "model.safetensors")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: the weights cannot be read: {error}") from error
    weights = {name: array.astype(np.float32) for name, array in stored.items()}
    misfit = _misfit(weights, shapes)
    if misfit:
        raise CheckpointError(f"{folder}: the card does not fit the weights: {misfit}")
    return weights
