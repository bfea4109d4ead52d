"""What a training config says: one frozen dataclass a section; unknown keys are errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from arranger.configuration import VIEW_OF_MODE, ModelConfig, section
from arranger.ensembles import Ensemble, load_ensemble

from .batches import Variation


@dataclass(frozen=True)
class TrainingConfig:
    """How the loop goes; the weights that are kept are a running average.

    ``optimizer`` and ``schedule`` (cosine or epochs, with ``decay``, ``decay_after`` and ``floor``)
    are those of ``optimisers``; ``patience`` is how many looks in a row may be no better before
    the run stops (0: any number); ``bf16`` computes in half precision on the CPU too.
    ``rate`` is the highest learning rate, ``average`` the decay of the running average a step,
    ``own`` the share of examples that late in training follow the model's own decisions (memory
    heads), ``exchange`` how much of the loss lets parts that are alike take each other's name
    (``part_task``), ``every`` the steps between two looks at the valid pieces, ``valid`` how many
    of these are looked at, evenly spread (0: all).
    """

    steps: int = 1200
    batch: int = 16
    rate: float = 3e-3
    weight_decay: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    average: float = 0.99
    own: float = 0.9
    exchange: float = 0.0
    smoothing: float = 0.0
    every: int = 100
    valid: int = 0
    seed: int = 0
    optimizer: str = "adamw"
    schedule: str = "cosine"
    decay: float = 1.0
    decay_after: int = 0
    floor: float = 0.0
    patience: int = 0
    bf16: bool = False


@dataclass(frozen=True)
class RunConfig:
    """A whole training run. ``mode``: live, chord-live or offline; it sets the model's view.
    ``transpositions``: in which a model hears a piece when it is used; ``width``: how many
    alternatives its decoder then follows (None: as usual for the mode); ``tilted``: whether,
    offline, it takes pitch hints at their word (``arranger.agreement``)."""

    name: str
    mode: str
    ensemble: Ensemble
    data: str
    licence: str
    model: ModelConfig
    variation: Variation
    training: TrainingConfig
    transpositions: tuple[int, ...] = (0,)
    width: int | None = None
    tilted: bool = False

    def with_seed(self, seed: int) -> RunConfig:
        """The same run from another seed."""
        return replace(self, training=replace(self.training, seed=seed))


def read_config(path: str | Path) -> Any:
    """What a YAML file says, and what the file that it is ``like`` says of all else; ValueError
    where either cannot be read.

    A section says only what differs, key by key; a key's value is replaced as a whole.
    """
    document = _read_yaml(path)
    if not isinstance(document, Mapping) or "like" not in document:
        return document
    other = Path(path).parent / str(document["like"])
    base = _read_yaml(other)
    if not isinstance(base, Mapping) or "like" in base:
        raise ValueError(f"{path}: {other} must be a config that is like no other")
    own = {key: value for key, value in document.items() if key != "like"}
    return {**base, **{key: _merged(base.get(key), value) for key, value in own.items()}}


def _merged(base: Any, own: Any) -> Any:
    both = isinstance(base, Mapping) and isinstance(own, Mapping)
    return {**base, **own} if both else own


def _read_yaml(path: str | Path) -> Any:
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable YAML file ({type(error).__name__})") from error


def load_run(path: str | Path) -> RunConfig:
    """A run from a YAML file; ValueError, in one sentence, for whatever is wrong in it."""
    document = read_config(path)
    try:
        return _parse(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a training config: {error}") from error


def _parse(document: Any) -> RunConfig:
    if not isinstance(document, Mapping):
        raise ValueError("expected keys and values")
    mode = document.get("mode")
    if mode not in VIEW_OF_MODE:
        raise ValueError(f"mode must be one of {', '.join(VIEW_OF_MODE)}, not {mode!r}")
    if document.get("tilted") and mode != "offline":
        raise ValueError(f"only an offline model can be tilted, this one is {mode}")
    sections = dict(document)
    ensemble = load_ensemble(sections.get("ensemble", "chorale"))
    sections["ensemble"] = ensemble
    sections["model"] = ModelConfig.from_dict(
        {"view": VIEW_OF_MODE[mode], "parts": len(ensemble), **(document.get("model") or {})}
    )
    model = sections["model"]
    if model.described and model.head.kind != "memory":
        raise ValueError("a model of described parts needs a head of the kind memory")
    variation = dict(document.get("variation") or {})
    if "transpose" in variation:
        variation["transpose"] = tuple(variation["transpose"])
    sections["transpositions"] = tuple(document.get("transpositions") or (0,))
    sections["variation"] = section(Variation, variation, "variation")
    sections["training"] = section(TrainingConfig, document.get("training") or {}, "training")
    run: RunConfig = section(RunConfig, sections, "run")
    return run
