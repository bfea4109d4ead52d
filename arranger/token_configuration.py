"""How a token model is built: one frozen dataclass a section; unknown keys are errors.

Knows the names of backbones; not torch, not weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .configuration import section
from .tokenizers import Tokenizer

CELL_KINDS = ("rnn", "gru", "lstm")
ATTENTION_KINDS = ("relative", "residual-scores", "rotary")
KINDS = (*CELL_KINDS, "xlstm", *ATTENTION_KINDS)

FURTHEST = 64
"""Pitches back to which an interval may be taken."""

WITHOUT_BEARINGS = (
    "a model that knows places or intervals runs only with the bearings of its tokens"
)


@dataclass(frozen=True)
class TokenBackboneConfig:
    """``kind``: rnn, gru, lstm, xlstm; relative (Music Transformer's attention), residual-scores
    (RealFormer's) or rotary.

    ``heads`` and ``feed_forward`` are those of the last four. ``cells`` are an xLSTM's, one a
    block: m (mLSTM) or s (sLSTM), and stand for its ``layers``. ``distances`` are embedded by the
    two with relative positions. ``window``: how many positions attention sees; None: all.
    ``places``, rotary only: positions are musical, which needs tokens that tell where they stand,
    and a bar has so many places; 0: they are plain.
    """

    kind: str
    units: int
    layers: int = 1
    dropout: float = 0.0
    heads: int = 4
    feed_forward: int = 256
    cells: str = "m"
    distances: int = 256
    window: int | None = None
    places: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"backbone kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.kind not in CELL_KINDS and self.units % self.heads:
            raise ValueError(f"{self.heads} heads cannot share {self.units} units evenly")
        if self.kind == "rotary" and self.units // self.heads % 2:
            raise ValueError(f"rotary heads must be of even width, not {self.units // self.heads}")
        if self.places and self.kind != "rotary":
            raise ValueError(f"places of a bar are known to rotary backbones, not to {self.kind}")
        if not self.cells or set(self.cells) - {"m", "s"}:
            raise ValueError(f"cells must be letters m and s, not {self.cells!r}")


@dataclass(frozen=True)
class TokenHeadConfig:
    """Linear layers of ``widths`` before the last one, to the tokens.

    Behind each: a layer norm if ``norm``, a ReLU if ``relu``, and ``dropout``. ``input_dropout``
    stands before the first.
    """

    widths: tuple[int, ...] = ()
    norm: bool = False
    relu: bool = True
    dropout: float = 0.0
    input_dropout: float = 0.0


@dataclass(frozen=True)
class IntervalConfig:
    """To which of the pitches said before, 1 being the last of them, every pitch is ``heard`` as an
    interval, and the next one ``foretold`` as one, beside what it is absolutely."""

    heard: tuple[int, ...]
    foretold: tuple[int, ...]

    def __post_init__(self) -> None:
        for back in (self.heard, self.foretold):
            listed = isinstance(back, list | tuple) and len(back) > 0
            if not listed or not all(type(n) is int and 1 <= n <= FURTHEST for n in back):
                raise ValueError(f"intervals must be to one or more pitches, 1..{FURTHEST} back")


@dataclass(frozen=True)
class TokenModelConfig:
    """``tokens`` is the size of the vocabulary, ``embedding`` the width of a token's vector; 0:
    tokens go in as one-hot vectors.
    """

    tokens: int
    embedding: int
    backbone: TokenBackboneConfig
    head: TokenHeadConfig = TokenHeadConfig()
    intervals: IntervalConfig | None = None

    def __post_init__(self) -> None:
        if self.intervals and not self.embedding:
            raise ValueError("intervals are heard beside embedded tokens, not one-hot vectors")

    @property
    def needs_bearings(self) -> bool:
        """Whether the model asks where its tokens stand, or which pitches they say."""
        return bool(self.intervals or self.backbone.places)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> TokenModelConfig:
        """The config that ``document`` describes; ValueError names what is wrong in it."""
        head = dict(document.get("head") or {})
        head["widths"] = tuple(head.get("widths", ()))
        sections = {
            **document,
            "backbone": section(TokenBackboneConfig, document.get("backbone", {}), "backbone"),
            "head": section(TokenHeadConfig, head, "head"),
            "intervals": _intervals(document.get("intervals")),
        }
        config: TokenModelConfig = section(cls, sections, "model")
        return config

    def check(self, tokens: Tokenizer[Any]) -> None:
        """ValueError if this is no model of ``tokens``."""
        if self.tokens != tokens.size:
            raise ValueError(f"the model knows {self.tokens} tokens, its tokenizer {tokens.size}")
        places = self.backbone.places
        if self.intervals and tokens.bearings is None:
            raise ValueError(f"{tokens.name} tokens do not tell their pitch")
        if places and tokens.bearings is None:
            raise ValueError(f"{tokens.name} tokens do not tell their places in a bar")
        if places and tokens.bearings and places != tokens.bearings.count:
            count = tokens.bearings.count
            raise ValueError(f"the model knows {places} places in a bar, its tokenizer {count}")

    def to_dict(self) -> dict[str, Any]:
        """The config as plain data."""
        return asdict(self)


def _intervals(document: Any) -> IntervalConfig | None:
    if document is None:
        return None
    said: IntervalConfig = section(IntervalConfig, document, "intervals")
    return IntervalConfig(tuple(said.heard), tuple(said.foretold))
