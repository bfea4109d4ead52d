"""Any ensemble, cast in the roles of a model for four voices."""

from __future__ import annotations

import numpy as np
import pytest

from arranger.casting import cast
from arranger.ensembles import Ensemble, Part
from arranger.hints import Hints
from arranger.offline import Arranger
from arranger.online import LiveArranger
from tests.models import tiny_checkpoint
from tests.music import CHORALE, four_voices

WIND = Ensemble(
    "wind quartet",
    (
        Part("Flute 1", 73, 60, 96),
        Part("Flute 2", 73, 60, 96),
        Part("Clarinet", 71, 50, 94),
        Part("Bassoon", 70, 34, 72),
    ),
)
BRASS = Ensemble(
    "brass quintet",
    (
        Part("Trumpet 1", 56, 54, 84),
        Part("Trumpet 2", 56, 54, 84),
        Part("Horn", 60, 41, 77),
        Part("Trombone", 57, 40, 72),
        Part("Tuba", 58, 26, 60),
    ),
)
DUO = Ensemble("duo", (Part("Flute", 73, 60, 96), Part("Cello", 42, 36, 76, voices=None)))
LIKELY = np.log([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])


def test_as_many_parts_as_roles_are_cast_one_to_one_in_score_order() -> None:
    casting = cast(WIND, CHORALE)
    assert casting.role.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(casting.cast(LIKELY, 64), LIKELY)


def test_parts_that_share_a_role_divide_it_by_register() -> None:
    casting = cast(BRASS, CHORALE)
    assert casting.role.tolist() == [0, 1, 2, 2, 3]
    tenor = np.log([[0.01, 0.01, 0.97, 0.01]])
    low, high = (np.exp(casting.cast(tenor, pitch)[0]) for pitch in (42, 70))
    assert low.argmax() == 3
    assert high.argmax() == 2


def test_a_part_may_play_several_roles() -> None:
    casting = cast(DUO, CHORALE)
    shares = np.exp(casting.cast(LIKELY, 60))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert shares.shape == (2, 2)
    assert shares[1, 0] > 0.5 > shares[0, 0]


def test_the_share_of_a_note_depends_on_its_own_pitch() -> None:
    casting = cast(BRASS, CHORALE)
    together = casting.cast(LIKELY, np.array([40, 70]))
    np.testing.assert_allclose(together[0], casting.cast(LIKELY[:1], 40)[0])
    np.testing.assert_allclose(together[1], casting.cast(LIKELY[1:], 70)[0])


def test_hints_for_parts_become_hints_for_roles() -> None:
    casting = cast(BRASS, CHORALE)
    horn, trombone, tuba = 2, 3, 4
    said = casting.hints(Hints({horn: 8.0, trombone: 4.0}, {horn: 60.0, trombone: 50.0}, {7: tuba}))
    assert said == Hints({2: 4.0}, {2: 55.0}, {7: 3})


@pytest.mark.parametrize("ensemble", [WIND, BRASS, DUO], ids=lambda ensemble: ensemble.name)
@pytest.mark.parametrize("head", ["memory", "linear"])
def test_every_note_gets_a_part_of_any_ensemble(ensemble: Ensemble, head: str) -> None:
    notes, _ = four_voices(8)
    offline = Arranger(tiny_checkpoint("piece", head=head).cast_for(ensemble))
    live = LiveArranger(tiny_checkpoint("note", head=head).cast_for(ensemble))
    hints = Hints({0: 0.0}, {1: 60.0}, {0: 1})
    for arrangement in (offline.label(notes, hints), live.label(notes, hints)):
        assert arrangement.ensemble == ensemble
        assert arrangement.parts[0] == 1
        assert len(arrangement.parts) == len(notes)
        assert ((arrangement.parts >= 0) & (arrangement.parts < len(ensemble))).all()


def test_an_ensemble_of_one_gets_everything() -> None:
    notes, _ = four_voices(4)
    solo = Ensemble("solo", (Part("Harp", 46, 24, 103, voices=None),))
    arrangement = Arranger(tiny_checkpoint("piece").cast_for(solo)).label(notes, Hints())
    assert (arrangement.parts == 0).all()
    assert not arrangement.violations
