"""``arranger report``: docs/RESULTS.md, from the cards of the runs and one look at the test set.

Knows cards, the runner and the published figures (Dong et al., ISMIR 2021, Tables 2 and 3). Does
not train, and measures nothing itself that stands on a card.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from arranger.checkpoints import Card, load, load_card, shipped
from arranger.ensembles import load_ensemble

from .baselines import load_baselines
from .command import labeller_for
from .pieces import Piece
from .runner import Report, evaluate, evaluate_baselines, table

HINTS = ("none", "entry", "pitch", "both")
COLUMNS = (*HINTS, "stage")

DEFAULTS = ("chorale-offline", "chorale-live", "chorale-chord-live")
PUBLISHED_MODELS = (
    "chorale-bilstm-offline",
    "chorale-transformer-offline",
    "chorale-lstm-live",
    "chorale-transformer-live",
)
GOALS = (
    # mode, column, published, required, aim
    ("offline", "none", 97.13, 98.4, 99.3),
    ("offline", "entry", 97.39, 98.5, 99.4),
    ("live", "none", 93.02, 96.8, 98.0),
    ("live", "entry", 92.70, 97.0, 98.0),
    ("chord-live", "none", None, 97.9, 98.8),
    ("live", "stage", None, 95.0, 97.0),
)
PUBLISHED = {
    "chorale-bilstm-offline": {"none": 97.13, "entry": 97.39},
    "chorale-transformer-offline": {"none": 96.81},
    "chorale-lstm-live": {"none": 93.02, "entry": 92.70, "pitch": 92.87},
    "chorale-transformer-live": {"none": 91.51},
}


def write_report(runs: Path, pieces: Sequence[Piece], path: Path) -> None:
    """Write the results of all ``runs`` and of the shipped checkpoints on the test ``pieces``."""
    cards = [load_card(folder.parent) for folder in sorted(runs.glob("*/card.json"))]
    by_name: dict[str, list[Card]] = defaultdict(list)
    for card in cards:
        by_name[card.name].append(card)
    notes = sum(len(piece.notes) for piece in pieces)
    sections = [
        "# Results",
        "Chorales: per-note accuracy in %, whole pieces, on the "
        f"{len(pieces)} test pieces ({notes} notes) of `configs/splits/chorales.json`, chosen on "
        "the valid pieces. Several runs: mean ± standard deviation over seeds.",
        _HOW,
        "## Against the goals",
        _goals(by_name),
        "## The default models",
        _accuracies(by_name, DEFAULTS),
        "## The published models, trained here",
        _accuracies(by_name, PUBLISHED_MODELS),
        "## All metrics: shipped checkpoints and baselines",
        "```\n" + table(_all_metrics(pieces)) + "\n```",
        _NOTES,
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _goals(by_name: Mapping[str, Sequence[Card]]) -> str:
    lines = [
        "| | published | ours | required | aim |",
        "|---|---|---|---|---|",
    ]
    for mode, column, published, required, aim in GOALS:
        numbers = _numbers(by_name.get(f"chorale-{mode}", ()), "test", column)
        verdict = ""
        if numbers:
            mean = statistics.mean(numbers)
            verdict = " (aim met)" if mean >= aim else " (met)" if mean >= required else " (missed)"
        what = "stage, no hints" if column == "stage" else f"{mode}, hints {column}"
        lines.append(
            f"| {what} | {_number(published)} | {_spread(numbers)}{verdict} | {required} | {aim} |"
        )
    return "\n".join(lines)


def _accuracies(by_name: Mapping[str, Sequence[Card]], names: Iterable[str]) -> str:
    lines = [
        "| model | runs | split | " + " | ".join(COLUMNS) + " | training |",
        "|---|---|---|" + "---|" * (len(COLUMNS) + 1),
    ]
    for name in names:
        cards = by_name.get(name, ())
        if not cards:
            continue
        minutes = statistics.mean(card.training["seconds"] for card in cards) / 60
        trained = f"{cards[0].training['of_steps']} steps, {minutes:.0f} min"
        for split in ("valid", "test"):
            cells = [_spread(_numbers(cards, split, column)) for column in COLUMNS]
            lines.append(
                f"| {name} | {len(cards)} | {split} | " + " | ".join(cells) + f" | {trained} |"
            )
        if name in PUBLISHED:
            cells = [_number(PUBLISHED[name].get(column)) for column in COLUMNS]
            lines.append("| as published | | test | " + " | ".join(cells) + " | |")
    return "\n".join(lines)


def _all_metrics(pieces: Sequence[Piece]) -> list[Report]:
    reports = []
    ensemble = load_ensemble("chorale")
    available = set(shipped())
    for mode in ("offline", "chord-live", "live", "stage"):
        name = f"chorale-{'live' if mode == 'stage' else mode}"
        if name not in available:
            continue
        labeller = labeller_for(load(name), mode)
        for hints in ("none",) if mode == "stage" else HINTS:
            reports.append(evaluate(labeller, pieces, hints, ensemble, mode))
    return reports + evaluate_baselines(load_baselines(ensemble), pieces)


def _numbers(cards: Iterable[Card], split: str, column: str) -> list[float]:
    found = (card.metrics.get(split, {}).get(column) for card in cards)
    return [100 * number for number in found if number is not None]


def _spread(numbers: Sequence[float]) -> str:
    if not numbers:
        return "–"
    mean = statistics.mean(numbers)
    if len(numbers) == 1:
        return f"{mean:.2f}"
    return f"{mean:.2f} ± {statistics.stdev(numbers):.2f}"


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.2f}"


_HOW = """```
arranger data chorales --out data/chorales
for seed in 0 1 2; do
  arranger train configs/models/chorale-offline.yaml --data data/chorales --seed $seed
done                                          # likewise for each config in configs/models/
arranger measure runs/* --data data/chorales --split test
arranger report --runs runs --data data/chorales -o docs/RESULTS.md
```"""

_NOTES = """`acc` accuracy, `bal` balanced accuracy, `F1` macro F1, `sound` and `compl` soundness
and completeness (Dong et al. 2021), `link` voice-link F1, `avc` average voice consistency, `match`
accuracy under the best renaming of parts in each piece, `perfect` share of pieces without a
mistake, `range` and `poly` notes that break a rule of the ensemble, `ece` expected calibration
error, `s` seconds spent.

- **live** feeds a `Session` key by key, in the order (onset, pitch); **chord-live** gives it the
  notes of an onset together; **stage** plays the notes of a chord in random order, 15 ms apart,
  with a tempo up to 10 % off and drifting, and no bar lines.
- Notes equal in onset, pitch and duration are interchangeable; reference and prediction list
  their parts in the same order. Notes equal in onset and pitch only are not: which of them is the
  shorter one decides what counts as right, and a live model cannot know it.
- On a stage a key may be let go after the next is struck, so there a part may be given a note
  while another of its notes still sounds: the `poly` column counts these.
- Two test chorales are near-twins of training ones and one of a valid one; `docs/EXPERIMENTS.md`
  gives the numbers without them (up to 0.12 points lower) and says how often the test set was read.
- Hints come from the reference. Confidence is calibrated on the valid pieces without hints."""
