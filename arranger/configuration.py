"""How a part model is built: one frozen dataclass a section, and its YAML or JSON form.

Unknown keys are errors. Knows the names of features and backbones; not torch, not weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .features.table import FeatureSpec


@dataclass(frozen=True)
class BackboneConfig:
    """``kind``: lstm or transformer. ``heads`` and ``feed_forward`` are the transformer's,
    ``residual`` the LSTM's."""

    kind: str
    units: int
    layers: int
    dropout: float = 0.2
    residual: bool = False
    heads: int = 8
    feed_forward: int = 256

    def __post_init__(self) -> None:
        if self.kind not in {"lstm", "transformer"}:
            raise ValueError(f"backbone kind must be lstm or transformer, not {self.kind!r}")


@dataclass(frozen=True)
class HeadConfig:
    """``kind``: linear, or memory (reads what each part has played, with ``units`` units)."""

    kind: str = "linear"
    units: int = 128

    def __post_init__(self) -> None:
        if self.kind not in {"linear", "memory"}:
            raise ValueError(f"head kind must be linear or memory, not {self.kind!r}")


@dataclass(frozen=True)
class ModelConfig:
    """``codes`` maps integer features to the width of their embedding, ``values`` names real
    features; see ``features.FeatureSpec``. ``view``: note, chord or piece."""

    view: str
    parts: int
    codes: Mapping[str, int]
    values: tuple[str, ...]
    backbone: BackboneConfig
    head: HeadConfig = HeadConfig()

    @property
    def spec(self) -> FeatureSpec:
        return FeatureSpec(self.view, self.parts, tuple(self.codes), self.values)

    @property
    def causal(self) -> bool:
        """Whether the model hears the piece as it goes by."""
        return self.view != "piece"

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ModelConfig:
        """The config that ``document`` describes; ValueError names what is wrong in it."""
        sections = dict(document)
        sections["backbone"] = section(BackboneConfig, document.get("backbone", {}), "backbone")
        sections["head"] = section(HeadConfig, document.get("head", {}), "head")
        sections["values"] = tuple(document.get("values", ()))
        config: ModelConfig = section(cls, sections, "model")
        config.spec  # noqa: B018  refuses unknown features at once
        return config

    def to_dict(self) -> dict[str, Any]:
        """The config as plain data."""
        return {**asdict(self), "codes": dict(self.codes), "values": list(self.values)}


def section(cls: type[Any], document: Mapping[str, Any], name: str) -> Any:
    """An instance of the dataclass ``cls`` from ``document``; unknown keys are errors."""
    known = {f.name for f in fields(cls)}
    unknown = sorted(set(document) - known)
    if unknown:
        raise ValueError(
            f"{name}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    try:
        return cls(**document)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from error
