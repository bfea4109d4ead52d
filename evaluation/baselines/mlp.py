"""The neural baseline: a small perceptron that labels one note at a time (de Valk and Weyde 2018).

It sees the note, its chord, the entry hints, and what each part last played as the perceptron
itself decided it. Three hidden layers of 128 units. Knows features and weights. scikit-learn
trains it; using it needs numpy alone. Does not know files or pitch hints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble
from arranger.hints import Hints
from arranger.notes import NoteSequence

from ..pieces import IntArray, Piece

Floats = NDArray[np.float32]

HIDDEN = (128, 128, 128)
ENOUGH = 400_000
"""Training notes beyond which no more pieces are taken, to bound memory and time."""
STATIC = 11
"""Features of a note that no decision changes."""
PER_PART = 8
"""Features of a note for each part: five of what it last played, three of its entry hint."""


def static_features(notes: NoteSequence) -> Floats:
    """What is known of each note before any decision, shape (N, STATIC).

    Pitch, duration, whether that is a 16th or less, place in the quarter, rank in its chord and
    the chord's size, distances to the chord's next lower and higher note, size of the next chord,
    time since the previous onset and until the next. Pitches in octaves, times in quarters.
    """
    table = np.zeros((len(notes), STATIC), dtype=np.float32)
    table[:, 0] = (notes.pitch - 60) / 12
    quarters = notes.duration / notes.resolution
    table[:, 1] = np.minimum(quarters, 8)
    table[:, 2] = quarters <= 0.25
    table[:, 3] = notes.onset % notes.resolution / notes.resolution
    chords = notes.onset_groups()
    starts = notes.onset[[chord.start for chord in chords]] if chords else notes.onset
    gaps = np.minimum(np.diff(starts) / notes.resolution, 8)
    for c, chord in enumerate(chords):
        size = chord.stop - chord.start
        steps = np.diff(notes.pitch[chord]) / 12
        table[chord, 4] = np.arange(size)
        table[chord, 5] = size
        table[chord.start + 1 : chord.stop, 6] = steps
        table[chord.start : chord.stop - 1, 7] = steps
        if c + 1 < len(chords):
            table[chord, 8] = chords[c + 1].stop - chords[c + 1].start
            table[chord, 10] = gaps[c]
        if c > 0:
            table[chord, 9] = gaps[c - 1]
    return table


class Played:
    """What each part last played, as decided so far; lives for one piece."""

    def __init__(self, parts: int) -> None:
        self.pitch = np.zeros(parts)
        self.onset = np.zeros(parts)
        self.offset = np.zeros(parts)
        self.begun = np.zeros(parts, dtype=bool)

    def features(self, pitch: int, onset: int, resolution: int) -> NDArray[np.float64]:
        """For each part, shape (5, K): it has begun; its last note's distance in octaves, how
        long ago that began and ended (negative: will end), and whether it still sounds.
        """
        since = (onset - self.onset) / resolution
        ended = (onset - self.offset) / resolution
        rows = np.stack(
            [
                self.begun,
                (pitch - self.pitch) / 12,
                np.minimum(since, 8),
                np.clip(ended, -8, 8),
                onset < self.offset,
            ]
        )
        return rows * self.begun

    def add(self, part: int, pitch: int, onset: int, offset: int) -> None:
        """``part`` now plays this note."""
        self.pitch[part], self.onset[part], self.offset[part] = pitch, onset, offset
        self.begun[part] = True


def _fixed(notes: NoteSequence, hints: Hints, parts: int) -> Floats:
    """Static features and entry hints, shape (N, STATIC + 3 * K)."""
    entry_only = Hints(hints.entries)
    code = entry_only.encode(notes.onset / notes.resolution, notes.pitch.astype(float), parts)
    return np.hstack([static_features(notes), code[:, :, :3].reshape(len(notes), 3 * parts)])


def taught_features(notes: NoteSequence, hints: Hints, labels: IntArray, parts: int) -> Floats:
    """The features of every note when the decisions before it were ``labels``.

    Shape (N, STATIC + PER_PART * K).
    """
    fixed = _fixed(notes, hints, parts)
    dynamic = np.zeros((len(notes), 5 * parts), dtype=np.float32)
    played = Played(parts)
    rows = zip(
        notes.pitch.tolist(),
        notes.onset.tolist(),
        notes.offset.tolist(),
        labels.tolist(),
        strict=True,
    )
    for i, (pitch, onset, offset, part) in enumerate(rows):
        dynamic[i] = played.features(pitch, onset, notes.resolution).ravel()
        played.add(part, pitch, onset, offset)
    return np.hstack([fixed, dynamic])


@dataclass(frozen=True)
class Perceptron:
    """``weights``: matrix and bias of each layer in turn; ``center`` and ``scale`` standardise."""

    ensemble: Ensemble
    center: Floats
    scale: Floats
    weights: tuple[tuple[Floats, Floats], ...]
    name: str = "mlp"

    def __post_init__(self) -> None:
        expected = STATIC + PER_PART * len(self.ensemble)
        found, parts = len(self.center), len(self.weights[-1][1])
        if found != expected or parts != len(self.ensemble):
            raise ValueError(
                f"mlp: weights for {found} features and {parts} parts, but {self.ensemble.name} "
                f"needs {expected} features and {len(self.ensemble)} parts"
            )

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        parts = len(self.ensemble)
        fixed = _fixed(notes, hints, parts)
        width = fixed.shape[1]
        split, bias = self._input_layer(width)
        drive = fixed @ split[:width] + bias
        played = Played(parts)
        labels = np.zeros(len(notes), dtype=np.int64)
        confidence = np.zeros(len(notes))
        rows = zip(notes.pitch.tolist(), notes.onset.tolist(), notes.offset.tolist(), strict=True)
        for i, (pitch, onset, offset) in enumerate(rows):
            seen = played.features(pitch, onset, notes.resolution).ravel().astype(np.float32)
            hidden = drive[i] + seen @ split[width:]
            for matrix, offsets in self.weights[1:]:
                hidden = np.maximum(hidden, 0) @ matrix + offsets
            part = int(np.argmax(hidden))
            labels[i] = part
            confidence[i] = 1 / np.exp(hidden - hidden[part]).sum()
            played.add(part, pitch, onset, offset)
        return Arrangement(notes, self.ensemble, labels, confidence)

    def _input_layer(self, width: int) -> tuple[Floats, Floats]:
        """The first layer with the standardisation folded into it."""
        matrix, bias = self.weights[0]
        scaled = matrix / self.scale[:, None]
        return scaled, bias - self.center @ scaled

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"center": self.center, "scale": self.scale}
        for i, (matrix, bias) in enumerate(self.weights):
            arrays[f"matrix{i}"], arrays[f"bias{i}"] = matrix, bias
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], ensemble: Ensemble) -> Perceptron:
        layers = sum(name.startswith("matrix") for name in arrays)
        weights = tuple((arrays[f"matrix{i}"], arrays[f"bias{i}"]) for i in range(layers))
        return cls(ensemble, arrays["center"], arrays["scale"], weights)


def fit_perceptron(
    pieces: Sequence[Piece],
    ensemble: Ensemble,
    seed: int = 0,
    epochs: int = 24,
    patience: int = 5,
    progress: Callable[[str], None] | None = None,
) -> Perceptron:
    """Train on the true decisions of ``pieces`` with their entry hints.

    A tenth of the pieces is held out; the epoch is chosen by the accuracy on them when the
    perceptron lives with its own decisions, and training stops after ``patience`` epochs without
    a better one. Of a large corpus, pieces drawn by chance that hold about ENOUGH notes are used.
    """
    from sklearn.neural_network import MLPClassifier

    if len(pieces) < 2:
        raise ValueError(f"the mlp baseline needs at least 2 training pieces, not {len(pieces)}")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(pieces)).tolist()
    count = np.cumsum([len(pieces[i].notes) for i in shuffled])
    shuffled = shuffled[: max(2, 1 + int(np.searchsorted(count, ENOUGH)))]
    held = [pieces[i] for i in shuffled[: max(1, len(shuffled) // 10)]]
    kept = [pieces[i] for i in shuffled[len(held) :]]
    parts = len(ensemble)
    table = np.vstack(
        [taught_features(p.notes, _entries(p), p.parts, parts) for p in kept], dtype=np.float32
    )
    labels = np.concatenate([p.parts for p in kept])
    center = table.mean(axis=0)
    scale = table.std(axis=0)
    scale[scale < 1e-6] = 1
    table = (table - center) / scale
    model = MLPClassifier(HIDDEN, batch_size=min(256, len(table)), random_state=seed)
    best, best_right, waited = None, -1, 0
    for epoch in range(epochs):
        order = rng.permutation(len(table))
        model.partial_fit(table[order], labels[order], classes=range(parts))
        weights = _weights(model)
        candidate = Perceptron(ensemble, center, scale, weights)
        right = sum(
            int(np.sum(candidate.label(p.notes, _entries(p)).parts == p.parts)) for p in held
        )
        if progress is not None:
            total = sum(len(p.notes) for p in held)
            progress(f"mlp epoch {epoch + 1}: loss {model.loss_:.4f}, held out {right / total:.4f}")
        waited += 1
        if right > best_right:
            best, best_right, waited = candidate, right, 0
        if waited > patience:
            break
    assert best is not None
    return best


def _entries(piece: Piece) -> Hints:
    return Hints.from_reference(piece.notes, piece.parts, "entry")


def _weights(model: Any) -> tuple[tuple[Floats, Floats], ...]:
    """The layers of an MLPClassifier; one logistic output is written as two parts."""
    layers = [
        (matrix.astype(np.float32).copy(), bias.astype(np.float32).copy())
        for matrix, bias in zip(model.coefs_, model.intercepts_, strict=True)
    ]
    matrix, bias = layers[-1]
    if matrix.shape[1] == 1:
        layers[-1] = np.hstack([0 * matrix, matrix]), np.hstack([0 * bias, bias])
    return tuple(layers)
