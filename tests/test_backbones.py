from __future__ import annotations

import pytest
import torch
from torch import nn

from arranger.backbones import Recurrent, Transformer

CAUSAL = {
    "lstm": lambda: Recurrent(5, 8, 3, residual=True),
    "transformer": lambda: Transformer(5, 8, 2, 2, 12, causal=True),
    "transformer, windowed": lambda: Transformer(5, 8, 2, 2, 12, causal=True, window=6),
}
BOTH_WAYS = {
    "bilstm": lambda: Recurrent(5, 8, 3, bidirectional=True),
    "transformer": lambda: Transformer(5, 8, 2, 2, 12),
}


def make(makers: dict, kind: str) -> nn.Module:
    torch.manual_seed(0)
    return makers[kind]().eval()


@pytest.mark.parametrize("kind", CAUSAL)
def test_steps_equal_the_whole_sequence(kind: str) -> None:
    backbone, x = make(CAUSAL, kind), torch.randn(3, 20, 5)
    whole = backbone(x, torch.tensor([20, 20, 20]))
    state, stepped = backbone.initial_state(3), []
    for t in range(20):
        y, state = backbone.step(x[:, t], state)
        stepped.append(y)
    torch.testing.assert_close(torch.stack(stepped, 1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_prefix_gives_the_same_prefix(kind: str) -> None:
    backbone, x = make(CAUSAL, kind), torch.randn(1, 20, 5)
    whole = backbone(x, torch.tensor([20]))
    torch.testing.assert_close(backbone(x[:, :7], torch.tensor([7])), whole[:, :7])


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_saved_state_goes_on_as_before(kind: str) -> None:
    backbone, x = make(CAUSAL, kind), torch.randn(1, 6, 5)
    state = backbone.initial_state(1)
    for t in range(5):
        _, state = backbone.step(x[:, t], state)
    first, _ = backbone.step(x[:, 5], state)
    again, _ = backbone.step(x[:, 5], state)
    assert torch.equal(first, again)


@pytest.mark.parametrize("kind", BOTH_WAYS)
def test_padding_changes_nothing(kind: str) -> None:
    backbone, x = make(BOTH_WAYS, kind), torch.randn(2, 12, 5)
    padded = backbone(x, torch.tensor([12, 7]))
    alone = backbone(x[1:, :7], torch.tensor([7]))
    torch.testing.assert_close(padded[1, :7], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", BOTH_WAYS)
def test_a_backbone_that_hears_both_ways_has_no_state(kind: str) -> None:
    with pytest.raises(ValueError, match="needs the whole sequence"):
        make(BOTH_WAYS, kind).initial_state(1)


@pytest.mark.parametrize("kind", BOTH_WAYS)
def test_the_last_note_is_heard_at_the_first(kind: str) -> None:
    backbone, x = make(BOTH_WAYS, kind), torch.randn(1, 9, 5)
    changed = x.clone()
    changed[0, -1] += 1
    lengths = torch.tensor([9])
    assert not torch.allclose(backbone(x, lengths)[0, 0], backbone(changed, lengths)[0, 0])
