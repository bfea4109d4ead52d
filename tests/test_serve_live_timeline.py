from __future__ import annotations

import pytest

from serve.live.timeline import Timeline


def test_without_a_clock_of_its_own_an_event_happens_when_it_arrives() -> None:
    time = Timeline(tempo=120, now=1000.0)
    assert time.event(None, 1000.5) == pytest.approx(1.0)
    assert time.event(None, 1002.0) == pytest.approx(4.0)
    assert time.moment == pytest.approx(2.0)


def test_the_player_s_clock_counts_however_late_its_messages_are() -> None:
    time = Timeline(tempo=60, now=1000.0)
    assert time.event(0.0, 1000.3) == 0.0
    assert time.event(1.0, 1001.5) == 1.0
    assert time.event(2.0, 1002.1) == 2.0


def test_a_late_event_keeps_its_moment_but_the_music_does_not_go_back() -> None:
    time = Timeline(tempo=60, now=0.0)
    assert time.event(2.0, 2.0) == 2.0
    assert time.event(1.5, 2.1) == 2.0
    assert time.moment == 1.5
    assert time.event(2.5, 2.5) == 2.5


@pytest.mark.parametrize("jump", [0.0, 1e9, 5000.0])
def test_a_clock_that_jumps_has_been_set_anew(jump: float) -> None:
    time = Timeline(tempo=60, now=0.0)
    time.event(10.0, 10.0)
    assert time.event(jump, 11.0) == pytest.approx(11.0)
    assert time.event(jump + 0.5, 11.6) == pytest.approx(11.5)


def test_a_clock_of_any_origin_begins_when_it_is_first_heard() -> None:
    time = Timeline(tempo=60, now=50.0)
    assert time.event(86_400.0, 53.0) == pytest.approx(3.0)
    assert time.event(86_401.0, 54.2) == pytest.approx(4.0)


def test_a_tempo_counts_from_the_last_event_on() -> None:
    time = Timeline(tempo=60, now=0.0)
    time.event(2.0, 2.0)
    time.change(120)
    assert time.event(3.0, 3.0) == pytest.approx(4.0)
    assert time.tempos == [(0.0, 60), (2.0, 120)]


def test_after_a_replay_our_clock_goes_on_from_its_last_event() -> None:
    time = Timeline(tempo=60, now=0.0)
    for moment in (1.0, 200.0, 400.0):
        assert time.replayed(moment, 0.2) == moment
    assert time.event(None, 1.2) == pytest.approx(401.0)
