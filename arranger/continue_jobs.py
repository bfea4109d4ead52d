"""Files in, files out: what ``arranger continue`` does with a path.

Knows files, generators and arrangers; not how a command line is parsed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement
from .checkpoints import load_for, shipped
from .continuation import Extent, Generator
from .ensembles import Ensemble, Part, load_ensemble
from .files import Score, read
from .files.formats import WRITABLE
from .files.joining import empty_score, joined, write_as_it_stands
from .notes import Meter, Note, Tempo
from .offline import Arranger
from .sampling import Sampling

TRACK = "Continuation"
SLOWEST, FASTEST = 10.0, 400.0
"""Quarters a minute that may be asked for."""

Draw = Callable[[Arrangement, NDArray[np.bool_], str, Path], None]
"""Draws an arrangement, which of its notes were given, under a title, into a file."""


@dataclass(frozen=True)
class Request:
    """What to continue and how. ``source`` None: begin from nothing. ``tempo``: quarters a minute
    of what is new. ``ensemble``: arrange the whole for it. ``picture``: where to draw it."""

    source: Path | None
    output: Path
    extent: Extent
    model: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    style: str | None = None
    tempo: float | None = None
    alternatives: int = 1
    ensemble: str | None = None
    picture: Path | None = None

    def __post_init__(self) -> None:
        if self.output.suffix.lower() not in WRITABLE:
            raise ValueError(f"{self.output}: expected a suffix among {', '.join(WRITABLE)}")
        if not 1 <= self.alternatives <= 100:
            raise ValueError(f"alternatives must lie in 1..100, not {self.alternatives}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, not {self.seed}")
        if self.tempo is not None and not SLOWEST <= self.tempo <= FASTEST:
            raise ValueError(
                f"tempo must lie in {SLOWEST:g}..{FASTEST:g} quarters a minute, not {self.tempo:g}"
            )

    def outputs(self) -> list[Path]:
        """Where each alternative goes: the output itself, or numbered beside it."""
        return self._numbered(self.output)

    def pictures(self) -> list[Path]:
        """Where each alternative is drawn, if it is."""
        return [] if self.picture is None else self._numbered(self.picture)

    def _numbered(self, path: Path) -> list[Path]:
        if self.alternatives == 1:
            return [path]
        numbers = range(1, self.alternatives + 1)
        return [path.with_name(f"{path.stem}-{n}{path.suffix}") for n in numbers]


@dataclass(frozen=True)
class Continued:
    """One written continuation: the whole score, how many of its notes are new, and how long the
    first of them and all of them took, in seconds."""

    output: Path
    score: Score
    new: int
    first: float
    seconds: float

    def lines(self, source: Path | None) -> list[str]:
        """What was done, for a person to read."""
        given = len(self.score.notes) - self.new
        said = [
            f"{source or 'nothing'} -> {self.output}: {given} notes and {self.new} new ones "
            f"in {self.seconds:.1f} s, the first after {1000 * self.first:.0f} ms"
        ]
        return said + [f"  warning: {warning}" for warning in self.score.warnings]


def run(request: Request, draw: Draw | None = None) -> Iterator[Continued]:
    """Continue and write each alternative, and have it drawn where that is asked for; ValueError
    for what a person can mend."""
    generator = Generator.from_pretrained(request.model or _default())
    score = read(request.source) if request.source else empty_score()
    arranger = None
    if request.ensemble:
        ensemble = load_ensemble(request.ensemble)
        arranger = Arranger(load_for(None, ensemble, "offline"))
    for n, output in enumerate(request.outputs()):
        continued = continue_score(generator, score, request, request.seed + n)
        output.parent.mkdir(parents=True, exist_ok=True)
        arrangement = _unarranged(continued.score)
        if arranger is None:
            write_as_it_stands(output, continued.score)
        else:
            arranged = arranger.arrange(continued.score)
            arranged.write(output)
            arrangement = arranged.arrangement
        if draw is not None and request.pictures():
            given = continued.score.track < len(score.tracks)
            draw(arrangement, given, output.stem, request.pictures()[n])
        yield replace(continued, output=output)


def continue_score(
    generator: Generator,
    score: Score,
    request: Request,
    seed: int,
    tell: Callable[[Note], None] | None = None,
) -> Continued:
    """``score`` continued in memory, on a track of its own; ``tell`` hears of each note as soon as
    it is decided."""
    began = time.perf_counter()
    notes, changes = score.notes, list[Tempo | Meter]()
    if request.tempo is not None:
        tempo = Tempo(int(notes.offset.max(initial=0)), request.tempo)
        earlier = tuple(t for t in notes.tempos if t.tick < tempo.tick)
        notes = replace(notes, tempos=(*earlier, tempo))
        changes.append(tempo)
    prompt = generator.prompt(notes, request.extent, request.style)
    new, first = list[Note](), 0.0
    for each in generator.said(prompt, request.extent, request.sampling, seed):
        if isinstance(each, Note):
            first = first or time.perf_counter() - began
            new.append(each)
            if tell is not None:
                tell(each)
        elif not (isinstance(each, Tempo) and request.tempo is not None):
            changes.append(each)
    grown = joined(score, TRACK, new, changes, prompt.warnings)
    return Continued(request.output, grown, len(new), first, time.perf_counter() - began)


def _unarranged(score: Score) -> Arrangement:
    """All notes in one part."""
    one, count = Ensemble("as written", (Part(TRACK, 0, voices=None),)), len(score.notes)
    return Arrangement(score.notes, one, np.zeros(count, np.int64), np.ones(count))


def _default() -> str:
    names = shipped("tokenizer")
    if not names:
        raise ValueError("no generator is shipped: train one and name it with --model")
    return names[0]
