"""Tiny untrained token models, and the checkpoints that hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from arranger.checkpoints import save
from arranger.token_checkpoints import TokenCard
from arranger.token_configuration import TokenModelConfig
from arranger.token_models import TokenModel
from arranger.tokenizers import tokenizer
from arranger.tokenizers.bearings import Bearings

OPTIONS: dict[str, dict[str, Any]] = {"metrical": {"styles": ["waltz"]}}


def tiny_config(tokens: int, kind: str = "lstm", **more: Any) -> TokenModelConfig:
    backbone = {"kind": kind, "units": 8, "layers": 2, "heads": 2, "feed_forward": 12, **more}
    head = {} if kind == "rotary" else {"widths": [8]}  # numpy runs rotary models without
    return TokenModelConfig.from_dict(
        {"tokens": tokens, "embedding": 8, "backbone": backbone, "head": head}
    )


def tiny_bearings() -> Bearings:
    """Of 11 tokens: a bar, three places and seven pitches."""
    bearings = Bearings.silent(11, quarter=2)
    bearings.bars[0], bearings.lengths[0], bearings.places[0] = True, 8, 0
    bearings.places[1:4] = 1, 2, 5
    bearings.pitches[4:] = range(60, 67)
    return bearings


def save_tiny_generator(
    folder: Path, name: str = "metrical", kind: str = "lstm", context: int = 256
) -> Path:
    options = OPTIONS.get(name, {})
    config = tiny_config(tokenizer(name, **options).size, kind)
    torch.manual_seed(0)
    weights = {key: w.numpy() for key, w in TokenModel(config).state_dict().items()}
    card = TokenCard(
        name=f"tiny-{name}",
        tokenizer={"name": name, **options},
        config=config.to_dict(),
        context=context,
        data="none",
        licence="none",
    )
    save(folder, card, weights)
    return folder
