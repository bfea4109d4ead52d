"""Ensembles: the parts that notes are given to, and the rules of each part.

Knows names, programs, ranges and voices. Does not know notes in time or models. The built-in
ensembles and any other are YAML files of one form; see ``configs/ensembles/``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PACKAGED = Path(__file__).parent / "configs"
CONFIGS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "configs"


@dataclass(frozen=True)
class Part:
    """One instrument or voice of an ensemble.

    ``program`` is a General MIDI program counted from 0; ``low`` and ``high`` are the lowest and
    highest pitch it can play; ``voices`` is how many notes it may hold at once (None: no limit);
    ``aliases`` are other names, ``programs`` other programs, by which a score may mean it.
    """

    name: str
    program: int
    low: int = 0
    high: int = 127
    voices: int | None = 1
    aliases: tuple[str, ...] = ()
    programs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for program in (self.program, *self.programs):
            if not 0 <= program <= 127:
                raise ValueError(f"part {self.name}: program {program} is not in 0..127")
        if not 0 <= self.low <= self.high <= 127:
            raise ValueError(f"part {self.name}: range {self.low}..{self.high} is not in 0..127")
        if self.voices is not None and self.voices < 1:
            raise ValueError(f"part {self.name}: voices must be 1 or more, not {self.voices}")

    def answers_to(self, name: str) -> bool:
        """Whether ``name``, as a score may write it, means this part."""
        return _plain(name) in {_plain(n) for n in (self.name, *self.aliases)}


@dataclass(frozen=True)
class Ensemble:
    """Parts in score order, the highest first."""

    name: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        names = [_plain(part.name) for part in self.parts]
        if not names:
            raise ValueError(f"ensemble {self.name}: it has no parts")
        if len(set(names)) < len(names):
            raise ValueError(f"ensemble {self.name}: two parts have the same name")

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)

    def index(self, name: str) -> int:
        """The part that ``name`` means; ValueError names the parts there are."""
        for k, part in enumerate(self.parts):
            if part.answers_to(name):
                return k
        raise ValueError(
            f"unknown part {name!r}: the parts of {self.name} are {', '.join(self.names)}"
        )

    def part_of_track(self, name: str | None, program: int | None) -> int | None:
        """The part that a track of a reference score is, by its name, else by its program.

        A program decides only where one part alone has it. None: no part of this ensemble.
        """
        if name is not None:
            for k, part in enumerate(self.parts):
                if part.answers_to(name):
                    return k
        owners = [
            k for k, part in enumerate(self.parts) if program in (part.program, *part.programs)
        ]
        return owners[0] if len(owners) == 1 else None


def built_in() -> list[str]:
    """The names of the built-in ensembles."""
    return sorted(path.stem for path in (CONFIGS / "ensembles").glob("*.yaml"))


def load_ensemble(name_or_path: str | Path) -> Ensemble:
    """A built-in ensemble by its name, or any other from a YAML file.

    Raises ValueError, with one sentence that says what is wrong, for an unknown name or a file
    that does not describe an ensemble.
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = CONFIGS / "ensembles" / f"{name_or_path}.yaml"
        if not path.is_file():
            known = ", ".join(built_in())
            raise ValueError(f"unknown ensemble {str(name_or_path)!r}: known are {known}")
    if not path.is_file():
        raise ValueError(f"{path}: no such ensemble file")
    try:
        return _parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable YAML file ({type(error).__name__})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not an ensemble: {error}") from error


def _parse(document: Any) -> Ensemble:
    if not isinstance(document, dict) or set(document) != {"name", "parts"}:
        raise ValueError("expected the keys name and parts")
    parts = [
        Part(
            **{
                **entry,
                "aliases": tuple(entry.get("aliases", ())),
                "programs": _programs(entry.get("programs", ())),
            }
        )
        for entry in document["parts"]
    ]
    return Ensemble(str(document["name"]), tuple(parts))


def _programs(entries: Sequence[int | str]) -> tuple[int, ...]:
    """Programs, given one by one (40) or as what lies between two (40-45)."""
    programs: list[int] = []
    for entry in entries:
        first, _, last = str(entry).partition("-")
        bounds = int(first), int(last or first)
        if not 0 <= bounds[0] <= bounds[1] <= 127:
            raise ValueError(f"programs {entry!r} are not in 0..127")
        programs += range(bounds[0], bounds[1] + 1)
    return tuple(programs)


def _plain(name: str) -> str:
    """``name`` without case, punctuation or repeated spaces."""
    return " ".join(re.sub(r"[\W_]+", " ", name.casefold()).split())
