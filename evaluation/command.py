"""What ``arranger evaluate`` and ``arranger fit`` do: a question about references, answered as a
table; baselines fitted to a corpus.

Knows checkpoints, the runner and the figures; not how a command line is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arranger.checkpoints import Checkpoint, load_for
from arranger.ensembles import Ensemble, load_ensemble
from arranger.offline import Arranger
from arranger.online import LiveArranger

from .baselines import FITTED, fit_baselines, load_baselines
from .corrections import corrections_table, evaluate_corrections
from .pieces import Labeller, Piece, read_references
from .runner import evaluate, evaluate_baselines, table, write_json
from .splits import load_split

MODEL_FOR_MODE = {"live": "live", "stage": "live", "chord-live": "chord-live", "offline": "offline"}
"""The mode for which the model must have been made; a mode may look ahead (``waiting``)."""


@dataclass(frozen=True)
class Question:
    """What to measure. ``split`` keeps the pieces that a folder's split.json lists; ``workers`` is
    the number of processes; ``corrections``: also how right the rest is once the least certain
    notes have been set right; ``look_ahead`` (milliseconds): for how long a live answer may
    wait."""

    references: tuple[Path, ...]
    ensemble: str = "chorale"
    mode: str = "offline"
    hints: str = "none"
    model: str | None = None
    split: str | None = None
    baselines: bool = False
    corrections: bool = False
    workers: int = 1
    look_ahead: int = 0


def answer(question: Question, json_path: Path | None = None, plots: Path | None = None) -> str:
    """The table of a question's reports; also as JSON and as pictures, if asked."""
    if question.corrections and question.mode != "offline":
        raise ValueError(f"corrections are made offline, not {question.mode}")
    if question.look_ahead and question.mode == "offline":
        raise ValueError("offline everything is known: there is nothing to look ahead to")
    ensemble = load_ensemble(question.ensemble)
    trained_for = MODEL_FOR_MODE[question.mode]
    mode = waiting(question.mode, question.look_ahead)
    labeller = labeller_for(load_for(question.model, ensemble, trained_for), mode)
    pieces, workers, hints = _pieces(question, ensemble), question.workers, question.hints
    reports = [evaluate(labeller, pieces, hints, ensemble, mode, workers=workers)]
    if question.baselines:
        reports += evaluate_baselines(load_baselines(ensemble), pieces, workers)
    text = table([report.metrics for report in reports])
    if question.corrections:
        corrected = evaluate_corrections(labeller, pieces, hints, workers)["corrected"]
        reports[0].metrics["corrected"] = corrected
        text += "\n\n" + corrections_table(corrected)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        write_json(reports, json_path)
    if plots is not None:
        from .figures import plot_report

        plot_report(reports[0], plots)
    return text


def fit(
    ensemble_name: str,
    corpus: Path,
    out: Path | None = None,
    resolution: int | None = None,
    quiet: bool = False,
) -> Path:
    """Fit the baselines to the train pieces of ``corpus``; into ``out``, or among the shipped."""
    ensemble = load_ensemble(ensemble_name)
    pieces = load_split(corpus, "train", ensemble)
    notes = sum(len(piece.notes) for piece in pieces)
    trained_on = f"the {len(pieces)} train pieces of {corpus.name} ({notes} notes); seed 0"
    folder = out or FITTED / ensemble.name
    progress = None if quiet else print
    fitted = fit_baselines(
        pieces, ensemble, trained_on=trained_on, progress=progress, resolution=resolution
    )
    fitted.save(folder)
    return folder


def waiting(mode: str, milliseconds: int) -> str:
    """The name of a live mode whose answers may wait so long: stage+50ms."""
    if milliseconds < 0:
        raise ValueError(f"a look-ahead must be 0 or more milliseconds, not {milliseconds}")
    return f"{mode}+{milliseconds}ms" if milliseconds else mode


def labeller_for(checkpoint: Checkpoint, mode: str) -> Labeller:
    """A checkpoint that was made for it, at work in ``mode``."""
    if mode == "offline":
        return Arranger(checkpoint)
    manner, _, wait = mode.removesuffix("ms").partition("+")
    look_ahead = int(wait or 0) / 1000
    return LiveArranger(checkpoint, stage=manner == "stage", look_ahead=look_ahead)


def _pieces(question: Question, ensemble: Ensemble) -> list[Piece]:
    split = question.split
    if split is None:
        return read_references(question.references, ensemble)
    return [
        piece for folder in question.references for piece in load_split(folder, split, ensemble)
    ]
