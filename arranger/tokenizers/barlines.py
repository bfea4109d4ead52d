"""Where bars begin."""

from __future__ import annotations

from collections.abc import Iterator

from ..notes import Meter, NoteSequence


def barlines(notes: NoteSequence) -> Iterator[tuple[int, int]]:
    """Tick and length of each bar from tick 0 on, without end; 4/4 until a meter says otherwise.

    A bar that a new meter cuts short is as short as it is.
    """
    changes = sorted(meter for meter in notes.meters if meter.tick >= 0)
    tick, meter = 0, Meter(0, 4, 4)
    while True:
        while changes and changes[0].tick <= tick:
            meter = changes.pop(0)
        length = max(1, 4 * notes.resolution * meter.numerator // meter.denominator)
        if changes:
            length = min(length, changes[0].tick - tick)
        yield tick, length
        tick += length
