from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arranger.features import FeatureSpec, PartMemory, describe
from arranger.features.listening import REACH, Listener
from arranger.hints import Hints
from arranger.notes import NoteSequence
from arranger.performance import as_played, as_written
from tests.models import VALUES
from tests.music import four_voices

NOTHING = Hints()


def spec(view: str, *values: str) -> FeatureSpec:
    return FeatureSpec(view, 4, ("pitch", "position"), values or tuple(VALUES[view]))


def block(notes: NoteSequence, view: str, name: str) -> np.ndarray:
    return describe(notes, NOTHING, spec(view, name)).values


def test_a_listener_tells_held_struck_and_released_keys_apart() -> None:
    listener = Listener()
    listener.key_down(48, 0.0)
    listener.key_down(60, 0.0)
    listener.key_up(60, 1.0)
    listener.key_down(55, 2.0)
    held, struck, released = listener.around(52, 2.0)
    assert np.flatnonzero(held).tolist() == [REACH - 4]
    assert np.flatnonzero(struck).tolist() == [REACH + 3]
    assert released[REACH + 8] == 0.5  # one quarter ago
    assert released[REACH - 4] == released[REACH + 3] == 0.0


def test_a_key_up_that_was_not_down_is_ignored() -> None:
    listener = Listener()
    listener.key_up(60, 1.0)
    assert not listener.around(60, 1.0)[:2].any()


def test_keys_at_both_ends_of_the_keyboard_are_described() -> None:
    notes, _ = NoteSequence.from_rows([(0, 0, 24, 64), (0, 127, 24, 64)])
    for view in ("note", "chord", "piece"):
        assert describe(notes, NOTHING, spec(view)).values.shape[0] == 2


def test_the_note_view_knows_only_the_notes_struck_before() -> None:
    notes, _ = NoteSequence.from_rows([(0, 48, 24, 64), (0, 52, 24, 64), (0, 55, 24, 64)])
    struck = block(notes, "note", "keys").reshape(3, 3, -1)[:, 1]
    assert struck.sum(axis=1).tolist() == [0, 1, 2]
    together = block(notes, "chord", "keys").reshape(3, 3, -1)[:, 1]
    assert together.sum(axis=1).tolist() == [2, 2, 2]
    assert block(notes, "chord", "chord").tolist() == [
        [0, 0.5, 0, 0],
        [0.25, 0.25, 0, 0],
        [0.5, 0, 0, 0],
    ]


def test_twins_are_not_hidden_by_each_other() -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 24, 64), (0, 60, 24, 64)])
    struck = block(notes, "chord", "keys").reshape(2, 3, -1)[:, 1]
    assert struck[:, REACH].tolist() == [1, 1]


@pytest.mark.parametrize("view", ["note", "chord"])
def test_lengths_of_notes_still_held_are_not_seen(view: str) -> None:
    notes, _ = four_voices(8)
    now = 24 * 4
    longer = replace(
        notes, duration=np.where(notes.offset > now, notes.duration + 50, notes.duration)
    )
    before = notes.onset <= now
    told, said = (describe(n, NOTHING, spec(view)) for n in (notes, longer))
    assert (told.values[before] == said.values[before]).all()
    assert not (told.values == said.values).all()


@pytest.mark.parametrize("view", ["note", "chord"])
def test_cutting_the_future_changes_nothing_before_it(view: str) -> None:
    notes, _ = four_voices(8)
    cut = notes.take(notes.onset <= 96)
    whole = describe(notes, NOTHING, spec(view))
    assert (describe(cut, NOTHING, spec(view)).values == whole.values[: len(cut)]).all()


def test_only_the_piece_view_may_read_how_long_notes_last() -> None:
    for name in ("span", "duration"):
        with pytest.raises(ValueError, match=f"'{name}' is not known in the note view"):
            FeatureSpec(
                "note",
                4,
                ("duration",) if name == "duration" else (),
                ("span",) if name == "span" else (),
            )
    with pytest.raises(ValueError, match="unknown feature 'colour'"):
        FeatureSpec("piece", 4, (), ("colour",))


def test_the_span_says_what_begins_when_a_note_ends() -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 24, 64), (24, 62, 24, 64), (36, 65, 12, 64)])
    first = block(notes, "piece", "span")[0]
    assert first[0] == 1.0  # log2 of 1 + one quarter
    assert first[2 + REACH + 2] == 1.0
    assert first[2 + REACH + 5] == 0.5  # half a quarter later


@pytest.mark.parametrize("seed", range(3))
def test_the_spans_of_a_crowd_are_those_of_each_note_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(int(rng.integers(99)), int(rng.integers(50, 99)), int(rng.integers(30)), 64)] * 2
    rows += [tuple(map(int, rng.integers((0, 40, 0, 1), (99, 99, 40, 99)))) for _ in range(80)]
    notes, _ = NoteSequence.from_rows(rows)
    spans = block(notes, "piece", "span")[:, 2:]
    for i in range(len(notes)):
        expected = np.zeros(2 * REACH + 1)
        for j in range(i + 1, len(notes)):
            interval = notes.pitch[j] - notes.pitch[i]
            gap = (notes.onset[j] - notes.offset[i]) / notes.resolution
            if abs(interval) <= REACH and 0 <= gap <= 2:
                expected[interval + REACH] = max(expected[interval + REACH], 2.0 ** (-2 * gap))
        assert spans[i] == pytest.approx(expected)


def test_all_but_pitch_itself_stays_under_transposition() -> None:
    notes, _ = four_voices(6)
    for view in ("note", "chord", "piece"):
        low, high = (
            describe(n, NOTHING, spec(view, *VALUES[view][1:]))
            for n in (notes, notes.transposed(3))
        )
        assert (low.values == high.values).all()


def test_a_performance_hides_the_place_in_the_beat() -> None:
    notes, _ = four_voices(4)
    events = as_played(notes, np.random.default_rng(1))
    table = describe(notes, NOTHING, spec("note"), events)
    assert set(table.codes[:, 1]) == {24}
    assert sorted(table.order.tolist()) == list(range(len(notes)))
    assert (np.diff(table.onset) >= 0).all()


def test_a_memory_does_not_see_when_a_held_note_will_end() -> None:
    short, long = PartMemory(1, 2), PartMemory(1, 2)
    for memory, offset in ((short, 3.0), (long, 9.0)):
        memory.assign(np.array([0]), 60, 1.0, offset)
    assert (short.relate(62, 2.0) == long.relate(62, 2.0)).all()
    assert (short.relate(62, 4.0) != long.relate(62, 4.0)).any()


def test_a_memory_follows_the_alternatives_it_is_asked_for() -> None:
    memory = PartMemory(2, 2)
    memory.assign(np.array([0, 1]), 60, 0.0, 1.0)
    chosen = memory.select(np.array([1, 1, 0]))
    assert chosen.count.tolist() == [[0, 1], [0, 1], [1, 0]]


def test_written_events_release_keys_before_they_are_struck_again() -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 24, 64), (24, 60, 0, 64)])
    events = as_written(notes)
    assert [(e.time, e.is_on, e.note) for e in events] == [
        (0.0, True, 0),
        (1.0, False, 0),
        (1.0, True, 1),
        (1.0, False, 1),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_performance_strikes_and_releases_every_key_once_in_turn(seed: int) -> None:
    notes, _ = four_voices(12, seed)
    down: dict[int, int] = {}
    for event in as_played(notes, np.random.default_rng(seed), release_lag=1.0):
        if event.is_on:
            assert event.note not in down
            down[event.note] = 1
        else:
            assert down[event.note] == 1
            down[event.note] = 0
    assert len(down) == len(notes)
    assert not any(down.values())


def test_the_notes_of_a_chord_come_in_random_order_some_15_ms_apart() -> None:
    notes, _ = NoteSequence.from_rows([(0, p, 24, 64) for p in (48, 55, 60, 64)])
    orders = set()
    for seed in range(20):
        events = [e for e in as_played(notes, np.random.default_rng(seed)) if e.is_on]
        times = [e.time * 0.5 for e in events]  # seconds at 120 quarters a minute
        assert np.allclose(np.diff(times), 0.015)
        orders.add(tuple(e.note for e in events))
    assert len(orders) > 5


def test_a_velocity_is_a_share_of_the_loudest_and_beyond_it_not_known() -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 24, 5), (24, 60, 24, 15), (48, 60, 24, 64)])
    shares = describe(notes, NOTHING, replace(spec("note", "velocity"), loudest=15))
    assert shares.values.tolist() == pytest.approx(np.array([[1 / 3, 1], [1, 1], [0, 0]]))
    assert shares.velocity.tolist() == [5, 15, 0]
    none = describe(notes, NOTHING, replace(spec("note", "velocity"), loudest=0))
    assert not none.values.any()


def test_a_lock_is_seen_at_its_own_note_alone() -> None:
    notes, _ = four_voices(4)
    locks = describe(notes, Hints(locks={3: 2}), spec("piece", "locks")).values
    assert np.argwhere(locks).tolist() == [[3, 2]]


def test_a_memory_recalls_the_touch_of_each_part() -> None:
    memory = PartMemory(1, 2, ("touch",))
    memory.assign(np.array([0]), 60, 0.0, 1.0, 80)
    memory.assign(np.array([0]), 64, 0.0, 1.0, 80)
    change, same, together = memory.relate(67, 0.0, 96)[0, 0, -3:].tolist()
    assert (change, same, together) == (1.0, 0.0, 0.5)
    assert memory.relate(67, 4.0, 80)[0, 0, -3:].tolist() == [0.0, 1.0, 0.0]
    assert memory.relate(67, 4.0, 0)[0, 0, -3:].tolist() == [0.0, 0.0, 0.0]
    assert not memory.relate(67, 0.0, 80)[0, 1].any()  # has not played


def test_a_memory_recalls_how_long_ago_each_part_struck_the_keys_around_a_note() -> None:
    memory = PartMemory(1, 2, ("keys",))
    memory.assign(np.array([1]), 60, 0.0, 1.0)
    memory.assign(np.array([1]), 72, 8.0, 9.0)
    keys = memory.relate(64, 8.0)[0, 1, -27:]
    assert keys[12 - 4] == 2.0**-8  # four semitones below, eight quarters ago
    assert keys[12 + 8] == 1.0
    own = memory.relate(60, 8.0)[0, 1, -27:]
    assert own[-2:].tolist() == [0.5, pytest.approx(2 ** (-1 / 8))]
