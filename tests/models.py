"""Tiny untrained models, one of each kind, and the checkpoints that hold them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from arranger.checkpoints import Card, Checkpoint, describe_ensemble
from arranger.configuration import ModelConfig
from arranger.ensembles import CONFIGS
from arranger.models import PartModel
from tests.music import CHORALE
from training.configuration import read_config

RECALLS = ("touch", "keys")
PART_CONFIGS = sorted(
    path
    for room in ("models", "published", "ablations")
    for path in (CONFIGS / room).glob("*.yaml")
    if not {"tokenizer", "members"} & {*read_config(path)}
)
"""The configs of models that arrange."""

MODE_OF_VIEW = {"note": "live", "chord": "chord-live", "piece": "offline"}
VALUES = {
    "note": ["frequency", "velocity", "timing", "keys", "hints"],
    "chord": ["velocity", "timing", "keys", "chord", "hints"],
    "piece": ["velocity", "timing", "keys", "chord", "span", "hints", "locks"],
}


def tiny_config(
    view: str, backbone: str = "lstm", head: str = "memory", pools: Sequence[str] = ()
) -> ModelConfig:
    codes = {"pitch": 4, "beat": 4, "position": 3}
    if view == "piece":
        codes["duration"] = 3
    if "velocity" in pools:
        codes["velocity"] = 2
    return ModelConfig.from_dict(
        {
            "view": view,
            "parts": 4,
            "codes": codes,
            "values": VALUES[view],
            "backbone": {
                "kind": backbone,
                "units": 8,
                "layers": 2,
                "residual": backbone == "lstm",
                "heads": 2,
                "feed_forward": 12,
            },
            "head": {"kind": head, "units": 8, "recalls": list(RECALLS)},
            "pool": {"by": [*pools], "units": 6},
        }
    )


def tiny_model(config: ModelConfig, seed: int = 0) -> PartModel:
    torch.manual_seed(seed)
    model = PartModel(config).eval()
    with torch.no_grad():  # far from zero, so that a mistake shows
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.3 * torch.randn_like(weight))
    return model


def tiny_checkpoint(view: str, backbone: str = "lstm", head: str = "memory") -> Checkpoint:
    return tiny_checkpoint_of(tiny_config(view, backbone, head))


def tiny_checkpoint_of(config: ModelConfig) -> Checkpoint:
    weights = {name: w.numpy() for name, w in tiny_model(config).state_dict().items()}
    card = Card(
        name=f"tiny-{config.view}",
        mode=MODE_OF_VIEW[config.view],
        ensemble=describe_ensemble(CHORALE),
        config=config.to_dict(),
        data="none",
        licence="none",
    )
    return Checkpoint(card, config, CHORALE, weights)
