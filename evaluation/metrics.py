"""How right an arrangement is, in numbers.

Small pure functions over arrays, each with its convention stated. Knows notes, parts and the
rules of an ensemble. Does not know files, models, hints or pictures.

Everywhere ``truth`` and ``predicted`` are integer arrays (N,) of parts 0..K-1, one entry for each
note in the order of the NoteSequence. A share of nothing is 1.0: where there was nothing to get
wrong, nothing was wrong. Shares over several pieces are over all their notes (or pairs, or links)
together, unless a function says that it takes the mean of the pieces.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import score_order
from arranger.ensembles import Ensemble
from arranger.notes import MODEL_RESOLUTION, NoteSequence

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def share(hits: float, total: float) -> float:
    """``hits`` of ``total``; 1.0 of nothing."""
    return float(hits / total) if total else 1.0


def canonical(notes: NoteSequence, parts: IntArray) -> tuple[IntArray, IntArray]:
    """``parts`` with the labels inside each run of twins in ascending order.

    Nothing tells notes of equal onset, pitch and duration apart, so giving the first to the alto
    and the second to the soprano, or the reverse, is the same arrangement. Sorting both the
    reference and the prediction makes the two compare equal; it is also what the published
    experiments do, whose references list such notes in score order.

    Returns the sorted labels and ``order``, shape (N,): label ``i`` was label ``order[i]``, so
    that a confidence can follow its label.
    """
    order = score_order(notes, parts)
    return parts[order], order


def confusion_matrix(truth: IntArray, predicted: IntArray, parts: int) -> IntArray:
    """Counts, shape (K, K): row is the true part, column the predicted one."""
    flat = np.bincount(truth * parts + predicted, minlength=parts * parts)
    return flat.reshape(parts, parts).astype(np.int64)


def accuracy(confusion: IntArray) -> float:
    """The share of notes with the right part."""
    return share(int(np.trace(confusion)), int(confusion.sum()))


def balanced_accuracy(confusion: IntArray) -> float:
    """The mean, over the parts that play in the reference, of the share of their notes found."""
    sizes = confusion.sum(axis=1)
    played = sizes > 0
    return float(np.mean(np.diag(confusion)[played] / sizes[played])) if played.any() else 1.0


def macro_f1(confusion: IntArray) -> float:
    """The mean F1 over the parts that play in the reference or in the prediction."""
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    played = both > 0
    return float(np.mean(2 * np.diag(confusion)[played] / both[played])) if played.any() else 1.0


def kept_together(by: IntArray, of: IntArray) -> tuple[int, int]:
    """How many adjacent notes of each part in ``by`` are in one part in ``of``.

    Within a piece, for each part of ``by``, the pairs of consecutive notes of that part: returns
    how many have equal labels in ``of``, and how many pairs there are. Soundness is
    ``kept_together(predicted, truth)``, completeness ``kept_together(truth, predicted)``
    (Dong et al. 2021).
    """
    hits = pairs = 0
    for part in np.unique(by):
        labels = of[by == part]
        hits += int(np.count_nonzero(labels[1:] == labels[:-1]))
        pairs += len(labels) - 1
    return hits, pairs


def voice_links(notes: NoteSequence, parts: IntArray) -> set[tuple[int, int]]:
    """The links (note, next note) of the voices that ``parts`` makes.

    A note is linked to the notes of its part that begin at the first onset at or after its end
    (and after its own onset). In a monophonic part these are its consecutive notes, as in
    "Musical Voice Separation as Link Prediction" (Karystinaios et al. 2023), over rests too; in a
    part that plays chords, every note of a chord is linked to every note of the next, as in
    "Cluster and Separate" (Foscarin et al. 2024), and a held note to what follows its own end.
    """
    links: set[tuple[int, int]] = set()
    onset, offset = notes.onset, notes.offset
    for part in np.unique(parts):
        own = np.flatnonzero(parts == part)
        starts = onset[own]
        first = np.maximum(
            np.searchsorted(starts, offset[own], "left"),
            np.searchsorted(starts, onset[own], "right"),
        )
        for note, begin in zip(own.tolist(), first.tolist(), strict=True):
            if begin < len(own):
                end = int(np.searchsorted(starts, starts[begin], "right"))
                links.update((note, following) for following in own[begin:end].tolist())
    return links


class LinkCounts(NamedTuple):
    """Links found rightly, links predicted, and links there are."""

    hits: int
    predicted: int
    true: int

    @property
    def precision(self) -> float:
        return share(self.hits, self.predicted)

    @property
    def recall(self) -> float:
        return share(self.hits, self.true)

    @property
    def f1(self) -> float:
        return share(2 * self.hits, self.predicted + self.true)


def link_counts(notes: NoteSequence, truth: IntArray, predicted: IntArray) -> LinkCounts:
    """How the ``voice_links`` of a prediction agree with those of the reference."""
    guessed, real = voice_links(notes, predicted), voice_links(notes, truth)
    return LinkCounts(len(guessed & real), len(guessed), len(real))


def voice_consistency(confusion: IntArray) -> float:
    """Average voice consistency of one piece (Chew and Wu 2004).

    For each predicted voice, the share of its notes that come from the one true voice most of
    them come from; the mean over the predicted voices that hold notes. Names play no role.
    """
    sizes = confusion.sum(axis=0)
    used = sizes > 0
    return float(np.mean(confusion.max(axis=0)[used] / sizes[used])) if used.any() else 1.0


def best_renaming(confusion: IntArray) -> IntArray:
    """The one-to-one renaming of the predicted parts under which most notes are right.

    Shape (K,): predicted part ``k`` is best read as ``renaming[k]``. Among equally good ones a
    renaming that keeps names is preferred.
    """
    from scipy.optimize import linear_sum_assignment

    doubled = 2 * len(confusion) * confusion.T + np.eye(len(confusion), dtype=np.int64)
    _, renaming = linear_sum_assignment(doubled, maximize=True)
    return np.asarray(renaming, dtype=np.int64)


def matched_hits(notes: NoteSequence, truth: IntArray, predicted: IntArray, parts: int) -> int:
    """Notes of one piece that are right under the best one-to-one matching of parts.

    ``truth`` and ``predicted`` are canonical. Twins are sorted anew after the renaming.
    """
    confusion = confusion_matrix(truth, predicted, parts)
    renamed = best_renaming(confusion)[predicted]
    resorted, _ = canonical(notes, renamed)
    return int(max(np.sum(renamed == truth), np.sum(resorted == truth)))


def range_violations(notes: NoteSequence, parts: IntArray, ensemble: Ensemble) -> int:
    """Notes below or above what their part can play."""
    low = np.array([part.low for part in ensemble.parts])
    high = np.array([part.high for part in ensemble.parts])
    return int(np.sum((notes.pitch < low[parts]) | (notes.pitch > high[parts])))


def polyphony_violations(notes: NoteSequence, parts: IntArray, ensemble: Ensemble) -> int:
    """Notes that begin while their part already holds as many notes as it has voices.

    A part holds its earlier notes (in order) that sound on for a tick of the models' grid, a 24th
    of a quarter, or longer when the new one begins.
    """
    count = 0
    for k, part in enumerate(ensemble.parts):
        if part.voices is None:
            continue
        held: list[int] = []
        for i in np.flatnonzero(parts == k).tolist():
            begin, end = int(notes.onset[i]), int(notes.offset[i])
            while held and (held[0] - begin) * MODEL_RESOLUTION < notes.resolution:
                heapq.heappop(held)
            count += len(held) >= part.voices
            heapq.heappush(held, end)
    return count


def calibration_error(confidence: FloatArray, correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error of the chosen part: how far confidence is from being right.

    ``bins`` equal-width bins over 0..1, closed on the right (the first also holds 0); the mean
    over the bins, weighted by their notes, of |share right - mean confidence|.
    """
    if len(confidence) == 0:
        return 0.0
    if not np.all((confidence >= 0) & (confidence <= 1 + 1e-9)):
        worst = confidence[np.argmax(np.abs(confidence - 0.5))]
        raise ValueError(f"a confidence must lie in 0..1, not {worst}")
    where = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    right = np.bincount(where, weights=correct, minlength=bins)
    sure = np.bincount(where, weights=confidence, minlength=bins)
    return float(np.abs(right - sure).sum() / len(confidence))


@dataclass(frozen=True)
class Scored:
    """A piece with its reference, a prediction and its confidence, each of shape (N,)."""

    notes: NoteSequence
    truth: IntArray
    predicted: IntArray
    confidence: FloatArray

    def __post_init__(self) -> None:
        for name in ("truth", "predicted", "confidence"):
            if len(getattr(self, name)) != len(self.notes):
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} entries for {len(self.notes)} notes"
                )

    def canonical(self) -> Scored:
        """The same piece with the labels of its twins sorted, see ``canonical``."""
        truth, _ = canonical(self.notes, self.truth)
        predicted, order = canonical(self.notes, self.predicted)
        return Scored(self.notes, truth, predicted, self.confidence[order])


def score_pieces(pieces: Sequence[Scored], ensemble: Ensemble) -> dict[str, float]:
    """All metrics over ``pieces``: shares in 0..1, violations as counts of notes.

    ``avc`` is the mean of the pieces; ``perfect_pieces`` the share of pieces without a mistake.
    """
    size = len(ensemble)
    confusion = np.zeros((size, size), dtype=np.int64)
    total: defaultdict[str, float] = defaultdict(float)
    links = LinkCounts(0, 0, 0)
    rightness: list[NDArray[np.bool_]] = [np.zeros(0, dtype=bool)]
    sureness: list[FloatArray] = [np.zeros(0)]
    for piece in (given.canonical() for given in pieces):
        notes, truth, predicted = piece.notes, piece.truth, piece.predicted
        own = confusion_matrix(truth, predicted, size)
        confusion += own
        for name, (hits, pairs) in {
            "sound": kept_together(predicted, truth),
            "complete": kept_together(truth, predicted),
        }.items():
            total[name] += hits
            total[name + " pairs"] += pairs
        found = link_counts(notes, truth, predicted)
        links = LinkCounts(*(a + b for a, b in zip(links, found, strict=True)))
        total["avc"] += voice_consistency(own)
        total["matched"] += matched_hits(notes, truth, predicted, size)
        total["perfect"] += bool(np.array_equal(truth, predicted))
        total["range"] += range_violations(notes, predicted, ensemble)
        total["polyphony"] += polyphony_violations(notes, predicted, ensemble)
        rightness.append(truth == predicted)
        sureness.append(piece.confidence)
    count = int(confusion.sum())
    return {
        "pieces": len(pieces),
        "notes": count,
        "accuracy": accuracy(confusion),
        "balanced_accuracy": balanced_accuracy(confusion),
        "macro_f1": macro_f1(confusion),
        "soundness": share(total["sound"], total["sound pairs"]),
        "completeness": share(total["complete"], total["complete pairs"]),
        "link_precision": links.precision,
        "link_recall": links.recall,
        "link_f1": links.f1,
        "avc": share(total["avc"], len(pieces)),
        "matched_accuracy": share(total["matched"], count),
        "perfect_pieces": share(total["perfect"], len(pieces)),
        "range_violations": int(total["range"]),
        "polyphony_violations": int(total["polyphony"]),
        "ece": calibration_error(np.concatenate(sureness), np.concatenate(rightness)),
    }
