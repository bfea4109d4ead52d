"""The numbers of others that ours are held against: per-note accuracy in %.

PUBLISHED: Dong et al., "Towards Automatic Instrumentation by Learning to Separate Parts in Symbolic
Multitrack Music" (ISMIR 2021), Tables 2 and 3. BASE_WEIGHTS: their shipped weights and their code,
run on the pieces of our splits. Both by ensemble, kind of model and hints. Knows no number of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

Numbers = Mapping[str, Mapping[str, float]]

KIND_OF_MODE = {"live": "lstm-live", "offline": "bilstm-offline"}
"""The best published kind of model of each mode; ours are compared with it."""


def _by_ensemble(
    table: Mapping[tuple[str, str], tuple[float | None, ...]],
) -> Mapping[str, Numbers]:
    """From rows (kind, hints) with a number for each ensemble, or None."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (kind, hints), numbers in table.items():
        for ensemble, number in zip(("chorale", "quartet", "game", "pop"), numbers, strict=True):
            if number is not None:
                found.setdefault(ensemble, {}).setdefault(kind, {})[hints] = number
    return found


PUBLISHED = _by_ensemble(
    {
        ("bilstm-offline", "none"): (97.13, 74.38, 52.93, 77.23),
        ("bilstm-offline", "entry"): (97.39, 71.51, 64.79, 75.59),
        ("transformer-offline", "none"): (96.81, 58.86, 49.14, 66.57),
        ("lstm-live", "none"): (93.02, 67.43, 50.22, 74.14),
        ("lstm-live", "entry"): (92.70, 62.64, 62.11, 74.19),
        ("lstm-live", "pitch"): (92.87, 70.20, 67.45, 75.89),
        ("transformer-live", "none"): (91.51, 57.03, 45.82, 62.14),
        ("lstm-with-length", "none"): (96.17, 66.96, 51.38, 78.17),
        ("zone", "none"): (73.14, 58.85, 43.67, 57.07),
        ("zone-oracle", "none"): (78.33, 66.89, 79.54, None),
        ("closest-pitch", "entry"): (68.87, 50.69, 57.14, 47.45),
        ("closest-pitch-mono", "entry"): (89.76, 42.82, 49.91, 32.28),
        ("mlp", "entry"): (81.63, 29.85, 43.08, 33.50),
    }
)

BASE_WEIGHTS: Mapping[tuple[str, str], Numbers] = {
    ("chorale", "test"): {  # all 409 chorales, mostly its training data
        "zone": {"none": 72.7},
        "closest-pitch": {"entry": 67.7},
        "closest-pitch-mono": {"entry": 85.7},
        "lstm-live": {"none": 93.5, "entry": 94.4},
        "lstm-with-length": {"entry": 96.6},
        "bilstm-offline": {"none": 96.3, "entry": 98.3},
        "transformer-offline": {"none": 94.0},
        "transformer-live": {"none": 93.1},
    },
    ("quartet", "test"): {  # mostly its training data
        "zone": {"none": 56.9},
        "zone-oracle": {"none": 64.6},
        "closest-pitch": {"entry": 48.7},
        "closest-pitch-mono": {"entry": 41.0},
        "lstm-live": {"none": 79.1, "entry": 73.8},
        "lstm-with-length": {"entry": 81.3},
        "bilstm-offline": {"none": 70.0, "entry": 76.4},
        "transformer-offline": {"none": 56.4},
        "transformer-live": {"none": 56.6},
    },
    ("quartet", "test_as_published"): {
        "zone": {"none": 55.2},
        "closest-pitch": {"entry": 49.6},
        "closest-pitch-mono": {"entry": 38.3},
        "lstm-live": {"none": 64.5, "entry": 64.7},
        "lstm-with-length": {"entry": 65.3},
        "bilstm-offline": {"none": 65.3, "entry": 68.5},
        "transformer-offline": {"none": 52.4},
        "transformer-live": {"none": 51.7},
    },
    ("game", "test"): {
        "zone": {"none": 44.0},
        "zone-oracle": {"none": 78.3},
        "closest-pitch": {"entry": 57.4},
        "closest-pitch-mono": {"entry": 50.3},
        "lstm-live": {"none": 50.2, "entry": 62.6},
        "lstm-with-length": {"entry": 63.4},
        "bilstm-offline": {"none": 50.5, "entry": 66.2},
        "transformer-offline": {"none": 46.7},
        "transformer-live": {"none": 45.8},
    },
    ("pop", "test"): {  # it was trained on another pop set, from the same source as ours
        "zone": {"none": 53.7},
        "closest-pitch": {"entry": 34.6},
        "closest-pitch-mono": {"entry": 29.9},
        "lstm-live": {"none": 57.2},
        "bilstm-offline": {"none": 60.4, "entry": 62.0},
    },
}


def published(ensemble: str, kind: str, hints: str) -> float | None:
    """What Dong et al. report of a kind of model, in %; a mode means its best kind."""
    return PUBLISHED.get(ensemble, {}).get(KIND_OF_MODE.get(kind, kind), {}).get(hints)


def base_weights(ensemble: str, split: str, kind: str, hints: str) -> float | None:
    """What the base work's weights reach on the pieces of ours, in %."""
    of_set = BASE_WEIGHTS.get((ensemble, split), {})
    return of_set.get(KIND_OF_MODE.get(kind, kind), {}).get(hints)
