"""How pitches are written in a key.

Knows names of pitches only.
"""

from __future__ import annotations

from typing import NamedTuple

ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_STEPS = "FCGDAEB"


class Key(NamedTuple):
    """``fifths`` counts sharps, flats below 0."""

    fifths: int
    is_minor: bool

    @property
    def alterations(self) -> dict[str, int]:
        """The sharps (flats below 0) that the key gives to each step."""
        return {step: (self.fifths - i + 6) // 7 for i, step in enumerate(_STEPS)}


class Spelling(NamedTuple):
    step: str
    alter: int
    octave: int


def spelled(pitch: int, fifths: int) -> Spelling:
    """The name of a pitch: the diatonic ones of the key, and the usual chromatic ones between."""
    place = next(f for f in range(fifths - 3, fifths + 9) if 7 * f % 12 == pitch % 12)
    alter = (place + 1) // 7
    return Spelling(_STEPS[(place + 1) % 7], alter, (pitch - alter) // 12 - 1)
