"""Times as a page shows them: ticks to readable fractions, lengths to note values, bars and beams.

Knows rhythm only, in units of which a quarter has ``UNITS``. Does not know pitches or XML.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..notes import Meter

UNITS = 3360
"""Units a quarter: enough for 128th notes, triplets, quintuplets and septuplets."""

_SMALLEST = UNITS // 32
_EXACT = (1, 2, 3, 4, 6, 8, 5, 7, 12, 16, 24, 32)
_PLAYED = {1: 0.01, 2: 0.02, 4: 0.04, 3: 0.05, 8: 0.09, 6: 0.1}
"""Into how many a played quarter may be divided, and what error in quarters that must save."""

_TYPES = ("breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th")
_PLAIN = sorted(
    [(8 * UNITS >> i, name, 0) for i, name in enumerate(_TYPES)]
    + [(12 * UNITS >> i, name, 1) for i, name in enumerate(_TYPES[:-1])],
    reverse=True,
)
_TUPLETS = ((3, 2), (5, 4), (7, 4))


class PageError(ValueError):
    """Music that no page can hold; the message is the subject of "to be written as a score"."""


class Value(NamedTuple):
    """A note value: ``actual`` of them in the time of ``normal``."""

    length: int
    type: str
    dots: int = 0
    actual: int = 1
    normal: int = 1

    @property
    def flags(self) -> int:
        return max(0, _TYPES.index(self.type) - 3)


class Bar(NamedTuple):
    """A bar in units; ``meter`` is the time signature to show there, None for the one before."""

    start: int
    length: int
    beat: int
    meter: tuple[int, int] | None
    is_full: bool = True
    is_pickup: bool = False


def readable_times(ticks: Iterable[int], resolution: int) -> dict[int, int]:
    """The unit at which to show each tick.

    A piece that lies wholly on fractions a page can show keeps its times. One that was played is
    moved, quarter by quarter, to the division of the quarter that fits it best.
    """
    beats: dict[int, list[int]] = defaultdict(list)
    for tick in ticks:
        beats[tick // resolution].append(tick % resolution)
    division = {beat: _exact_division(rests, resolution) for beat, rests in beats.items()}
    if not all(division.values()):
        division = {beat: _played_division(rests, resolution) for beat, rests in beats.items()}
    shown = {}
    for beat, rests in beats.items():
        parts = division[beat]
        for rest in rests:
            nearest = (2 * rest * parts + resolution) // (2 * resolution)
            shown[beat * resolution + rest] = beat * UNITS + nearest * UNITS // parts
    return shown


def _exact_division(rests: list[int], resolution: int) -> int:
    """The coarsest division on which all ``rests`` lie; 0 if there is none."""
    for parts in _EXACT:
        if all(rest * parts % resolution == 0 for rest in rests):
            return parts
    return 0


def _played_division(rests: list[int], resolution: int) -> int:
    def cost(parts: int) -> float:
        error = sum(
            abs(rest * parts / resolution - round(rest * parts / resolution)) / parts
            for rest in rests
        )
        return error / len(rests) + _PLAYED[parts]

    return min(_PLAYED, key=cost)


def bars(meters: Sequence[tuple[int, Meter]], end: int, most: int = 1_000_000) -> list[Bar]:
    """The bars up to ``end``, at least one. ``meters`` come with the unit where each begins; one
    that begins inside a bar cuts it short.

    A first bar with a shorter meter of its own is a pickup to the meter that follows. PageError
    if there are more than ``most``.
    """
    found: list[Bar] = []
    if not meters or meters[0][0] > 0:
        meters = [(0, Meter(0, 4, 4)), *meters]
    limits = [start for start, _ in meters[1:]] + [max(end, meters[-1][0] + 1)]
    for (position, meter), limit in zip(meters, limits, strict=True):
        full = max(_SMALLEST, 4 * UNITS * meter.numerator // meter.denominator)
        is_compound = meter.numerator % 3 == 0 and meter.denominator >= 8
        beat = UNITS * (12 if is_compound else 4) // meter.denominator
        shown: tuple[int, int] | None = (meter.numerator, meter.denominator)
        is_last = limit == limits[-1]
        while position < min(limit, end) or not found:
            length = full if is_last else min(full, limit - position)
            if len(found) == most:
                raise PageError(f"the piece has more than {most:,} bars, too many")
            found.append(Bar(position, length, max(beat, _SMALLEST), shown, length == full))
            position += length
            shown = None
    if (
        len(found) > 1
        and found[0].length < found[1].length
        and found[1].meter
        and meters[1][1][1:] != meters[0][1][1:]
    ):
        found[0] = found[0]._replace(meter=found[1].meter, is_full=False, is_pickup=True)
        found[1] = found[1]._replace(meter=None)
    return found


def note_values(position: int, length: int) -> list[Value]:
    """Note values that together last ``length``, for a note at ``position`` in its bar."""
    values = []
    while length > 0:
        value = _next_value(position, length)
        values.append(value)
        position += value.length
        length -= value.length
    return values


def _next_value(position: int, length: int) -> Value:
    left = UNITS - position % UNITS
    if position % _SMALLEST == 0 and length % _SMALLEST == 0:
        if left < UNITS and length > left and not _is_plain(length):
            length = left
        return _longest(length)
    if length > left:
        if left == UNITS:
            return _longest(length // UNITS * UNITS)
        length = left
    if position % _SMALLEST == 0 and length % _SMALLEST == 0:
        return _longest(length)
    for actual, normal in _TUPLETS:
        for plain, name, dots in _PLAIN:
            if plain * normal % actual == 0 and plain * normal // actual <= length:
                taken = plain * normal // actual
                if (length - taken) % (_SMALLEST // actual) == 0:
                    return Value(taken, name, dots, actual, normal)
    return _longest(length)._replace(length=length)


def _is_plain(length: int) -> bool:
    return any(plain == length for plain, _, _ in _PLAIN)


def _longest(length: int) -> Value:
    return next(
        (Value(*plain) for plain in _PLAIN if plain[0] <= length), Value(length, _TYPES[-1])
    )


def beams(positions: Sequence[int], values: Sequence[Value | None], beat: int) -> list[list[str]]:
    """The beams of each note of a voice in a bar, from the outermost in; None stands for a rest."""
    marks: list[list[str]] = [[] for _ in values]
    flags = [0 if value is None else value.flags for value in values]

    def joined(i: int, j: int, level: int) -> bool:
        return (
            0 <= i < j < len(flags)
            and min(flags[i], flags[j]) >= level
            and positions[i] // beat == positions[j] // beat
        )

    for i, own in enumerate(flags):
        if not (joined(i - 1, i, 1) or joined(i, i + 1, 1)):
            continue
        for level in range(1, own + 1):
            before, after = joined(i - 1, i, level), joined(i, i + 1, level)
            if before or after:
                marks[i].append("continue" if before and after else "end" if before else "begin")
            else:
                marks[i].append("forward hook" if joined(i, i + 1, 1) else "backward hook")
    return marks
