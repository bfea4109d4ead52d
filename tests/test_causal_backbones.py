"""One contract for every causal backbone, the arranger's own among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from arranger.backbones import (
    XLSTM,
    CausalBackbone,
    CellStack,
    Recurrent,
    RelativeTransformer,
    RotaryTransformer,
    Transformer,
)
from arranger.backbones.causal import Past

KINDS: dict[str, Callable[[], Any]] = {
    "rnn": lambda: CellStack("rnn", 5, 8, 2, 0.3),
    "gru": lambda: CellStack("gru", 5, 8, 2, 0.3),
    "lstm": lambda: CellStack("lstm", 5, 8, 3, 0.3),
    "mlstm": lambda: XLSTM("mm", 5, 8, 2, 12, 0.3),
    "slstm": lambda: XLSTM("ss", 5, 8, 2, 12, 0.3),
    "xlstm": lambda: XLSTM("msm", 5, 8, 2, 12, 0.3),
    "music transformer": lambda: RelativeTransformer(5, 8, 2, 2, 12, 30, 0.3),
    "near distances": lambda: RelativeTransformer(5, 8, 2, 2, 12, 6, 0.3),
    "residual scores": lambda: RelativeTransformer(5, 8, 3, 2, 12, 6, 0.3, residual_scores=True),
    "relative, windowed": lambda: RelativeTransformer(5, 8, 2, 2, 12, 6, window=7),
    "rotary": lambda: RotaryTransformer(5, 8, 2, 2, 12, 0.3),
    "rotary, windowed": lambda: RotaryTransformer(5, 8, 2, 2, 12, window=7),
    "arranger's lstm": lambda: Recurrent(5, 8, 3, residual=True),
    "arranger's transformer": lambda: Transformer(5, 8, 2, 2, 12, causal=True),
}
NEW = [kind for kind in KINDS if not kind.startswith("arranger")]
TIME = 20


def make(kind: str) -> Any:
    torch.manual_seed(0)
    backbone = KINDS[kind]().eval()
    with torch.no_grad():  # far from zero, so that a mistake shows
        for weight in backbone.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return backbone


def whole(backbone: Any, x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = backbone(x, torch.full((len(x),), x.shape[1]))
    return y


def near(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_steps_equal_the_whole_sequence(kind: str) -> None:
    backbone, x = make(kind), torch.randn(3, TIME, 5)
    state, stepped = backbone.initial_state(3), []
    for t in range(TIME):
        y, state = backbone.step(x[:, t], state)
        stepped.append(y)
    near(torch.stack(stepped, 1), whole(backbone, x))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_prefix_gives_the_same_prefix(kind: str) -> None:
    backbone, x = make(kind), torch.randn(1, TIME, 5)
    near(whole(backbone, x[:, :7]), whole(backbone, x)[:, :7])


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_saved_state_goes_on_as_before_in_any_direction(kind: str) -> None:
    backbone, x = make(kind), torch.randn(1, TIME, 5)
    state = backbone.initial_state(1)
    for t in range(6):
        _, state = backbone.step(x[:, t], state)
    first, after = backbone.step(x[:, 6], state)
    other, _ = backbone.step(x[:, 7], state)
    again, _ = backbone.step(x[:, 6], state)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    near(backbone.step(x[:, 7], after)[0], whole(backbone, x[:, :8])[:, 7])


@pytest.mark.parametrize("kind", NEW)
@torch.no_grad()
def test_stretches_of_any_length_equal_the_whole_sequence(kind: str) -> None:
    backbone, x = make(kind), torch.randn(2, TIME, 5)
    state, parts = backbone.initial_state(2), []
    for stretch in x.split([9, 1, 6, 4], dim=1):
        y, state = backbone.extend(stretch, state)
        parts.append(y)
    near(torch.cat(parts, 1), whole(backbone, x))


@pytest.mark.parametrize("kind", NEW)
def test_it_learns_from_every_position(kind: str) -> None:
    backbone, x = make(kind).train(), torch.randn(2, TIME, 5, requires_grad=True)
    assert isinstance(backbone, CausalBackbone)
    y = whole(backbone, x)
    assert y.shape == (2, TIME, backbone.outputs)
    y.square().sum().backward()
    gradients = [x.grad, *(weight.grad for weight in backbone.parameters())]
    assert all(g is not None and bool(g.isfinite().all()) for g in gradients)
    assert bool((x.grad.abs().sum(-1) > 0).all())


@pytest.mark.parametrize("kind", ["relative, windowed", "rotary, windowed"])
@torch.no_grad()
def test_a_window_is_all_that_is_seen_and_kept(kind: str) -> None:
    backbone, x = make(kind), torch.randn(1, TIME, 5)
    changed = x.clone()
    changed[:, 0] += 1
    seen = 1 + 2 * (7 - 1)  # two layers of it
    near(whole(backbone, x)[:, seen:], whole(backbone, changed)[:, seen:])
    assert not torch.allclose(whole(backbone, x)[:, 6], whole(backbone, changed)[:, 6])
    _, state = backbone.extend(x, backbone.initial_state(1))
    _, state = backbone.step(x[:, 0], state)
    pasts = state.pasts if hasattr(state, "pasts") else state
    assert {past.length for layer in pasts for past in layer} == {7}


@torch.no_grad()
def test_a_past_is_a_value_although_it_writes_in_place() -> None:
    rows = torch.arange(24.0).view(1, 1, 12, 2)
    past = Past.empty(rows, 1, 1, 2).append(rows[:, :, :5])
    one = past.append(rows[:, :, 5:6])
    two = one.append(rows[:, :, 6:7])
    other = one.append(rows[:, :, 9:10])
    assert two.buffer is one.buffer and other.buffer is not one.buffer
    torch.testing.assert_close(past.rows, rows[:, :, :5])
    torch.testing.assert_close(two.rows, rows[:, :, :7])
    torch.testing.assert_close(other.rows[:, :, 6:], rows[:, :, 9:10])
    assert one.append(rows[:, :, 6:9], window=4).rows[0, 0, :, 0].tolist() == [10, 12, 14, 16]
