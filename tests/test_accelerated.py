from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from arranger import devices
from arranger.accelerated import AcceleratedEngine
from arranger.features import describe
from arranger.hints import Hints
from arranger.offline import Arranger
from arranger.passes import Features, Heard
from tests.models import tiny_checkpoint
from tests.music import four_voices

BACKBONES = ["lstm", "transformer"]


def pieces(engine: AcceleratedEngine, beats: tuple[int, ...]) -> list[Features]:
    """Pieces of so many beats, each heard as it is and two semitones higher."""
    spec = engine.config.spec
    found = []
    for seed, count in enumerate(beats):
        table = describe(four_voices(count, seed)[0], Hints(), spec)
        two = (table, table.transposed(2, spec))
        found.append(Features(np.stack([t.codes for t in two]), np.stack([t.values for t in two])))
    return found


def together(engine: AcceleratedEngine, given: list[Features]) -> list[Heard]:
    return engine._hear_together(given)


@pytest.mark.parametrize("head", ["linear", "memory"])
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("view", ["piece", "note"])
def test_padding_changes_nothing_that_is_heard(view: str, backbone: str, head: str) -> None:
    checkpoint = tiny_checkpoint(view, backbone, head)
    engine, numpy = AcceleratedEngine(checkpoint), checkpoint.engine()
    given = pieces(engine, (9, 1, 12, 5))
    for one, heard in zip(given, together(engine, given), strict=True):
        np.testing.assert_allclose(heard, engine.hear(*one), atol=1e-5)
        np.testing.assert_allclose(heard, numpy.hear(*one), atol=1e-5)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_what_stands_in_the_padding_is_not_looked_at(backbone: str) -> None:
    engine = AcceleratedEngine(tiny_checkpoint("piece", backbone))
    short, long = pieces(engine, (4, 8))
    other = Features(long.codes[:, ::-1].copy(), 9 * long.values)
    np.testing.assert_array_equal(
        together(engine, [short, long])[0], together(engine, [short, other])[0]
    )


@pytest.mark.parametrize("backbone", BACKBONES)
def test_half_precision_hears_nearly_the_same(backbone: str) -> None:
    checkpoint = tiny_checkpoint("piece", backbone)
    with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):  # not every processor has it
        engine = AcceleratedEngine(checkpoint, precision="bf16")
        given = pieces(engine, (9, 5))
        exact = [checkpoint.engine().hear(*one) for one in given]
        for heard, expected in zip(together(engine, given), exact, strict=True):
            assert heard.dtype == np.float32
            assert (heard != expected).any()
            assert np.abs(heard - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_threads_that_arrange_at_once_get_what_they_would_get_alone(backbone: str) -> None:
    checkpoint = tiny_checkpoint("piece", backbone)
    music = [four_voices(beats, seed)[0] for seed, beats in enumerate((6, 7, 8, 20, 21, 1) * 2)]
    alone = Arranger(checkpoint)
    expected = [alone.label(notes, Hints()) for notes in music]
    engine = AcceleratedEngine(checkpoint)
    shared = Arranger(checkpoint, engine=engine)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda notes: shared.label(notes, Hints()), music))
    for one, other in zip(found, expected, strict=True):
        assert one.parts.tolist() == other.parts.tolist()
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-4)
    assert engine.passes.notes == sum(len(notes) for notes in music)


def test_warming_up_hears_alone_and_together() -> None:
    AcceleratedEngine(tiny_checkpoint("piece")).warm_up()


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", ""])
def test_a_device_that_is_not_there_is_told_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"device '{name}': torch .* sees no such .* but cpu"):
        devices.device(name)


def test_half_precision_is_usual_on_a_gpu_alone() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert devices.precision("auto", cuda) == devices.precision("bf16", cpu) == torch.bfloat16
    assert devices.precision("auto", cpu) == devices.precision("fp32", cuda) == torch.float32
    with pytest.raises(ValueError, match="precision must be one of auto, fp32, bf16, not 'fp8'"):
        devices.precision("fp8", cpu)
