from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arranger.passes import Features, Heard, Passes, PassLimits, together

PATIENT = PassLimits(seconds=5.0)
HASTY = PassLimits(seconds=0.0)


def piece(notes: int, name: int = 0, hearings: int = 2) -> Features:
    """Features without information but for a number that tells pieces apart."""
    codes = np.full((hearings, notes, 1), name)
    return Features(codes, np.zeros((hearings, notes, 1), np.float32))


def echo(pieces: Sequence[Features]) -> list[Heard]:
    return [one.codes.astype(np.float32) for one in pieces]


class Held:
    """Hears as ``hear``, but not before it is let go, once it has begun."""

    def __init__(self, hear: Callable[[Sequence[Features]], list[Heard]] = echo) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.shared: list[list[int]] = []
        self._hear = hear

    def __call__(self, pieces: Sequence[Features]) -> list[Heard]:
        self.shared.append([one.length for one in pieces])
        self.begun.set()
        assert self.go.wait(10)
        return self._hear(pieces)


def all_at_once(held: Held, passes: Passes, pieces: Sequence[Features]) -> list[object]:
    """What each gets, or the error that it meets: the first alone, the others while it is heard."""

    def ask(one: Features) -> object:
        try:
            return passes.hear(one)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(pieces)) as pool:
        first = pool.submit(ask, pieces[0])
        assert held.begun.wait(10)
        others = [pool.submit(ask, one) for one in pieces[1:]]
        end = monotonic() + 10
        while passes.waiting < len(pieces):
            assert monotonic() < end
            sleep(0.001)
        held.go.set()
        return [one.result(10) for one in (first, *others)]


def test_a_piece_that_is_alone_is_heard_at_once_and_alone() -> None:
    passes = Passes(echo, PATIENT)
    began = monotonic()
    for name in range(3):
        assert (passes.hear(piece(5, name)) == name).all()
    assert monotonic() - began < PATIENT.seconds
    assert (passes.count, passes.notes, passes.padding) == (3, 30, 0)


def test_pieces_that_come_while_another_is_heard_share_the_next_pass() -> None:
    held = Held()
    passes = Passes(held, HASTY)
    heard = all_at_once(held, passes, [piece(10 + name, name) for name in range(5)])
    assert [len(shared) for shared in held.shared] == [1, 4]
    for name, one in enumerate(heard):
        assert isinstance(one, np.ndarray)
        assert one.shape == (2, 10 + name, 1)
        assert (one == name).all()
    assert passes.padding == 2 * (3 + 2 + 1)


def test_pieces_of_very_different_lengths_do_not_share_a_pass() -> None:
    held = Held()
    passes = Passes(held, HASTY)
    all_at_once(held, passes, [piece(n) for n in (1, 100, 2000, 90, 1900, 95)])
    assert sorted(sorted(shared) for shared in held.shared) == [[1], [90, 95, 100], [1900, 2000]]


def test_after_a_shared_pass_as_many_are_waited_for_but_not_for_long() -> None:
    held = Held()
    passes = Passes(held, PassLimits(seconds=0.05))
    all_at_once(held, passes, [piece(10) for _ in range(3)])
    waits = []
    for _ in range(2):
        began = monotonic()
        passes.hear(piece(10))
        waits.append(monotonic() - began)
    assert waits[0] >= 0.05 > waits[1]


def test_what_is_wrong_with_one_piece_is_told_to_nobody_else() -> None:
    def hear(pieces: Sequence[Features]) -> list[Heard]:
        if any((one.codes == 13).any() for one in pieces):
            raise ValueError("there is a thirteen")
        return echo(pieces)

    held = Held(hear)
    heard = all_at_once(held, Passes(held, HASTY), [piece(9, name) for name in (1, 12, 13, 14)])
    assert [isinstance(one, ValueError) for one in heard] == [False, False, True, False]
    assert [float(one.max()) for one in heard if isinstance(one, np.ndarray)] == [1, 12, 14]


def test_who_leads_and_is_torn_away_leaves_nobody_waiting() -> None:
    torn = threading.Event()

    def hear(pieces: Sequence[Features]) -> list[Heard]:
        if not torn.is_set():
            torn.set()
            raise KeyboardInterrupt
        return echo(pieces)

    held = Held(hear)
    passes = Passes(held, HASTY)

    def lead() -> None:
        with pytest.raises(KeyboardInterrupt):
            passes.hear(piece(4, 1))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lead)
        assert held.begun.wait(10)
        second = pool.submit(passes.hear, piece(4, 2))
        held.go.set()
        first.result(10)
        assert (second.result(10) == 2).all()


def test_many_threads_all_get_what_is_theirs() -> None:
    passes = Passes(echo, PassLimits(notes=200, seconds=0.0005))
    rng = np.random.default_rng(0)
    pieces = [piece(int(notes), name) for name, notes in enumerate(rng.integers(1, 60, 300))]
    with ThreadPoolExecutor(8) as pool:
        for one, heard in zip(pieces, pool.map(passes.hear, pieces), strict=True):
            assert (heard == one.codes).all()
    assert passes.notes == 2 * sum(one.length for one in pieces)


@given(
    lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=12),
    notes=st.sampled_from([1, 3000, 50_000]),
    padding=st.sampled_from([0.0, 0.1, 0.25]),
)
def test_a_pass_keeps_its_limits_and_holds_who_has_waited_longest(
    lengths: list[int], notes: int, padding: float
) -> None:
    pieces = [piece(n) for n in lengths]
    chosen = together(pieces, PassLimits(notes, padding))
    assert chosen[0] == 0
    assert len(set(chosen)) == len(chosen)
    found = [lengths[n] for n in chosen]
    room = max(found) * len(found)
    assert len(found) == 1 or 2 * room <= notes
    assert room - sum(found) <= padding * room
