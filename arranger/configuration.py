"""How a part model is built: one frozen dataclass a section, and its YAML or JSON form.

Unknown keys are errors. Knows the names of features and backbones; not torch, not weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from .features import RECALLS, FeatureSpec
from .notes import MODEL_RESOLUTION

VIEW_OF_MODE = {"live": "note", "chord-live": "chord", "offline": "piece"}
"""What the models of each mode may know of a note."""


@dataclass(frozen=True)
class BackboneConfig:
    """``kind``: lstm or transformer. ``heads`` and ``feed_forward`` are the transformer's,
    ``residual`` the LSTM's; ``window``: how many notes attention sees where a piece is heard as it
    goes by, None: all."""

    kind: str
    units: int
    layers: int
    dropout: float = 0.2
    residual: bool = False
    heads: int = 8
    feed_forward: int = 256
    window: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in {"lstm", "transformer"}:
            raise ValueError(f"backbone kind must be lstm or transformer, not {self.kind!r}")
        if self.kind == "transformer" and self.units % self.heads:
            raise ValueError(f"{self.heads} heads cannot share {self.units} units evenly")
        if self.window is not None and self.kind == "lstm":
            raise ValueError("an LSTM has no window")
        if self.window is not None and self.window < 1:
            raise ValueError(f"a window is of 1 note or more, not {self.window}")


@dataclass(frozen=True)
class HeadConfig:
    """``kind``: linear, or memory (reads what each part has played, with ``units`` units);
    ``recalls``: what it reads beside the last notes, names of ``features.RECALLS``."""

    kind: str = "linear"
    units: int = 128
    recalls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in {"linear", "memory"}:
            raise ValueError(f"head kind must be linear or memory, not {self.kind!r}")
        for name in self.recalls:
            if name not in RECALLS:
                raise ValueError(f"a head recalls {' or '.join(RECALLS)}, not {name!r}")


@dataclass(frozen=True)
class PoolConfig:
    """``by``: codes of which notes with the same one are pooled, and then all notes of the piece
    too; none: nothing is pooled. ``units``: numbers of each note that are averaged."""

    by: tuple[str, ...] = ()
    units: int = 128

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError(f"pool: units must be 1 or more, not {self.units}")


@dataclass(frozen=True)
class ModelConfig:
    """``codes`` maps integer features to the width of their embedding, ``values`` names real
    features; see ``features.FeatureSpec``. ``view``: note, chord or piece. ``resolution``: ticks a
    quarter of the grid on which the model sees music. ``loudest``: the greatest velocity that its
    training music has; it takes greater ones as not known (0: all). ``described``: units of the
    net that reads what an ensemble says of its parts, whose ``parts`` are then roles that it mixes
    (``tailoring``); 0: they are the parts of one ensemble."""

    view: str
    parts: int
    codes: Mapping[str, int]
    values: tuple[str, ...]
    backbone: BackboneConfig
    head: HeadConfig = HeadConfig()
    pool: PoolConfig = PoolConfig()
    resolution: int = MODEL_RESOLUTION
    loudest: int = 127
    described: int = 0

    @property
    def spec(self) -> FeatureSpec:
        codes = tuple(self.codes)
        return FeatureSpec(self.view, self.parts, codes, self.values, self.resolution, self.loudest)

    def __post_init__(self) -> None:
        for name in self.pool.by:
            if name not in self.codes:
                raise ValueError(f"notes are pooled by codes of the model, not by {name!r}")
        if self.pool.by and self.described:
            raise ValueError("a model of described parts cannot pool notes")
        if self.backbone.window is not None and not self.causal:
            raise ValueError("a model that hears whole pieces has no window")

    @property
    def pooled_by(self) -> list[int]:
        """The columns of the codes by which notes are pooled."""
        return [list(self.codes).index(name) for name in self.pool.by]

    @property
    def causal(self) -> bool:
        """Whether the model hears the piece as it goes by."""
        return self.view != "piece"

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ModelConfig:
        """The config that ``document`` describes; ValueError names what is wrong in it."""
        sections = dict(document)
        sections["backbone"] = section(BackboneConfig, document.get("backbone", {}), "backbone")
        sections["head"] = section(HeadConfig, _naming(document, "head", "recalls"), "head")
        sections["pool"] = section(PoolConfig, _naming(document, "pool", "by"), "pool")
        sections["values"] = _names(document.get("values", ()), "model: values")
        config: ModelConfig = section(cls, sections, "model")
        config.spec  # noqa: B018  refuses unknown features at once
        return config

    def to_dict(self) -> dict[str, Any]:
        """The config as plain data."""
        head = {**asdict(self.head), "recalls": list(self.head.recalls)}
        pool = {**asdict(self.pool), "by": list(self.pool.by)}
        return {
            **asdict(self),
            "codes": dict(self.codes),
            "values": list(self.values),
            "head": head,
            "pool": pool,
        }


def _naming(document: Mapping[str, Any], name: str, key: str) -> Any:
    """The section ``name`` with the names under ``key`` as a tuple; what is no section as it is."""
    given = document.get(name, {})
    if not isinstance(given, Mapping):
        return given
    return {**given, key: _names(given.get(key, ()), f"{name}: {key}")}


def _names(listed: Any, what: str) -> tuple[str, ...]:
    if not isinstance(listed, list | tuple) or not all(type(one) is str for one in listed):
        raise ValueError(f"{what} must be a list of names, not {listed!r}")
    return tuple(listed)


_PLAIN = {
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
}
"""What a field of each plain type may be given; YAML reads 1e-3 as text, for one."""


def section(cls: type[Any], document: Mapping[str, Any], name: str) -> Any:
    """An instance of the dataclass ``cls`` from ``document``; keys that are unknown or missing
    are errors, and so are values of another type where a number, text or truth value is due."""
    if not isinstance(document, Mapping):
        raise ValueError(f"{name}: expected keys and values, not {document!r}")
    known = {f.name: str(f.type) for f in fields(cls)}
    for key, value in document.items():
        if key not in known:
            raise ValueError(f"{name}: unknown key {key!r}; known are {', '.join(sorted(known))}")
        expected = _PLAIN.get(known[key])
        if expected and type(value) not in expected:
            raise ValueError(f"{name}: {key} must be of type {known[key]}, not {value!r}")
    for f in fields(cls):
        if f.name not in document and f.default is MISSING and f.default_factory is MISSING:
            raise ValueError(f"{name}: the key {f.name!r} is missing")
    return cls(**document)
