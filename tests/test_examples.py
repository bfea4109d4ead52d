from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import arranger
from arranger.checkpoints import load_for
from arranger.ensembles import load_ensemble
from arranger.files import read
from arranger.hints import load_hints
from arranger.offline import Arranger

EXAMPLES = Path(arranger.__file__).parent / "examples"


@pytest.mark.parametrize(
    ("file", "notes"),
    [
        ("tegner-betlehems-stjarna.mid", 202),
        ("brahms-vergangen-ist-mir.mid", 278),
        ("old-hundredth.abc", 128),
    ],
)
def test_an_example_is_a_keyboard_piece_of_four_voices(file: str, notes: int) -> None:
    score = read(EXAMPLES / file)
    assert len(score.notes) == notes
    assert len(score.tracks) == 1
    assert score.warnings == ()
    onset, offset = score.notes.onset, score.notes.offset
    sounding = [((onset <= tick) & (offset > tick)).sum() for tick in np.unique(onset)]
    assert max(sounding) == 4


@pytest.mark.parametrize(
    ("file", "notes"),
    [
        ("haydn-op1-no1-menuetto.mid", 312),
        ("chip-loop.mid", 466),
        ("pop-sketch.mid", 344),
    ],
)
def test_an_example_for_another_ensemble_is_one_keyboard_track(file: str, notes: int) -> None:
    score = read(EXAMPLES / file)
    assert len(score.notes) == notes
    assert len(score.tracks) == 1
    assert score.warnings == ()


@pytest.mark.parametrize(
    "known_as", ["winds", "orchestra", EXAMPLES / "pop909.yaml"], ids=lambda known: Path(known).stem
)
def test_a_piece_is_arranged_within_ranges_where_no_model_is_for_the_ensemble(
    known_as: str | Path,
) -> None:
    ensemble = load_ensemble(known_as)
    arranger = Arranger(load_for(None, ensemble, "offline"))
    assert arranger.name == "any-offline"
    arranged = arranger.arrange(EXAMPLES / "haydn-op1-no1-menuetto.mid").arrangement
    assert len(arranged.parts) == 312
    assert len(set(arranged.parts.tolist())) > 2
    low, high = (np.array([getattr(p, side) for p in ensemble.parts]) for side in ("low", "high"))
    pitch = arranged.notes.pitch
    reachable = ((pitch[:, None] >= low) & (pitch[:, None] <= high)).any(axis=1)
    inside = (pitch >= low[arranged.parts]) & (pitch <= high[arranged.parts])
    assert inside[reachable].all()


def test_every_example_is_described() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in EXAMPLES.iterdir() if path.suffix not in {".md", ".py"}]
    assert files
    assert [name for name in files if f"`{name}`" not in text] == []


def test_a_few_hints_make_a_band_of_the_pop_sketch() -> None:
    arranger = Arranger(load_for(None, load_ensemble("pop"), "offline"))
    hints = load_hints(EXAMPLES / "pop-sketch-hints.yaml", arranger.ensemble)
    arranged = arranger.arrange(EXAMPLES / "pop-sketch.mid", hints).arrangement
    long = arranged.notes.duration > 3 * arranged.notes.resolution
    strings = arranger.ensemble.names.index("Strings")
    assert (arranged.parts[long] == strings).all()
    assert np.bincount(arranged.parts, minlength=5)[:4].min() >= long.sum() == 8
