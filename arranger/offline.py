"""Arrange a whole piece: every note is known, forwards and backwards.

Knows checkpoints, features and the decoder; files only through ``files``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .agreement import tilt
from .arrangement import Arrangement, score_order
from .certainty import Curve, kind_of_answer, spread
from .checkpoints import Checkpoint, load
from .decoding import Beam, Rules, Scorer, report_violations
from .engine import Engine
from .engine.model import log_softmax
from .ensembles import Ensemble
from .features import FeatureTable, PartMemory, describe
from .files.score import Score
from .hints import Hints
from .naming import namings
from .notes import NoteSequence
from .performance import as_written, gestures

if TYPE_CHECKING:
    import muspy

Floats = NDArray[np.floating]
Scores = Scorer | Floats
"""Log probabilities of the parts: (N, parts), or asked for note by note where they depend on what
has been decided."""

BEAM_WIDTH = 8
PRICE = 1.0
"""Nats by which a decision is dearer to an alternative arrangement that makes it again."""

_LEAST = 1e-9
"""No answer counts as less likely than this."""

STRETCH, OVERLAP = 4096, 256
"""Notes of a very long piece that are heard at once, and how many more on either side."""


@dataclass(frozen=True)
class ArrangedScore:
    """A score and its arrangement, ready to be written or looked at."""

    score: Score
    arrangement: Arrangement

    def write(self, path: str | Path) -> None:
        """Write a file; the suffix says the format (.mid, .musicxml, .json)."""
        from .files import write

        write(path, self.score, self.arrangement)

    def to_muspy(self) -> muspy.Music:
        """The arrangement as muspy sees it, one track a part."""
        from .files import to_muspy

        return to_muspy(self.score, self.arrangement)


@dataclass(frozen=True)
class _Reading:
    """A piece as the model reads it, which is told that part ``k`` is its part ``names[k]``.

    ``hints``, ``score`` and the first decision, ``parts`` (N,) and ``likely`` (N, parts), are in
    the model's names."""

    names: NDArray[np.int64]
    hints: Hints
    score: Scores
    parts: NDArray[np.int64]
    likely: NDArray[np.float64]

    def merit(self, notes: NoteSequence) -> float:
        """The log likelihood of what was decided of ``notes``, less a nat for each note that is
        not as hinted."""
        likely = self.likely[np.arange(len(notes)), self.parts]
        likely[list(self.hints.locks)] = 1.0
        broken = self.hints.broken(notes.onset / notes.resolution, notes.pitch, self.parts)
        return float(np.log(np.maximum(likely, _LEAST)).sum()) - broken

    def named(
        self, parts: NDArray[np.int64], likely: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What the model has decided, by the names of the ensemble."""
        return np.argsort(self.names)[parts], likely[:, self.names]


class Arranger:
    """Gives every note of a piece to a part of an ensemble: the checkpoint's own, or any other,
    whose parts are then cast in the roles that the checkpoint knows.

    ``engine`` runs the model; by default with numpy, see ``accelerated`` for torch.
    """

    def __init__(
        self, checkpoint: Checkpoint, width: int | None = None, engine: Engine | None = None
    ) -> None:
        self.card = checkpoint.card
        self.ensemble: Ensemble = checkpoint.ensemble
        self.casting = checkpoint.casting
        self.width = width or self.card.width or BEAM_WIDTH
        self._engine = engine or checkpoint.engine()
        self._certainty = checkpoint.certainty()
        self._rules = Rules(self.ensemble)
        self._namings = namings(self.ensemble)

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path) -> Arranger:
        """The shipped checkpoint of that name, or the one in that folder."""
        return cls(load(name_or_path))

    @property
    def name(self) -> str:
        return self.card.name

    def arrange(
        self, music: str | Path | Score | muspy.Music, hints: Hints | None = None
    ) -> ArrangedScore:
        """Arrange a file, a Score or a muspy.Music. Raises FileError for an unusable file."""
        from .files import from_muspy, read

        if isinstance(music, str | Path):
            score = read(music)
        elif isinstance(music, Score):
            score = music
        else:
            score = from_muspy(music)
        return ArrangedScore(score, self.label(score.notes, hints or Hints()))

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        """Give every note of ``notes`` a part."""
        return self.alternatives(notes, hints, 1)[0]

    def alternatives(self, notes: NoteSequence, hints: Hints, count: int) -> list[Arrangement]:
        """Up to ``count`` different arrangements, the likeliest first.

        Each is found with a price on every decision that those before it made (diverse decoding,
        Li et al. 2016), so that it differs where the model is least sure and is coherent in
        itself; its confidence is the model's, without the price. They are ranked by what the
        model claims.
        """
        gridded, order = notes.on_grid(self._engine.config.resolution)
        given = hints.after(order)
        reading = self._best_reading(gridded, given)
        made = np.zeros((len(notes), len(self.ensemble)))
        parts, likely = reading.parts, reading.likely
        found: list[tuple[float, Arrangement]] = []
        for _ in range(count):
            if found:
                priced = _moved(reading.score, -PRICE * made)
                parts, _ = self._decide(gridded, priced, reading.hints.locks)
                if made[np.arange(len(notes)), parts].all():
                    break
                kept = dict(enumerate(parts.tolist()))
                _, likely = self._decide(gridded, reading.score, kept)
            made[np.arange(len(notes)), parts] += 1
            arrangement = self._arrangement(gridded, *reading.named(parts, likely), given.locks)
            sure = np.log(np.maximum(arrangement.confidence, _LEAST))
            if not any(np.array_equal(arrangement.parts, one.parts) for _, one in found):
                found.append((float(sure.sum()), arrangement))
        found.sort(key=lambda one: -one[0])
        curve = self._certainty.curve(kind_of_answer("offline", waits=False, hints=hints.kind))
        fixed = list(given.locks)
        return [_calibrated(one, curve, fixed).of(notes, order) for _, one in found]

    def _arrangement(
        self,
        notes: NoteSequence,
        parts: NDArray[np.int64],
        likely: NDArray[np.float64],
        locks: Mapping[int, int],
    ) -> Arrangement:
        if not locks:
            settled = score_order(notes, parts)
            parts, likely = parts[settled], likely[settled]
        confidence = likely[np.arange(len(notes)), parts]
        broken = report_violations(notes, self.ensemble, parts)
        return Arrangement(notes, self.ensemble, parts, confidence, broken, likely)

    def _best_reading(self, notes: NoteSequence, hints: Hints) -> _Reading:
        """Of the ways to name parts that are alike, the one that suits the model and what it is
        told best; the model's own where none suits better, or where nothing tells them apart."""
        readings: list[_Reading] = []
        for names in self._namings:
            told = hints.renamed(names)
            if all(told != reading.hints for reading in readings):
                readings.append(self._read(notes, told, names))
        return max(readings, key=lambda reading: reading.merit(notes))

    def _read(self, notes: NoteSequence, told: Hints, names: NDArray[np.int64]) -> _Reading:
        score = self._scorer(notes, told)
        if self.card.tilted and told.mean_pitch and len(notes):
            score = self._agreeing(notes, score, told)
        return _Reading(names, told, score, *self._decide(notes, score, told.locks))

    def _scorer(self, notes: NoteSequence, hints: Hints) -> Scores:
        """How likely each part is for each note of a gridded sequence."""
        if len(notes) == 0:
            return np.zeros((0, len(self.ensemble)))
        casting = self.casting
        said = hints if casting is None else casting.hints(hints)
        table = describe(notes, said, self._engine.config.spec)
        heard = self._hear(table)
        if not self._engine.remembers:
            likely: Floats = self._engine.log_probabilities_of_all(heard)
            return likely if casting is None else casting.cast(likely, table.pitch)
        keys = list(
            zip(table.pitch.tolist(), table.onset.tolist(), table.velocity.tolist(), strict=True)
        )

        def score(row: int, memory: PartMemory | None) -> Floats:
            likely = self._engine.log_probabilities(heard[row], memory, *keys[row])
            return likely if casting is None else casting.cast(likely, keys[row][0])

        return score

    def _agreeing(self, notes: NoteSequence, score: Scores, hints: Hints) -> Scores:
        """The same scores, by which each part lies about as high as its hint says."""
        _, likely = self._decide(notes, score, hints.locks)
        for note, part in hints.locks.items():
            likely[note] = np.arange(len(self.ensemble)) == part
        return _moved(score, tilt(likely, notes.pitch, hints.mean_pitch))

    def _decide(
        self, notes: NoteSequence, score: Scores, locks: Mapping[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The part of each note of a gridded sequence, (N,), and how likely each was,
        (N, parts)."""
        if callable(score):
            return self._search(notes, score, locks)
        return self._decide_apart(notes, score, locks)

    def _decide_apart(
        self, notes: NoteSequence, likely: Floats, locks: Mapping[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Decide by scores (N, parts) that no decision changes: each note its likeliest part.

        Only where that breaks a rule or a lock is there anything to search, and then only among
        the notes that overlap.
        """
        parts = likely.argmax(axis=1)
        unsettled = np.zeros(len(notes), bool)
        unsettled[[v.note for v in report_violations(notes, self.ensemble, parts)]] = True
        unsettled[list(locks)] = True
        for island in notes.islands():
            if unsettled[island].any():
                first = island.start
                own = {n - first: part for n, part in locks.items() if first <= n < island.stop}
                overlapping = notes.take(island)
                parts[island], _ = self._search(overlapping, _fixed(likely[island]), own)
        return parts, np.exp(likely).astype(np.float64)

    def _search(
        self, notes: NoteSequence, score: Scorer, locks: Mapping[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """As ``_decide``, by a beam over all of ``notes``."""
        pitch = notes.pitch.tolist()
        velocity = self._engine.config.spec.touch(notes.velocity).tolist()
        roles = None if self.casting is None else self.casting.role
        beam = Beam(self._rules, self.width, self._engine.memory(), roles=roles)
        for now, is_on, keys in gestures(as_written(notes)):
            if is_on:
                struck, force = [pitch[n] for n in keys], [velocity[n] for n in keys]
                beam.press(keys, struck, now, score, locks, force)
            else:
                beam.release(keys[0], now)
        return beam.trace(len(notes))

    def _hear(self, table: FeatureTable) -> NDArray[np.float32]:
        """What the model reads of each note in each of its hearings, (N, hearings, units).

        A very long piece is heard in stretches that overlap, to bound the memory it takes.
        """
        stretches = []
        for start in range(0, len(table.pitch), STRETCH):
            first = max(0, start - OVERLAP)
            heard = self._hear_stretch(table.cut(slice(first, start + STRETCH + OVERLAP)))
            stretches.append(heard[start - first :][:STRETCH])
        return np.concatenate(stretches)

    def _hear_stretch(self, table: FeatureTable) -> NDArray[np.float32]:
        spec = self._engine.config.spec
        moved = [table.transposed(by, spec) for by in self.card.transpositions]
        codes, values = np.stack([t.codes for t in moved]), np.stack([t.values for t in moved])
        return self._engine.hear(codes, values).transpose(1, 0, 2)


def _calibrated(arrangement: Arrangement, curve: Curve, fixed: list[int]) -> Arrangement:
    """The same arrangement, as sure as it is right; sure of the notes ``fixed`` by the user."""
    assert arrangement.likely is not None
    sure = np.array([curve.of(one) for one in arrangement.confidence.tolist()])
    sure[fixed] = 1.0
    likely = spread(arrangement.likely, arrangement.parts, sure)
    return replace(arrangement, confidence=sure, likely=likely)


def _moved(score: Scores, by: Floats) -> Scores:
    """The same scores, each part of each note likelier or less so by some nats, (N, parts)."""
    if not by.any():
        return score
    if callable(score):
        return lambda row, memory: log_softmax(score(row, memory) + by[row])
    moved: Floats = score + by
    return log_softmax(moved)


def _fixed(likely: Floats) -> Scorer:
    """A scorer that always gives what stands in ``likely`` (N, parts)."""
    return lambda row, _: likely[row][None]
