"""Small pieces that the tests make for themselves."""

from __future__ import annotations

import numpy as np

from arranger.ensembles import Ensemble, load_ensemble
from arranger.notes import NoteSequence

CHORALE: Ensemble = load_ensemble("chorale")


def four_voices(beats: int, seed: int = 0) -> tuple[NoteSequence, np.ndarray]:
    """A four-part piece that no rule forbids: each voice wanders about its own middle."""
    rng = np.random.default_rng(seed)
    rows, parts = [], []
    for part, middle in enumerate((71, 65, 59, 50)):
        tick = 0
        while tick < 24 * beats:
            length = int(rng.choice([12, 24, 24, 48]))
            rows.append((tick, int(middle + rng.integers(-3, 4)), length, 64))
            parts.append(part)
            tick += length
    notes, order = NoteSequence.from_rows(rows)
    return notes, np.array(parts)[order]
