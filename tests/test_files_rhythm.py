"""Times as a page shows them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from arranger.files.rhythm import UNITS, Value, bars, beams, note_values, readable_times
from arranger.notes import Meter

Q = UNITS


def names(position: int, length: int) -> list[str]:
    return [
        v.type + "." * v.dots + f":{v.actual}" * (v.actual > 1)
        for v in note_values(position, length)
    ]


def test_plain_lengths_are_one_value() -> None:
    assert names(0, 4 * Q) == ["whole"]
    assert names(0, 3 * Q) == ["half."]
    assert names(Q // 2, Q) == ["quarter"]
    assert names(0, Q // 4) == ["16th"]


def test_other_lengths_are_divided_at_the_beat() -> None:
    assert names(0, 5 * Q // 4) == ["quarter", "16th"]
    assert names(3 * Q // 4, 5 * Q // 4) == ["16th", "quarter"]


def test_thirds_fifths_and_sevenths_are_tuplets() -> None:
    assert names(0, Q // 3) == ["eighth:3"]
    assert names(Q // 3, 2 * Q // 3) == ["quarter:3"]
    assert names(0, Q // 5) == ["16th:5"]
    assert names(0, Q // 7) == ["16th:7"]
    assert names(2 * Q // 3, Q) == ["eighth:3", "quarter:3"]
    assert names(0, 4 * Q // 3) == ["quarter", "eighth:3"]


@given(st.integers(0, 8 * UNITS), st.integers(1, 16 * UNITS))
def test_values_last_as_long_as_the_note_whatever_it_is(position: int, length: int) -> None:
    values = note_values(position, length)
    assert sum(value.length for value in values) == length
    assert all(value.length > 0 for value in values)


def test_times_that_a_page_can_show_are_kept() -> None:
    ticks = [0, 6, 8, 12, 16, 23, 24, 47, 480]
    assert readable_times(ticks, 24) == {tick: tick * Q // 24 for tick in ticks}


def test_played_times_move_to_the_nearest_division_of_their_quarter() -> None:
    played = {0: 0, 7: 0, 233: Q // 2, 455: Q, 480: Q, 643: Q + Q // 3, 797: Q + 2 * Q // 3}
    assert readable_times(played, 480) == played


def test_bars_follow_the_meter_and_a_change_inside_one_cuts_it() -> None:
    found = bars([(0, Meter(0, 3, 4)), (4 * Q, Meter(0, 6, 8))], 10 * Q)
    assert [(bar.start // Q, bar.length // Q, bar.meter) for bar in found] == [
        (0, 3, (3, 4)),
        (3, 1, None),
        (4, 3, (6, 8)),
        (7, 3, None),
    ]
    assert [bar.beat for bar in found] == [Q, Q, 3 * Q // 2, 3 * Q // 2]


def test_a_short_first_bar_is_a_pickup() -> None:
    found = bars([(0, Meter(0, 1, 4)), (Q, Meter(0, 4, 4))], 5 * Q)
    assert [(bar.length // Q, bar.meter, bar.is_pickup) for bar in found] == [
        (1, (4, 4), True),
        (4, None, False),
    ]


def test_an_empty_piece_has_one_bar_of_common_time() -> None:
    assert [(bar.length, bar.meter) for bar in bars([], 0)] == [(4 * Q, (4, 4))]


def test_beams_join_short_notes_within_a_beat() -> None:
    eighth, sixteenth = Value(Q // 2, "eighth"), Value(Q // 4, "16th")
    values = [eighth, sixteenth, sixteenth, eighth, None, sixteenth]
    starts = [0, Q // 2, 3 * Q // 4, Q, 3 * Q // 2, 7 * Q // 4]
    assert beams(starts, values, Q) == [
        ["begin"],
        ["continue", "begin"],
        ["end", "end"],
        [],
        [],
        [],
    ]
    dotted = Value(3 * Q // 4, "eighth", 1)
    assert beams([0, 3 * Q // 4], [dotted, sixteenth], Q) == [["begin"], ["end", "backward hook"]]
