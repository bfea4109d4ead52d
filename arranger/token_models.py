"""TokenModel: tokens so far in, scores of the next token out.

front (an embedding, or one-hot vectors) + causal backbone + head. Knows torch, token ids and where
they stand; not notes, grammars or chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from . import devices
from .backbones import XLSTM, CausalBackbone, CellStack, RelativeTransformer, RotaryTransformer
from .backbones.rotary import Positions
from .notes import IntArray
from .token_configuration import CELL_KINDS, WITHOUT_BEARINGS, TokenHeadConfig, TokenModelConfig
from .tokenizers.bearings import Bearings
from .tokenizers.intervals import SIZES, Intervals


class TokenState(NamedTuple):
    """The backbone's state, what its bearings have ``said`` so far, and the pitches ``sung``."""

    past: Any
    said: IntArray | None = None
    sung: IntArray | None = None


class TokenModel(nn.Module):
    """Scores are logits over ``config.tokens`` tokens; ``bearings`` are those of the tokens, and a
    model that knows places or intervals does not run without."""

    def __init__(self, config: TokenModelConfig, bearings: Bearings | None = None) -> None:
        super().__init__()
        self.config = config
        self.bearings = bearings
        self.intervals: Intervals | None = None
        if bearings is not None and config.intervals:
            near = config.intervals
            self.intervals = Intervals(bearings, near.heard, near.foretold)
        self.embedding = nn.Embedding(config.tokens, config.embedding) if config.embedding else None
        self.backbone = _backbone(config)
        self.head = _head(self.backbone.outputs, config.head, config.tokens)
        if config.intervals:
            heard, foretold = len(config.intervals.heard), len(config.intervals.foretold)
            self.heard = nn.Embedding(SIZES * heard, config.embedding)
            self.foretold = nn.Linear(self.backbone.outputs, SIZES * foretold, bias=False)
            nn.init.normal_(self.heard.weight, std=0.3)
            nn.init.normal_(self.foretold.weight, std=0.01)

    def forward(self, ids: Tensor) -> Tensor:
        """``ids`` (batch, time): the scores of what follows each, (batch, time, tokens)."""
        y, latest, _ = self._behind(ids, self.initial_state(len(ids)))
        return self._scores(y, latest)

    def initial_state(self, batch: int) -> TokenState:
        """The state before the first token."""
        return TokenState(self.backbone.initial_state(batch))

    def extend(self, ids: Tensor, state: TokenState) -> tuple[Tensor, TokenState]:
        """``ids`` (batch, time) behind those that ``state`` has seen: the scores of what follows
        the last of them, (batch, tokens), and the state behind it."""
        y, latest, state = self._behind(ids, state)
        last = None if latest is None else latest[:, -1:]
        return self._scores(y[:, -1:], last)[:, 0], state

    def _behind(self, ids: Tensor, state: TokenState) -> tuple[Tensor, IntArray | None, TokenState]:
        """What the backbone makes of ``ids``, the latest pitches at each, and the state behind."""
        x, said, latest, sung = self._front(ids), None, None, None
        if self.config.needs_bearings and self.bearings is None:
            raise ValueError(WITHOUT_BEARINGS)
        if self.intervals is not None:
            latest, sung = self.intervals.read(ids.cpu().numpy(), state.sung)
            heard = torch.from_numpy(self.intervals.heard(latest)).to(ids.device)
            x = x + self.heard(heard).sum(-2)
        if self.config.backbone.places and self.bearings is not None:
            where, said = self.bearings.read(ids.cpu().numpy(), state.said)
            backbone = cast(RotaryTransformer, self.backbone)
            arrays = (where.angles(backbone.pairs), where.place, where.pitch)
            positions = Positions(*(torch.from_numpy(a).to(ids.device) for a in arrays))
            y, past = backbone.extend(x, state.past, positions)
        else:
            y, past = self.backbone.extend(x, state.past)
        return y, latest, TokenState(past, said, sung)

    def _front(self, ids: Tensor) -> Tensor:
        if self.embedding is None:
            one_hot = F.one_hot(ids, self.config.tokens).to(next(self.parameters()).dtype)
            return one_hot * math.sqrt(self.config.tokens)  # as long as an embedding is
        x: Tensor = self.embedding(ids)
        return x

    def _scores(self, y: Tensor, latest: IntArray | None) -> Tensor:
        scores: Tensor = self.head(y)
        if self.intervals is not None and latest is not None:
            which = torch.from_numpy(self.intervals.foretold(latest)).to(y.device)
            each = self.foretold(y).gather(-1, which.flatten(-2))
            scores = scores + each.view(which.shape).sum(-2)
        return scores


class Predictor:
    """A trained token model at work on one sequence, in numpy's terms. ``device`` is torch's name
    of where, ``precision`` one of ``devices.PRECISIONS``."""

    def __init__(
        self,
        config: TokenModelConfig,
        weights: Mapping[str, NDArray[np.float32]],
        bearings: Bearings | None = None,
        device: str = "cpu",
        precision: str = "auto",
    ) -> None:
        self._device = devices.device(device)
        self._model = TokenModel(config, bearings).eval()
        self._model.load_state_dict({k: torch.from_numpy(w) for k, w in weights.items()})
        self._model.to(self._device, devices.precision(precision, self._device))

    @torch.inference_mode()
    def read(self, ids: IntArray, state: Any = None) -> tuple[NDArray[np.float64], Any]:
        """Read ``ids`` (T,), one or more, behind those that ``state`` has seen; None: none.

        Returns the scores of the next token, (tokens,), and the state behind the last.
        """
        state = self._model.initial_state(1) if state is None else state
        scores, state = self._model.extend(torch.from_numpy(ids)[None].to(self._device), state)
        return scores[0].float().cpu().double().numpy(), state


def weight_shapes(config: TokenModelConfig) -> dict[str, tuple[int, ...]]:
    """The shape of every weight of a model, without making one."""
    with torch.device("meta"):
        return {name: tuple(w.shape) for name, w in TokenModel(config).state_dict().items()}


def _backbone(config: TokenModelConfig) -> CausalBackbone[Any]:
    options, inputs = config.backbone, config.embedding or config.tokens
    if options.kind in CELL_KINDS:
        return CellStack(options.kind, inputs, options.units, options.layers, options.dropout)
    shape = (options.heads, options.feed_forward)
    if options.kind == "xlstm":
        return XLSTM(options.cells, inputs, options.units, *shape, options.dropout)
    if options.kind == "rotary":
        reach = (options.window, options.places)
        return RotaryTransformer(
            inputs, options.units, options.layers, *shape, options.dropout, *reach
        )
    return RelativeTransformer(
        inputs,
        options.units,
        options.layers,
        *shape,
        options.distances,
        options.dropout,
        residual_scores=options.kind == "residual-scores",
        window=options.window,
    )


def _head(inputs: int, config: TokenHeadConfig, tokens: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Dropout(config.input_dropout)]
    for width in config.widths:
        layers.append(nn.Linear(inputs, width))
        if config.norm:
            layers.append(nn.LayerNorm(width))
        if config.relu:
            layers.append(nn.ReLU())
        layers.append(nn.Dropout(config.dropout))
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, tokens))
