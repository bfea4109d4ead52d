"""The grammar of ABC tokens: how long a note may be, and where a bar may be closed.

Knows bars; not ids. A bar is closed when it is full. A strain may begin with an upbeat, and its
last bar is then as much shorter; the strain behind it begins with what was left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from ..notes import DEFAULT_VELOCITY, Note
from .tokenizer import State

UNIT, SMALLEST = 12, 3
"""Ticks of an 8th, the unit of lengths, and of a 32nd."""

LENGTHS = {"/4": 3, "/2": 6, "3/4": 9, "3/2": 18, "2": 24, "5/2": 30, "3": 36, "7/2": 42, "4": 48}
LENGTHS |= {str(eighths): UNIT * eighths for eighths in (5, 6, 7, 8, 9, 10, 12)}
LINES = ("|", "||", "|]", "|:", ":|", "::", "|1", ":|2")
STRAIN_ENDS = frozenset(LINES) - {"|", "|1"}
TUNE_ENDS = frozenset({"||", "|]", ":|"})
TRIPLET, TRIPLET_UNIT = 3, 8


class Pending(NamedTuple):
    """A note (``pitch`` -1: a rest) that began at ``onset`` and whose length may yet be said."""

    onset: int
    pitch: int


@dataclass(frozen=True)
class FolkState(State):
    """``last`` is the group of the last token, ``place`` the ticks into the bar up to the pending
    note, ``full`` the length of a bar, ``altered`` its accidentals. ``opening`` marks the first
    bar of a strain, ``upbeat`` is the length of that bar where it was short, ``owed`` what the
    strain before left its last bar short by, -1 where any upbeat will do. ``ending``: 1 or 2 in
    such an ending. ``final``: the tune may end here. ``triplet`` counts the notes of one still to
    come, ``third`` is the length of each, 0 while that is open."""

    last: str = "none"
    place: int = 0
    full: int = 0
    key: tuple[int, ...] = ()
    altered: tuple[tuple[int, int], ...] = ()
    pending: Pending | None = None
    opening: bool = True
    upbeat: int = 0
    owed: int = -1
    ending: int = 0
    final: bool = False
    triplet: int = 0
    third: int = 0

    @property
    def unit(self) -> int:
        """The ticks of a note without a length."""
        return TRIPLET_UNIT if self.triplet else UNIT

    @property
    def room(self) -> int:
        """The ticks left in the bar; a pending note takes a unit."""
        return self.full - self.place - (self.unit if self.pending else 0)


def settled(state: FolkState, ticks: int, last: str) -> tuple[FolkState, tuple[Note, ...]]:
    """The state once its pending note is known to last ``ticks``, and that note."""
    if state.pending is None:
        return replace(state, last=last), ()
    onset, pitch = state.pending
    triplet = max(0, state.triplet - 1)
    after = replace(
        state,
        last=last,
        pending=None,
        time=onset + ticks,
        place=state.place + ticks,
        triplet=triplet,
        third=ticks if triplet else 0,
    )
    return after, (Note(onset, pitch, ticks, DEFAULT_VELOCITY),) if pitch >= 0 else ()


def scaled(state: FolkState, ticks: int) -> int:
    """The ticks that a length of ``ticks`` means here: two thirds in a triplet."""
    return ticks * 2 // 3 if state.triplet else ticks


def may_last(state: FolkState, ticks: int) -> bool:
    """Whether the pending note may have a length that is ``ticks`` outside of a triplet.

    The notes of a triplet are equally long, each a 16th, an 8th or a quarter.
    """
    if state.pending is None:
        return False
    if not state.triplet:
        return state.place + ticks <= state.full
    third = scaled(state, ticks)
    if state.third:
        return third == state.third
    return ticks in {UNIT // 2, UNIT, 2 * UNIT} and state.place + TRIPLET * third <= state.full


def may_close(state: FolkState, line: str) -> bool:
    """Whether ``line`` may stand at the state's place in its bar."""
    if state.place == 0:
        return line == "|:" and state.last == "mode"
    if state.ending == 1:
        if line not in {"|", ":|2"}:
            return False
    elif line == ":|2" or (line == "|1" and state.ending):
        return False
    if state.place == state.full:
        return True
    if state.opening and line in {"|", "|:"}:
        return state.owed in (-1, state.place)
    return line in STRAIN_ENDS and state.upbeat > 0 and state.place == state.full - state.upbeat


def closed(state: FolkState, line: str) -> FolkState:
    """The state behind a bar line."""
    short = state.full - state.place
    bar = replace(state, place=0, altered=(), opening=False, owed=-1)
    if state.opening and 0 < short < state.full and line in {"|", "|:"}:
        return replace(bar, upbeat=state.place)
    if line in {"|1", ":|2"}:
        return replace(bar, ending=int(line[-1]))
    if line not in STRAIN_ENDS:
        return bar
    owed = short if state.place else -1
    return replace(bar, opening=True, upbeat=0, owed=owed, ending=0, final=line in TUNE_ENDS)
