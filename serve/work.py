"""What the service does with music, in memory: arrange, continue, evaluate.

Scores and wishes go in, results come out. Knows models and the forms of wishes; not HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arranger import ensembles
from arranger.arrangement import Arrangement
from arranger.checkpoints import CheckpointError
from arranger.clock import Clock
from arranger.continuation import Extent, Generator
from arranger.continue_jobs import Request, continue_score
from arranger.ensembles import Ensemble, built_in, load_ensemble
from arranger.files import Score
from arranger.files.building import DocumentBuilder
from arranger.files.joining import empty_score
from arranger.hints import Hints
from arranger.notes import Note, NoteSequence, Tempo
from arranger.offline import Arranger
from arranger.sampling import Sampling

from . import schemas
from .models import Models

if TYPE_CHECKING:
    from evaluation.runner import Report


class NoGeneratorError(CheckpointError):
    """There is no model that continues."""


@dataclass(frozen=True)
class Source:
    """Music as it was sent. ``order`` (N,): note ``i`` of the score was sent as ``order[i]``;
    None where the score's own order is that of the source."""

    name: str
    score: Score
    order: np.ndarray | None = None

    @property
    def places(self) -> list[int]:
        """The notes of the score in the order in which they were sent."""
        if self.order is None:
            return list(range(len(self.score.notes)))
        places: list[int] = np.argsort(self.order).tolist()
        return places


@dataclass(frozen=True)
class Arranged:
    """The likeliest arrangement of a source, and others."""

    source: Source
    best: Arrangement
    others: tuple[Arrangement, ...]
    mode: str
    model: str
    seconds: float


@dataclass(frozen=True)
class Continued:
    """A source and what was added to it: the whole as one score, and for each of its notes whether
    it is new."""

    source: Source
    grown: Source
    new: np.ndarray
    model: str
    seed: int
    arranged: Arranged | None
    seconds: float


def source_of(music: schemas.Music, name: str = "notes") -> Source:
    """Music that came as notes; notes are counted as they came."""
    rows = [(n.onset, n.pitch, n.duration, n.velocity) for n in music.notes]
    sequence, order = NoteSequence.from_rows(rows, music.resolution)
    builder = DocumentBuilder(music.resolution)
    for meter in music.meters:
        builder.add_meter(meter.tick, meter.numerator, meter.denominator)
    for tempo in music.tempos:
        builder.add_tempo(tempo.tick, tempo.quarters)
    notes = [Note(*rows[place]) for place in order.tolist()]
    builder.add_track(None, music.program, False, notes)
    score = Score.from_document(builder.document())
    assert len(score.notes) == len(sequence)
    return Source(name, score, order)


def nothing() -> Source:
    """A source without notes, for continuations that begin from nothing."""
    return Source("nothing", empty_score())


def ensemble_of(wish: str | schemas.Ensemble) -> Ensemble:
    """The ensemble of that name, never of that path, or the one described."""
    if isinstance(wish, schemas.Ensemble):
        parts = (ensembles.Part(**part.model_dump()) for part in wish.parts)
        return Ensemble(wish.name, tuple(parts))
    if wish not in built_in():
        raise ValueError(f"unknown ensemble {wish!r}: known are {', '.join(built_in())}")
    return load_ensemble(wish)


def arrange(models: Models, source: Source, wish: schemas.ArrangementOptions) -> Arranged:
    """Arrange a source; ValueError, with one sentence, for what cannot be done."""
    began = time.perf_counter()
    if wish.alternatives > 1 and wish.mode != "offline":
        raise ValueError(f"alternatives need the whole piece: mode offline, not {wish.mode}")
    arranger = models.arranger(ensemble_of(wish.ensemble), wish.mode, wish.model)
    hints = _hints(wish.hints, arranger.ensemble, source)
    notes = source.score.notes
    if isinstance(arranger, Arranger):
        best, *others = arranger.alternatives(notes, hints, wish.alternatives)
    else:
        best, others = arranger.label(notes, hints), []
    seconds = time.perf_counter() - began
    return Arranged(source, best, tuple(others), wish.mode, arranger.name, seconds)


def continue_(
    models: Models,
    source: Source,
    wish: schemas.ContinuationOptions,
    tell: Callable[[Note], None] = lambda note: None,
) -> Continued:
    """Go on from a source; ``tell`` hears of each note as soon as it is decided, and may raise to
    end the work. ValueError, with one sentence, for what cannot be done."""
    began = time.perf_counter()
    generator = _generator(models, wish.model)
    arrange_for = None if wish.arrange is None else ensemble_of(wish.arrange)
    request = _request(wish)
    done = continue_score(generator, source.score, request, wish.seed, tell)
    given = len(source.score.notes)
    grown = Source(source.name, done.score)
    new = done.score.track == len(done.score.tracks) - 1 if done.new else np.zeros(given, bool)
    arranged = None
    if arrange_for is not None:
        arranger = models.arranger(arrange_for, "offline")
        at = time.perf_counter()
        best = arranger.label(done.score.notes, Hints())
        seconds = time.perf_counter() - at
        arranged = Arranged(grown, best, (), "offline", arranger.name, seconds)
    seconds = time.perf_counter() - began
    return Continued(source, grown, new, generator.name, wish.seed, arranged, seconds)


def clock_of(source: Source, wish: schemas.ContinuationOptions) -> Clock:
    """The time of a source and of what is to follow it."""
    notes = source.score.notes
    tempos = list(notes.tempos)
    if wish.tempo is not None:
        tempos.append(Tempo(int(notes.offset.max(initial=0)), wish.tempo))
    return Clock(tempos, notes.resolution)


def evaluate(
    models: Models, sources: Sequence[Source], wish: schemas.EvaluationOptions
) -> tuple[Report, list[str]]:
    """Measure a model on reference scores; and sentences on what was passed over."""
    from evaluation.command import MODEL_FOR_MODE
    from evaluation.pieces import Piece
    from evaluation.runner import evaluate as measure

    ensemble = ensemble_of(wish.ensemble)
    labeller = models.arranger(ensemble, MODEL_FOR_MODE[wish.mode], wish.model)
    if wish.mode == "stage":
        labeller = models.on_stage(ensemble, wish.model)
    pieces, warnings = [], []
    for source in sources:
        notes, parts = source.score.reference(ensemble)
        if len(notes):
            pieces.append(Piece(source.name, notes, parts))
        else:
            warnings.append(f"{source.name}: none of its tracks is a part of {ensemble.name}")
    if not pieces:
        raise ValueError("; ".join(warnings))
    return measure(labeller, pieces, wish.hints, ensemble, wish.mode), warnings


def _hints(wish: schemas.Hints, ensemble: Ensemble, source: Source) -> Hints:
    count = len(source.score.notes)
    beyond = [n for n in wish.locks if n >= count]
    if beyond:
        raise ValueError(
            f"there is no note {beyond[0]} to lock; the {count} notes are counted from 0"
        )
    places = source.places
    return Hints(
        {ensemble.index(name): entry for name, entry in wish.entries.items()},
        {ensemble.index(name): mean for name, mean in wish.mean_pitch.items()},
        {places[n]: ensemble.index(name) for n, name in wish.locks.items()},
    )


def _generator(models: Models, name: str | None) -> Generator:
    generator = models.generator(name)
    if generator is None:
        raise NoGeneratorError("there is no generator: none is shipped, and the settings name none")
    return generator


def _request(wish: schemas.ContinuationOptions) -> Request:
    bars = wish.bars
    if bars is None and wish.seconds is None and wish.until_silence is None:
        bars = 8
    return Request(
        source=None,
        output=Path("continuation.mid"),
        extent=Extent(bars, wish.seconds, wish.until_silence),
        sampling=Sampling(wish.temperature, wish.top_k, wish.top_p, wish.min_p),
        seed=wish.seed,
        style=wish.style,
        tempo=wish.tempo,
    )
