"""Parts that are alike exchange their names where what is known of a piece asks for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import arranger
from arranger.arrangement import Arrangement
from arranger.checkpoints import load
from arranger.ensembles import Ensemble, Part, load_ensemble
from arranger.files import read
from arranger.hints import Hints
from arranger.naming import namings
from arranger.offline import Arranger
from tests.music import four_voices

CONSOLE = Arranger.from_pretrained("game-offline")
LOOP = read(Path(arranger.__file__).parent / "examples" / "chip-loop.mid").notes
EXCHANGED = np.array([1, 0, 2])
"""The parts of a console by the other names of its two pulses."""


def band(*parts: Part) -> Ensemble:
    named = (replace(part, name=f"{part.name} {k}") for k, part in enumerate(parts))
    return Ensemble("band", tuple(named))


HORN, FLUTE = Part("horn", 60, 34, 77), Part("flute", 73, 60, 96)


def ways(ensemble: Ensemble) -> list[tuple[int, ...]]:
    return [tuple(names.tolist()) for names in namings(ensemble)]


def test_parts_that_differ_in_anything_keep_their_names() -> None:
    for other in (FLUTE, replace(HORN, low=35), replace(HORN, high=76), replace(HORN, voices=2)):
        assert ways(band(HORN, other)) == [(0, 1)]


def test_two_alike_may_change_places_and_the_first_way_changes_nothing() -> None:
    assert ways(load_ensemble("game")) == [(0, 1, 2), (1, 0, 2)]
    assert ways(band(HORN, FLUTE, HORN)) == [(0, 1, 2), (2, 1, 0)]


def test_three_alike_or_two_pairs_are_tried_in_every_way_and_more_not_at_all() -> None:
    assert sorted(ways(band(HORN, HORN, HORN))) == sorted(permutations(range(3)))
    assert len(ways(band(HORN, FLUTE, HORN, FLUTE))) == 4
    assert ways(band(HORN, HORN, HORN, HORN)) == [(0, 1, 2, 3)]  # 24 are more than MOST
    assert len(ways(band(*[HORN] * 60))) == 1  # at once: nobody counts to 60!


def label(hints: Hints) -> Arrangement:
    return CONSOLE.label(LOOP, hints)


CUSTOM = label(Hints()).parts
"""Who plays the loop where nothing is known of it."""


def test_the_loop_has_notes_for_both_pulses() -> None:
    assert min(np.bincount(CUSTOM, minlength=3)) > 20


@pytest.mark.parametrize("kind", ["pitch", "both"])
def test_hints_of_pitch_say_which_pulse_is_which(kind: str) -> None:
    for wanted in (CUSTOM, EXCHANGED[CUSTOM]):
        given = label(Hints.from_reference(LOOP, wanted, kind))
        assert np.mean(given.parts == wanted) > 0.9


def test_the_pulse_that_plays_alone_at_first_is_the_one_that_enters_first() -> None:
    waits = (CUSTOM == 1) & (LOOP.onset < 8 * LOOP.resolution)
    notes = LOOP.take(~waits)
    custom = CONSOLE.label(notes, Hints()).parts
    for wanted in (custom, EXCHANGED[custom]):
        hints = Hints.from_reference(notes, wanted, "entry")
        assert abs(hints.entries[0] - hints.entries[1]) >= 1
        assert np.mean(CONSOLE.label(notes, hints).parts == wanted) > 0.9


@pytest.mark.parametrize("heights", [*permutations((71.0, 66.0, 60.0))])
def test_three_alike_lie_as_high_as_they_are_said_to(heights: tuple[float, ...]) -> None:
    notes, parts = four_voices(8)
    notes = notes.take(parts < 3)
    trio = Arranger(load("any-offline").cast_for(band(*[replace(HORN, high=90)] * 3)))
    given = trio.label(notes, Hints(mean_pitch=dict(enumerate(heights))))
    means = [notes.pitch[given.parts == k].mean() for k in range(3)]
    assert np.array_equal(np.argsort(means), np.argsort(heights))
    assert given.likely is not None
    assert np.allclose(given.likely[np.arange(len(notes)), given.parts], given.confidence)


def test_a_few_notes_set_right_say_it_too() -> None:
    wanted = EXCHANGED[CUSTOM]
    locks = {n: int(wanted[n]) for n in range(0, len(LOOP), len(LOOP) // 5)}
    given = label(Hints(locks=locks))
    assert all(given.parts[n] == part and given.confidence[n] == 1 for n, part in locks.items())
    assert np.mean(given.parts == wanted) > 0.9


def test_what_is_likely_of_each_part_goes_by_its_name() -> None:
    given = label(Hints.from_reference(LOOP, EXCHANGED[CUSTOM], "both"))
    assert given.likely is not None
    chosen = given.likely[np.arange(len(LOOP)), given.parts]
    assert np.allclose(chosen, given.confidence)
    assert np.mean(given.likely.argmax(axis=1) == given.parts) > 0.9


def test_alternatives_differ_and_the_likeliest_is_the_answer() -> None:
    hints = Hints.from_reference(LOOP, EXCHANGED[CUSTOM], "both")
    found = CONSOLE.alternatives(LOOP, hints, 3)
    assert len({tuple(one.parts.tolist()) for one in found}) == 3
    assert np.array_equal(found[0].parts, label(hints).parts)


def test_hints_and_locks_take_the_new_names() -> None:
    hints = Hints({0: 1.0, 2: 4.0}, {1: 60.0}, {7: 0, 8: 2}).renamed(EXCHANGED)
    assert hints == Hints({1: 1.0, 2: 4.0}, {0: 60.0}, {7: 1, 8: 2})


def test_notes_against_the_hints_are_counted() -> None:
    onset, pitch = np.array([0.0, 1.0, 2.0, 3.0]), np.array([60, 62, 72, 74])
    parts = np.array([0, 0, 1, 1])
    assert Hints().broken(onset, pitch, parts) == 0
    assert Hints({0: 1.0}).broken(onset, pitch, parts) == 1
    assert Hints({0: 0.05, 1: 4.0, 2: 9.0}).broken(onset, pitch, parts) == 2  # near is in time
    assert Hints({}, {0: 61.0, 1: 61.0}).broken(onset, pitch, parts) == 2  # two, an octave off
    assert Hints({1: 2.5}, {0: 55.0}).broken(onset, pitch, parts) == 2
