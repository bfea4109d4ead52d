"""``arranger report``: docs/RESULTS.md, rendered from the rows of ``results`` alone.

Knows rows, goals and published numbers, and how they are laid out. Measures nothing: ``measuring``
brings the rows up to date first, where a corpus is at hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from arranger.ensembles import load_ensemble
from arranger.hints import HINT_KINDS

from .ablations import ablations_section, is_ablation
from .generation.report import generation_sections
from .generation.results import Row, load_rows
from .goals import DEFAULT_MODES, goals_table
from .measuring import CORPORA, outdated, update
from .others import OTHERS, other_ensemble, others_section
from .published import base_weights, published
from .results import Key, Results, load_results
from .runner import table
from .splits import HIDDEN

SPLITS = {
    ("chorale", "test"): "the 41 test pieces of the shared split",
    ("chorale", "valid"): "the 41 valid pieces",
    ("quartet", "test_as_published"): "the 8 MusicNet pieces of the published test",
    ("quartet", "test"): "all 57 MusicNet pieces; their works are not in the training set",
    ("game", "test"): "the official test set of NES-MDB",
    ("game", "test_without_velocities"): "the same with velocities hidden",
    ("pop", "test"): "our test set of Slakh2100",
}
BASELINES = ("most-common", "zone", "zone-oracle", "closest-pitch", "closest-pitch-mono", "mlp")
NOT_LIVE = "lstm-with-length"
"""The base work's live model that is told how long a note will last: shown under its own name."""


def write_report(
    path: Path,
    data: Path | None = None,
    folder: Path | None = None,
    workers: int = 1,
    fresh: bool = False,
) -> None:
    """Bring the rows in ``folder`` up to date with the corpora in ``data``, and write ``path``.

    Pictures go beside it, into a folder ``results``.
    """
    from .charts import plot_confusions, plot_spread

    for name, corpus in (CORPORA | OTHERS).items():
        ensemble = other_ensemble(name) if name in OTHERS else load_ensemble(name)
        if data is not None and (data / corpus / "split.json").is_file():
            update(ensemble, data / corpus, folder, workers, fresh)
            continue
        results = load_results(name, folder)
        where = "" if data is None else f"no corpus in {data / corpus}, recorded rows kept; "
        old = outdated(ensemble, results)
        if where or old:
            told = f"{where}{old} of {len(results.rows)} rows are not of what is shipped"
            print(f"{name}: {told}", file=sys.stderr)
    everything = [load_results(name, folder) for name in CORPORA]  # as they were written
    others = [load_results(name, folder) for name in OTHERS]
    path.parent.mkdir(parents=True, exist_ok=True)
    plot_spread(everything, path.parent / "results" / "pieces.png")
    plot_confusions(everything, path.parent / "results" / "confusions.png")
    path.write_text(render(everything, load_rows(folder), others), encoding="utf-8")


def render(
    everything: Sequence[Results],
    generated: Mapping[Any, Row] | None = None,
    others: Sequence[Results] = (),
) -> str:
    """The whole report, in Markdown; ``generated`` are the rows of generators, ``others`` the
    results of ensembles that no model was trained for."""
    sections = [_INTRODUCTION]
    for results in everything:
        sections.append(f"## {results.ensemble.capitalize()}")
        splits = [split for ensemble, split in SPLITS if ensemble == results.ensemble]
        for split in splits:
            if split != "valid" and not split.endswith(HIDDEN):
                sections += [f"### Goals: {_pieces(results, split)}", goals_table(results, split)]
        for split in splits:
            sections += _accuracies(results, split)
        for split in splits:
            sections += _all_metrics(results, split)
        sections += _look_ahead(results, splits)
        sections += _corrections(results, splits)
    sections += others_section(others)
    sections += ["## Input features, time and transposition", ablations_section(everything)]
    generation = generation_sections(generated or {})
    return "\n\n".join([*sections, _PICTURES, _NOTES, *generation]) + "\n"


def _pieces(results: Results, split: str) -> str:
    """The split in words, its pieces and notes counted."""
    words = SPLITS[results.ensemble, split]
    for key, row in results.rows.items():
        if key.split == split:
            return f"{words} ({row.metrics['pieces']} pieces, {row.metrics['notes']} notes)"
    return words


def _accuracies(results: Results, split: str) -> Iterator[str]:
    """Table 2 for one set of pieces: every model and baseline with every kind of hints."""
    rows = list(_table_rows(results, split))
    if not rows:
        return
    yield f"### Accuracy: {_pieces(results, split)}"
    cells = " | ".join(HINT_KINDS)
    head = f"| model | mode | runs | {cells} |\n|---|---|---|" + "---|" * len(HINT_KINDS)
    yield "\n".join([head, *rows])


def _table_rows(results: Results, split: str) -> Iterator[str]:
    keys = {k for k in (*results.rows, *results.seeds) if k.split == split}
    pairs = {
        (k.model, k.mode)
        for k in keys
        if k.mode != "corrections" and "+" not in k.mode and not is_ablation(k.model)
    }
    for model, mode in sorted(pairs, key=lambda pair: _place(results.ensemble, *pair)):
        kind = "" if mode == "stage" else model.removeprefix(f"{results.ensemble}-")
        known = [results.runs(Key(model, split, mode, hints)) for hints in HINT_KINDS]
        cells = [
            _beside(results.ensemble, split, kind, hints, one.shown() if one else "–")
            for hints, one in zip(HINT_KINDS, known, strict=True)
        ]
        runs = max(one.runs for one in known if one)
        yield f"| {model} | {mode} | {runs} | " + " | ".join(cells) + " |"
    if pairs and split != "valid":
        cells = [_beside(results.ensemble, split, NOT_LIVE, hints, "–") for hints in HINT_KINDS]
        yield "| LSTM told each note's length | not live | | " + " | ".join(cells) + " |"


def _place(ensemble: str, model: str, mode: str) -> tuple[int, int, str]:
    """Defaults first, then other models, then the baselines as they are published."""
    if model in BASELINES:
        return (2, BASELINES.index(model), mode)
    if model.removeprefix(f"{ensemble}-") in DEFAULT_MODES:
        modes = (*DEFAULT_MODES, "stage")
        return (0, modes.index(mode.partition("+")[0]), mode)
    return (1, 0, model + mode)


def _beside(ensemble: str, split: str, kind: str, hints: str, ours: str) -> str:
    """Our number, and in brackets the published one and that of the base work's weights."""
    if split == "valid":
        return ours
    theirs = published(ensemble, kind, hints), base_weights(ensemble, split, kind, hints)
    if theirs == (None, None):
        return ours
    shown = ["–" if theirs[0] is None else f"{theirs[0]:.2f}"]
    shown += [] if theirs[1] is None else [f"{theirs[1]:.1f}"]
    return f"{ours} ({'; '.join(shown)})"


def _all_metrics(results: Results, split: str) -> Iterator[str]:
    """Every metric of the rows that were measured here."""
    found = [key for key in results.rows if key.split == split and key.mode != "corrections"]
    found.sort(
        key=lambda k: (*_place(results.ensemble, k.model, k.mode), HINT_KINDS.index(k.hints))
    )
    if found:
        yield f"### All metrics: {_pieces(results, split)}"
        rows = [
            {**key._asdict(), "ensemble": results.ensemble, **results.rows[key].metrics}
            for key in found
        ]
        yield f"```\n{table(rows)}\n```"


def _look_ahead(results: Results, splits: Sequence[str]) -> Iterator[str]:
    """What it gains to wait a little with every answer."""
    model = f"{results.ensemble}-live"
    lines = []
    for split in splits:
        for manner in ("live", "stage"):
            known = {
                key.mode.partition("+")[2]: results.rows[key].metrics
                for key in results.rows
                if key[:2] == (model, split)
                and key.mode.partition("+")[0] == manner
                and key.hints == "none"
            }
            if len(known) > 1:
                cells = " | ".join(
                    f"{100 * known[wait]['accuracy']:.2f}" if wait in known else "–"
                    for wait in ("", "50ms", "200ms")
                )
                lines.append(f"| {manner} | {split} ({known['']['pieces']}) | {cells} |")
    if lines:
        yield f"### Looking ahead: {model}, no hints"
        head = "| mode | pieces | at once | after 50 ms | after 200 ms |\n|---|---|---|---|---|"
        yield "\n".join([head, *lines])


def _corrections(results: Results, splits: Sequence[str]) -> Iterator[str]:
    """How right the rest is after some notes have been set right."""
    found = [
        results.rows[key]
        for split in splits
        for key in sorted(results.rows)
        if key.split == split and key.mode == "corrections"
    ]
    if not found:
        return
    yield "### Corrections"
    levels = list(found[0].metrics["corrected"])
    head = " | ".join(f"{float(level):.0%} corrected" for level in levels)
    lines = [f"| model | pieces | hints | {head} |", "|---|---|---|" + "---|" * len(levels)]
    for row in found:
        cells = " | ".join(f"{100 * row.metrics['corrected'][level]:.2f}" for level in levels)
        pieces = f"{row.key.split} ({row.metrics['pieces']})"
        lines.append(f"| {row.key.model} | {pieces} | {row.key.hints} | {cells} |")
    yield "\n".join(lines)


_INTRODUCTION = """# Results

Per-note accuracy in %, over all notes of all pieces, whole pieces, models chosen on the valid
pieces. Several runs: mean ± standard deviation over seeds. In brackets, where there is one, the
published number (Dong et al. 2021) and, after a semicolon, that of their weights on our pieces.

```
arranger report --data DIR       # measures what has changed, then writes this file and its plots
arranger report                  # writes them from what has been measured before
arranger measure runs/NAME-* --data DIR/CORPUS     # the runs of a config, seed by seed
arranger evaluate DIR/game --ensemble game --split test --mode live --hints entry    # one row
```

DIR holds the prepared corpora `chorales`, `quartets`, `game` and `pop` (`arranger data`). All
numbers stand in `evaluation/measured/*.json`, with digests of the checkpoint and of the pieces.
What was tried against each goal that is missed stands in `docs/EXPERIMENTS.md`."""

_PICTURES = """## Pictures

Each box: the accuracies of the pieces of a test set, no hints: worst and best piece, quartiles
(between two deciles) and median. The dot is the share of all notes.

![Accuracy by piece](results/pieces.png)

Which part is taken for which, offline without hints:

![Confusion between parts](results/confusions.png)"""

_NOTES = """## How to read this

`acc` accuracy, `bal` balanced accuracy, `F1` macro F1, `sound` and `compl` soundness
and completeness (Dong et al. 2021), `link` voice-link F1, `avc` average voice consistency, `match`
accuracy under the best renaming of parts in each piece, `perfect` share of pieces without a
mistake, `range` and `poly` notes that break a rule of the ensemble, `ece` expected calibration
error, `s` seconds of processor time spent labelling.

- **live** feeds a `Session` key by key, in the order (onset, pitch); **chord-live** gives it the
  notes of an onset together; **stage** plays the notes of a chord in random order, 15 ms apart,
  with a tempo up to 10 % off and drifting, and no bar lines.
- **Corrections**, offline: the least certain notes of each piece are set right and locked, whether
  they were wrong or not, up to the first level; the piece is solved again with these locks, and the
  next are chosen by the new confidence: one round a level. The accuracy is that of the notes that
  nobody looked at. A checkpoint without the value `locks` in its config heeds them in the decoder
  only.
- The base work's weights have seen most chorales and most of the 57 quartets in training; their
  chorale numbers are over all 409 chorales. The published models cut pieces at 2,000 notes, zone
  and closest pitch did not; their zone oracle is over a sample. Their best live result on strings
  without hints, 69.36, is from training without transposition.
- Notes equal in onset, pitch and duration are interchangeable; reference and prediction list
  their parts in the same order. Notes equal in onset and pitch only are not: which of them is the
  shorter one decides what counts as right, and a live model cannot know it.
- On a stage a key may be let go after the next is struck, so there a part may be given a note
  while another of its notes still sounds: the `poly` column counts these.
- Two test chorales are near-twins of training ones and one of a valid one; `docs/EXPERIMENTS.md`
  gives the numbers without them (up to 0.12 points lower) and says how often the test set was read.
- **Velocities hidden**, for consoles: a console's triangle has one volume, which says who plays;
  the published models know no velocities.
- The closest pitch and the perceptron hear consoles as the models do, a hundred steps a second. On
  the 22,050 ticks of the log no two notes begin together, and the order within a frame, which is
  the emulator's, gives the pulses away.
- Hints come from the reference. Confidence is calibrated on the valid pieces (`arranger
  calibrate`), for each way of listening and each kind of hints; some older checkpoints have curves
  without hints and with both kinds only, which then stand for the two between.
- The accuracies of several runs on chorales were carried over from an earlier report; the weights
  of these runs, the shipped ones apart, were not kept."""
