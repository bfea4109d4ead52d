"""Tailoring: a model of roles made one of the parts of any ensemble, from what these are.

A model that was trained on ensembles of every kind knows no parts, only roles; a small net reads
how the parts of an ensemble are described and says how much of each role each part is. All that
the model has for a role it then has, mixed, for a part: the result is an ordinary model of that
ensemble, for whoever runs it. Knows ensembles, configs and weights; not how they are trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .configuration import ModelConfig
from .ensembles import Ensemble, Part

Array = NDArray[np.float32]
Weights = Mapping[str, Array]

_FAMILIES = 16
DESCRIPTION = 14 + _FAMILIES
"""Numbers that ``describe_parts`` gives for each part."""


_DESCRIBER = "describer."
_ENTRANCES = {
    "backbone.lstms.0.weight_ih_l0",
    "backbone.backward_lstms.0.weight_ih_l0",
    "backbone.embed.weight",
}
"""The weights that read the features, whatever the backbone."""


def describe_parts(parts: Sequence[Part]) -> Array:
    """What an ensemble says of each of its K parts, shape (K, DESCRIPTION).

    Its range (lowest, highest, middle, width, in octaves, and how its middle lies to those of all);
    whether it has one voice, several or any number; the family of its General MIDI program; its
    place in score order and in order of height; how many parts there are; how many play the same
    program, and how many of these come before it.
    """
    count = len(parts)
    low, high, program = (
        np.array([getattr(part, name) for part in parts], np.float32)
        for name in ("low", "high", "program")
    )
    middle = (low + high) / 2
    voices = [part.voices for part in parts]
    alike = program[:, None] == program
    place = np.arange(count) / max(count - 1, 1)
    height = np.argsort(np.argsort(-middle, kind="stable")) / max(count - 1, 1)
    columns = (
        (low - 60) / 12,
        (high - 60) / 12,
        (middle - 60) / 12,
        (high - low) / 24,
        (middle - middle.mean()) / 12,
        [v == 1 for v in voices],
        [v is not None and v > 1 for v in voices],
        [v is None for v in voices],
        place,
        height,
        np.full(count, count / 8),
        np.full(count, 1 / count),
        (alike.sum(axis=1) - 1) / 2,
        np.tril(alike, -1).sum(axis=1) / 2,
    )
    families = np.eye(_FAMILIES)[program.astype(np.int64) // 8]
    described: Array = np.concatenate([np.stack(columns, axis=1), families], axis=1)
    return described.astype(np.float32)


def mixture(weights: Weights, parts: Sequence[Part]) -> Array:
    """How much of each of J roles each of K parts is, (K, J): ``models.Describer`` in numpy."""

    def linear(name: str, x: Array) -> Array:
        y: Array = x @ weights[f"{_DESCRIBER}{name}.weight"].T + weights[f"{_DESCRIBER}{name}.bias"]
        return y

    own = np.maximum(linear("own", describe_parts(parts)), 0)
    among = linear("others", own.mean(axis=0, keepdims=True))
    return linear("roles", np.maximum(linear("among", own) + among, 0))


@dataclass(frozen=True)
class Pattern:
    """A model of roles: its config, whose parts are roles, and its weights."""

    config: ModelConfig
    weights: Weights

    def tailored(self, ensemble: Ensemble) -> tuple[ModelConfig, dict[str, Array]]:
        """The config and the weights of an ordinary model for ``ensemble``."""
        mix = mixture(self.weights, ensemble.parts)
        made = {n: w for n, w in self.weights.items() if not n.startswith(_DESCRIBER)}
        for name in _ENTRANCES & made.keys():
            made[name] = _widened(made[name], self.config, mix)
        last = "head"
        if self.config.head.kind == "memory":
            last = "head.out"
            made["head.played.weight"] = _mixed(made["head.played.weight"], mix)
        for kind in ("weight", "bias"):
            made[f"{last}.{kind}"] = mix @ made[f"{last}.{kind}"]
        return replace(self.config, parts=len(ensemble), described=0), made


def _widened(weight: Array, config: ModelConfig, mix: Array) -> Array:
    """Columns for the features of parts in place of those of roles."""
    start = sum(config.codes.values())
    pieces = [weight[:, :start]]
    for name, columns in config.spec.blocks.items():
        block = weight[:, start + columns.start : start + columns.stop]
        pieces.append(_mixed(block, mix) if name in config.spec.per_part else block)
    return np.concatenate(pieces, axis=1)


def _mixed(weight: Array, mix: Array) -> Array:
    """``weight`` (units, J * width), a block of columns for each role, as one for each part."""
    units, roles = len(weight), mix.shape[1]
    blocks = weight.reshape(units, roles, -1)
    mixed: Array = np.einsum("kj,ujw->ukw", mix, blocks).reshape(units, -1)
    return np.ascontiguousarray(mixed)
