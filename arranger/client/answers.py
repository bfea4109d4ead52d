"""What a service answers, as plain values. Keys that a newer service adds are passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

Value = TypeVar("Value")
Json = Mapping[str, Any]


def known(kind: type[Value], document: Json, **made: Any) -> Value:
    """A ``kind`` from the keys of ``document`` that it has, and from ``made``."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    kept = {key: value for key, value in document.items() if key in names}
    return kind(**{**kept, **made})


@dataclass(frozen=True)
class TimedNote:
    """``onset`` and ``duration`` in ticks, ``start`` and ``length`` in seconds."""

    onset: int
    duration: int
    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class RunnerUp:
    """The part that a note would have had otherwise."""

    part: str
    confidence: float


@dataclass(frozen=True)
class ArrangedNote(TimedNote):
    track: int
    part: str
    confidence: float
    runner_up: RunnerUp | None = None


@dataclass(frozen=True)
class Violation:
    note: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Alternative:
    """Another arrangement of the same notes."""

    parts: tuple[str, ...]
    confidence: tuple[float, ...]
    differs: int


@dataclass(frozen=True)
class Arrangement:
    """``parts`` are the names of the ensemble's parts."""

    name: str
    model: str
    resolution: int
    seconds: float
    parts: tuple[str, ...]
    notes: tuple[ArrangedNote, ...]
    violations: tuple[Violation, ...]
    alternatives: tuple[Alternative, ...]
    warnings: tuple[str, ...]
    milliseconds: float

    @classmethod
    def of(cls, document: Json) -> Arrangement:
        return known(
            cls,
            document,
            parts=tuple(part["name"] for part in document["ensemble"]["parts"]),
            notes=tuple(_note(note) for note in document["notes"]),
            violations=tuple(known(Violation, one) for one in document["violations"]),
            alternatives=tuple(_alternative(one) for one in document["alternatives"]),
            warnings=tuple(document["warnings"]),
        )


@dataclass(frozen=True)
class ContinuedNote(TimedNote):
    new: bool


@dataclass(frozen=True)
class Continuation:
    """The piece with what was added; ``new`` counts that."""

    model: str
    seed: int
    resolution: int
    notes: tuple[ContinuedNote, ...]
    new: int
    arrangement: Arrangement | None
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, document: Json) -> Continuation:
        arranged = document["arrangement"]
        return known(
            cls,
            document,
            notes=tuple(known(ContinuedNote, note) for note in document["notes"]),
            arrangement=None if arranged is None else Arrangement.of(arranged),
            warnings=tuple(document["warnings"]),
        )


@dataclass(frozen=True)
class Evaluation:
    """``metrics`` are those of ``arranger evaluate``; ``mistakes`` counts those of each piece."""

    metrics: Mapping[str, Any]
    parts: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: Mapping[str, int]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, document: Json) -> Evaluation:
        return known(
            cls,
            document,
            parts=tuple(document["parts"]),
            confusion=tuple(tuple(row) for row in document["confusion"]),
            mistakes={piece["name"]: piece["mistakes"] for piece in document["pieces"]},
            warnings=tuple(document["warnings"]),
        )


@dataclass(frozen=True)
class JobFile:
    number: int
    name: str
    state: str
    problem: str | None


@dataclass(frozen=True)
class Job:
    id: str
    state: str
    work: str
    files: int
    done: int
    failed: int
    problem: str | None
    items: tuple[JobFile, ...]

    @classmethod
    def of(cls, document: Json) -> Job:
        return known(cls, document, items=tuple(known(JobFile, one) for one in document["items"]))

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {"done", "failed", "cancelled"}


def _note(document: Json) -> ArrangedNote:
    other = document["runner_up"]
    return known(ArrangedNote, document, runner_up=None if other is None else RunnerUp(**other))


def _alternative(document: Json) -> Alternative:
    parts, confidence = tuple(document["parts"]), tuple(document["confidence"])
    return known(Alternative, document, parts=parts, confidence=confidence)
