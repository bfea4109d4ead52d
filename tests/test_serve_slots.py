from __future__ import annotations

import asyncio
import threading

import pytest

from serve.problems import ProblemError
from serve.slots import Slots


def test_work_is_done_in_turn_and_more_is_refused_with_a_time() -> None:
    async def scene() -> None:
        slots, go = Slots("test", 1, 2), threading.Event()
        waiting = [asyncio.ensure_future(slots.run(go.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(ProblemError, match="3 requests are before this one") as refused:
            await slots.run(lambda: None)
        assert int(refused.value.headers["Retry-After"]) >= 1
        go.set()
        assert await asyncio.gather(*waiting) == [True] * 3
        assert await slots.run(max, 1, 2) == 2
        slots.close()

    asyncio.run(scene())


def test_what_is_cancelled_while_it_waits_is_never_begun() -> None:
    async def scene() -> None:
        slots, go, begun = Slots("test", 1, 2), threading.Event(), threading.Event()
        first = asyncio.ensure_future(slots.run(go.wait, 5))
        second = asyncio.ensure_future(slots.run(begun.set))
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0.01)
        assert slots.taken == 1
        go.set()
        await first
        await slots.run(lambda: None)
        assert not begun.is_set()
        slots.close()

    asyncio.run(scene())


def test_a_place_stays_taken_until_the_work_has_ended_even_if_nobody_waits_for_it() -> None:
    async def scene() -> None:
        slots, go = Slots("test", 1, 0), threading.Event()
        left = asyncio.ensure_future(slots.run(go.wait, 5))
        await asyncio.sleep(0.01)
        left.cancel()
        await asyncio.sleep(0.01)
        with pytest.raises(ProblemError):
            await slots.run(lambda: None)
        go.set()
        while slots.taken:
            await asyncio.sleep(0.001)
        await slots.run(lambda: None)
        slots.close()

    asyncio.run(scene())


def test_what_work_raises_reaches_who_waits() -> None:
    async def scene() -> None:
        slots = Slots("test", 1, 0)
        with pytest.raises(ZeroDivisionError):
            await slots.run(lambda: 1 // 0)
        assert slots.taken == 0
        slots.close()

    asyncio.run(scene())
