"""Ensembles that no shipped model was trained for, as a stranger might bring them.

Knows which they are, who plays for them, and how that is shown. Measures nothing (``measuring``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import arranger
from arranger.checkpoints import Checkpoint, distance, load, shipped
from arranger.ensembles import Ensemble, built_in, load_ensemble

from .results import Results

OTHERS = {"winds": "orchestra", "orchestra": "orchestra", "pop909": "pop909"}
"""The ensembles, each with the folder of its prepared corpus."""

OTHER_HINTS = ("none", "both")

_TITLES = {
    "winds": "the winds of the test works of OpenScore Orchestra, as five pairs",
    "orchestra": "the same works for an orchestra of ten sections",
    "pop909": "every ninth song of POP909: melody, bridge and accompaniment, all for piano",
}


def other_ensemble(name: str) -> Ensemble:
    """One of OTHERS."""
    examples = Path(arranger.__file__).parent / "examples"
    return load_ensemble(name if name in built_in() else examples / f"{name}.yaml")


def players_of(ensemble: Ensemble) -> Iterator[tuple[str, Checkpoint]]:
    """The shipped checkpoints that are measured with an ensemble, by name, at work for it.

    Those that were trained for it; for one of OTHERS, those that are tailored to what is described
    and, of each mode, the best cast.
    """
    known = {name: load(name) for name in shipped()}
    if ensemble.name not in OTHERS:
        for name, checkpoint in known.items():
            if checkpoint.ensemble.name == ensemble.name and checkpoint.pattern is None:
                yield name, checkpoint
        return
    for mode in ("offline", "chord-live", "live"):
        usual = [n for n, c in known.items() if n == f"{c.ensemble.name}-{mode}"]
        tailored = [n for n, c in known.items() if c.card.mode == mode and c.pattern]
        nearest = sorted(usual, key=lambda name: distance(known[name].card, ensemble))[:1]
        for name in (*tailored, *nearest):
            yield name, known[name].cast_for(ensemble)


def others_section(everything: Sequence[Results]) -> Iterator[str]:
    """What has been measured of them, nothing where nothing has."""
    if not any(results.rows for results in everything):
        return
    yield _INTRODUCTION
    for results in everything:
        if not results.rows:
            continue
        first = next(iter(results.rows.values())).metrics
        largest = np.array(first["confusion"]).sum(axis=1).max() / first["notes"]
        yield (
            f"### {_TITLES[results.ensemble]} ({first['pieces']} pieces, {first['notes']} notes; "
            f"{largest:.1%} in the largest part)"
        )
        lines = [
            "| model | mode | hints | accuracy | best matching | links | calibration error |",
            "|---|---|---|---|---|---|---|",
        ]
        for key in sorted(results.rows, key=lambda key: (key.mode, key.model, key.hints != "none")):
            metrics = results.rows[key].metrics
            shown = [100 * metrics[m] for m in ("accuracy", "matched_accuracy", "link_f1")]
            cells = " | ".join(f"{value:.2f}" for value in shown)
            kind = "" if key.model.startswith("any-") else ", cast"
            lines.append(
                f"| {key.model}{kind} | {key.mode} | {key.hints} | {cells} | {metrics['ece']:.3f} |"
            )
        yield "\n".join(lines)


_INTRODUCTION = """## Any other ensemble

Ensembles that no model was trained for (`winds`, `orchestra`, `arranger/examples/pop909.yaml`), on
pieces that none has learnt. The models `any-*` are tailored to whatever parts are described; a
model for one ensemble is cast: each part plays the role nearest to it. **Best matching**: accuracy
under the best renaming of parts in each piece; **links**: voice-link F1. DIR holds the prepared
corpora `orchestra` and `pop909` beside the others."""
