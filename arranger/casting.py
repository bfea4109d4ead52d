"""Casting: the parts of any ensemble in the roles that a model knows.

A model scores the parts it was trained for. The parts of another ensemble are cast in these as an
opera is: each gets the role nearest to it in range, family and number of voices; parts that share
a role divide its notes by register, and a part may have to play several roles. Knows ensembles,
hints and scores; not models, and not how a decision is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ensembles import Ensemble, Part
from .hints import Hints

_REGISTER = 6.0
"""Semitones from the middle of its range at which a part's claim on a shared note fades."""

_LEAST = 1e-9


@dataclass(frozen=True)
class Casting:
    """``role`` (K,): the model's part that each of K parts plays first of all. ``share``
    (128, M, K): how the notes of each of M roles are divided among the parts, at each pitch."""

    role: NDArray[np.int64]
    share: NDArray[np.float64]
    cost: float
    """How far the parts are from their roles, in octaves a part."""

    def cast(
        self, likely: NDArray[np.floating], pitch: NDArray[np.int64] | int
    ) -> NDArray[np.float64]:
        """Log probabilities (N, M) of the roles as those of the parts, (N, K), for notes of
        ``pitch``, one number or shape (N,)."""
        shares = (np.exp(likely)[..., None] * self.share[pitch]).sum(axis=-2)
        cast: NDArray[np.float64] = np.log(np.maximum(shares, _LEAST))
        return cast

    def hints(self, hints: Hints) -> Hints:
        """Hints for the parts as hints for their roles: of parts that share a role, the first
        entry and the middle of their mean pitches."""
        entries: dict[int, float] = {}
        for k, entry in hints.entries.items():
            role = int(self.role[k])
            entries[role] = min(entry, entries.get(role, entry))
        pitches: dict[int, list[float]] = {}
        for k, mean in hints.mean_pitch.items():
            pitches.setdefault(int(self.role[k]), []).append(mean)
        mean_pitch = {role: sum(found) / len(found) for role, found in pitches.items()}
        locks = {note: int(self.role[k]) for note, k in hints.locks.items()}
        return Hints(entries, mean_pitch, locks)


def cast(ensemble: Ensemble, known: Ensemble) -> Casting:
    """Cast the parts of ``ensemble`` in the roles ``known`` to a model."""
    from scipy.optimize import linear_sum_assignment

    distance = _distances(ensemble, known)  # (K, M)
    parts, roles = linear_sum_assignment(distance)
    plays = np.zeros(distance.shape, bool)
    plays[parts, roles] = True
    idle, vacant = ~plays.any(axis=1), ~plays.any(axis=0)
    plays[np.flatnonzero(idle), distance[idle].argmin(axis=1)] = True
    plays[distance[:, vacant].argmin(axis=0), np.flatnonzero(vacant)] = True
    first = np.where(plays, distance, np.inf).argmin(axis=1)
    return Casting(first, _shares(ensemble, plays), float(distance[plays].mean()))


def _distances(ensemble: Ensemble, known: Ensemble) -> NDArray[np.float64]:
    """How far each part (K) is from each role (M), in octaves."""
    return np.array(
        [
            [
                _distance(part, role) + abs(k / len(ensemble) - m / len(known))
                for m, role in enumerate(known.parts)
            ]
            for k, part in enumerate(ensemble.parts)
        ]
    )


def _distance(part: Part, role: Part) -> float:
    """The mean distance of their bounds in octaves, and one each for another family of
    instruments and for another texture (one voice, or several)."""
    bounds = (abs(part.low - role.low) + abs(part.high - role.high)) / 24
    other_family = part.program // 8 != role.program // 8
    return bounds + other_family + ((part.voices == 1) != (role.voices == 1))


def _shares(ensemble: Ensemble, plays: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How the notes of each role are divided, (128, M, K), where ``plays`` (K, M)."""
    low = np.array([part.low for part in ensemble.parts])
    high = np.array([part.high for part in ensemble.parts])
    pitch = np.arange(128)[:, None]
    away = (pitch - (low + high) / 2) / _REGISTER
    beyond = np.maximum(np.maximum(low - pitch, pitch - high), 0)
    claim = np.exp(-np.minimum(away**2 / 2 + beyond, 30.0))[:, None] * plays.T
    shares: NDArray[np.float64] = claim / claim.sum(axis=-1, keepdims=True)
    return shares
