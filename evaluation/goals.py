"""The goals of each ensemble, and whether what was measured meets them.

Knows results and what is required; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .published import base_weights, published
from .results import Key, Results


class Goal(NamedTuple):
    """What a default model shall reach, in %. ``what`` is a metric of the runner's, or
    ``corrected`` and a level: the accuracy on the rest after that share has been set right."""

    mode: str
    hints: str
    required: float | None
    aim: float | None
    what: str = "accuracy"


def _table(
    live: str, chord_live: str, offline: str, also: tuple[Goal, ...] = ()
) -> tuple[Goal, ...]:
    """Goals from "hints required aim, ..." for each mode."""
    goals = []
    for mode, text in (("live", live), ("chord-live", chord_live), ("offline", offline)):
        for part in text.split(", "):
            hints, required, aim = part.split()
            goals.append(Goal(mode, hints, float(required), float(aim)))
    return (*goals, *also)


_CORRECTED = Goal("offline", "none", None, 95.0, "corrected 0.02")

GOALS = {
    "chorale": _table(
        "none 96.8 98, entry 97 98",
        "none 97.9 98.8",
        "none 98.4 99.3, entry 98.5 99.4",
        (Goal("stage", "none", 95.0, 97.0),),
    ),
    "quartet": _table(
        "none 70 80, entry 72 82, pitch 74 84",
        "none 74 84",
        "none 78 88, entry 80 90, both 82 93",
        (_CORRECTED,),
    ),
    "game": _table(
        "none 56 65, entry 70 82, pitch 74 86",
        "none 58 68",
        "none 58 68, entry 75 88, both 80 92",
        (Goal("live", "none", 85.0, 93.0, "matched_accuracy"), _CORRECTED),
    ),
    "pop": _table(
        "none 68 78, entry 71 82, pitch 73 84",
        "none 70 80",
        "none 74 84, entry 77 87, both 80 90",
    ),
}

LARGEST_ECE = 0.03
"""Expected calibration error, 0..1, that no row of a default may exceed."""
LARGEST_FALL = 2.0
"""Points by which a live default may be worse on a stage."""

DEFAULT_MODES = ("offline", "chord-live", "live")
_WORDS = {
    "accuracy": "{mode}, hints {hints}",
    "matched_accuracy": "{mode}, hints {hints}, best matching of parts",
    "corrected 0.02": "{mode}, hints {hints}, on the rest after 2 % corrected",
}


def goals_table(results: Results, split: str) -> str:
    """A Markdown table of the goals of an ensemble on a split."""
    lines = [
        "| | published | base work's weights | ours | required | aim | |",
        "|---|---|---|---|---|---|---|",
        *(_line(results, split, goal) for goal in GOALS[results.ensemble]),
        *_limits(results, split),
    ]
    return "\n".join(lines)


def _line(results: Results, split: str, goal: Goal) -> str:
    number, shown = _reached(results, split, goal)
    others: tuple[float | None, float | None] = (None, None)
    if goal.what == "accuracy":
        ensemble, mode, hints = results.ensemble, goal.mode, goal.hints
        others = published(ensemble, mode, hints), base_weights(ensemble, split, mode, hints)
    verdict = "not measured"
    if number is not None:
        verdict = "missed"
        if goal.required is None:
            verdict = "under the aim"
        elif number >= goal.required:
            verdict = "met"
        if goal.aim is not None and number >= goal.aim:
            verdict = "aim met"
    cells = (
        _WORDS[goal.what].format(mode=goal.mode, hints=goal.hints),
        percent(others[0]),
        percent(others[1], 1),
        shown,
        percent(goal.required, 1),
        percent(goal.aim, 1),
        verdict,
    )
    return "| " + " | ".join(cells) + " |"


def _reached(results: Results, split: str, goal: Goal) -> tuple[float | None, str]:
    """What the default model reaches, in %, and how to write it."""
    key = default_key(results.ensemble, split, goal.mode, goal.hints)
    what, _, level = goal.what.partition(" ")
    if what == "accuracy":
        runs = results.runs(key)
        return (None, "–") if runs is None else (100 * runs.mean, runs.shown())
    if level:
        key = key._replace(mode="corrections")
    if key not in results.rows:
        return None, "–"
    found = results.rows[key].metrics[what]
    number = 100 * float(found[level] if level else found)
    return number, percent(number)


def _limits(results: Results, split: str) -> Iterator[str]:
    """The lines of what must not be exceeded."""
    errors = [
        float(row.metrics["ece"])
        for mode in DEFAULT_MODES
        for key, row in results.rows.items()
        if (key.model, key.split, key.mode) == (f"{results.ensemble}-{mode}", split, mode)
    ]
    largest = max(errors, default=None)
    yield _limit("largest calibration error of the defaults", largest, 3, LARGEST_ECE)
    live, stage = (
        results.runs(default_key(results.ensemble, split, mode, "none"))
        for mode in ("live", "stage")
    )
    fall = 100 * (live.mean - stage.mean) if live and stage else None
    yield _limit("points from live to stage, hints none", fall, 2, LARGEST_FALL)


def _limit(what: str, number: float | None, digits: int, limit: float) -> str:
    verdict = "not measured"
    if number is not None:
        verdict = "met" if number <= limit else "missed"
    return f"| {what} | – | – | {percent(number, digits)} | ≤ {limit} | – | {verdict} |"


def default_key(ensemble: str, split: str, mode: str, hints: str) -> Key:
    """The row of the default model of a mode; the live one also plays on a stage."""
    return Key(f"{ensemble}-{'live' if mode == 'stage' else mode}", split, mode, hints)


def percent(number: float | None, digits: int = 2) -> str:
    """A number that is in % already, or a dash."""
    return "–" if number is None else f"{number:.{digits}f}"
