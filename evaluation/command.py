"""What ``arranger evaluate`` does: a question about references, answered as a table.

Knows checkpoints, the runner and the figures; not how a command line is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arranger.checkpoints import Checkpoint, load_for
from arranger.ensembles import Ensemble, load_ensemble
from arranger.offline import Arranger
from arranger.online import LiveArranger

from .baselines import load_baselines
from .pieces import Labeller, Piece, read_references
from .runner import evaluate, evaluate_baselines, table, write_json
from .splits import split_paths

MODEL_FOR_MODE = {"live": "live", "stage": "live", "chord-live": "chord-live", "offline": "offline"}


@dataclass(frozen=True)
class Question:
    """What to measure. ``split`` keeps the pieces that a folder's split.json lists."""

    references: tuple[Path, ...]
    ensemble: str = "chorale"
    mode: str = "offline"
    hints: str = "none"
    model: str | None = None
    split: str | None = None
    baselines: bool = False


def answer(question: Question, json_path: Path | None = None, plots: Path | None = None) -> str:
    """The table of a question's reports; also as JSON and as pictures, if asked."""
    ensemble = load_ensemble(question.ensemble)
    trained_for = MODEL_FOR_MODE[question.mode]
    labeller = labeller_for(load_for(question.model, ensemble, trained_for), question.mode)
    pieces = _pieces(question, ensemble)
    reports = [evaluate(labeller, pieces, question.hints, ensemble, question.mode)]
    if question.baselines:
        reports += evaluate_baselines(load_baselines(ensemble), pieces)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        write_json(reports, json_path)
    if plots is not None:
        from .figures import plot_report

        plot_report(reports[0], plots)
    return table(reports)


def labeller_for(checkpoint: Checkpoint, mode: str) -> Labeller:
    """A checkpoint that was made for it, at work in ``mode``."""
    if mode == "offline":
        return Arranger(checkpoint)
    return LiveArranger(checkpoint, stage=mode == "stage")


def _pieces(question: Question, ensemble: Ensemble) -> list[Piece]:
    if question.split is None:
        return read_references(question.references, ensemble)
    paths = [p for folder in question.references for p in split_paths(folder, question.split)]
    return read_references(paths, ensemble)
