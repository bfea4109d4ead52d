"""The weights that a config asks for: their names and shapes, as ``models.PartModel`` has them."""

from __future__ import annotations

from ..configuration import BackboneConfig, ModelConfig
from ..features import memory_width
from ..features.table import CODE_SIZES
from ..tailoring import DESCRIPTION

Shapes = dict[str, tuple[int, ...]]


def weight_shapes(config: ModelConfig) -> Shapes:
    """The shape of every weight of a model, by its name."""
    shapes: Shapes = {}
    for i, (name, width) in enumerate(config.codes.items()):
        shapes[f"front.embeddings.{i}.weight"] = (CODE_SIZES[name], width)
    inputs = sum(config.codes.values()) + config.spec.width
    if config.pool.by:
        shapes |= _linear("front.pooling.into", inputs, config.pool.units)
        inputs += (len(config.pool.by) + 1) * (config.pool.units + 1)
    backbone, parts = config.backbone, config.spec.parts
    if backbone.kind == "lstm":
        outputs = backbone.units * (1 if config.causal else 2)
        shapes |= _recurrent(backbone, inputs, outputs, both_ways=not config.causal)
    else:
        outputs = backbone.units
        shapes |= _transformer(backbone, inputs)
    if config.described:
        shapes |= _describer(config.described, parts)
    if config.head.kind == "linear":
        return shapes | _linear("head", outputs, parts)
    units = config.head.units
    shapes |= _linear("head.heard", outputs, units) | _linear("head.hidden", units, units)
    shapes["head.played.weight"] = (units, parts * memory_width(config.head.recalls))
    return shapes | _linear("head.out", units, parts)


def _recurrent(config: BackboneConfig, inputs: int, outputs: int, both_ways: bool) -> Shapes:
    shapes: Shapes = {}
    gates = 4 * config.units
    for k in range(config.layers):
        for stack in ("lstms", "backward_lstms")[: 1 + both_ways]:
            prefix = f"backbone.{stack}.{k}"
            shapes[f"{prefix}.weight_ih_l0"] = (gates, outputs if k else inputs)
            shapes[f"{prefix}.weight_hh_l0"] = (gates, config.units)
            shapes[f"{prefix}.bias_ih_l0"] = shapes[f"{prefix}.bias_hh_l0"] = (gates,)
        shapes |= _norm(f"backbone.norms.{k}", outputs)
    return shapes


def _describer(units: int, roles: int) -> Shapes:
    shapes = _linear("describer.own", DESCRIPTION, units)
    shapes |= _linear("describer.others", units, units) | _linear("describer.among", units, units)
    return shapes | _linear("describer.roles", units, roles)


def _transformer(config: BackboneConfig, inputs: int) -> Shapes:
    width = config.units
    shapes = _linear("backbone.embed", inputs, width) | _norm("backbone.norm", width)
    for k in range(config.layers):
        block = f"backbone.blocks.{k}"
        shapes |= _norm(f"{block}.attention_norm", width)
        shapes |= _linear(f"{block}.query_key_value", width, 3 * width)
        shapes |= _linear(f"{block}.out", width, width)
        shapes |= _norm(f"{block}.feed_forward_norm", width)
        shapes |= _linear(f"{block}.feed_forward.0", width, config.feed_forward)
        shapes |= _linear(f"{block}.feed_forward.2", config.feed_forward, width)
    return shapes


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
