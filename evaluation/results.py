"""What has been measured, kept as data: one file an ensemble, one line a row.

A row says what labelled which pieces, how, and what came out; a row is measured again only when its
checkpoint, its pieces or the way of measuring has changed. Knows rows and files; measures nothing
(``measuring``) and shows nothing (``report``).
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arranger.checkpoints import Checkpoint, describe_ensemble
from arranger.ensembles import Ensemble

from .pieces import Piece

MEASURED = Path(__file__).parent / "measured"
"""The rows that come with the package."""

PROTOCOL = 2
"""To be raised when the decoder, the sessions, the reading of files or a metric changes what the
same weights give on the same pieces: every row is then measured again."""


class Key(NamedTuple):
    """Which labelling of which pieces. ``mode``: one of the runner's, or ``corrections``."""

    model: str
    split: str
    mode: str
    hints: str


@dataclass(frozen=True)
class Row:
    """``metrics`` as the runner or ``corrections`` gives them, shares in 0..1. ``checkpoint`` is
    the digest of what labelled, ``protocol`` that of the pieces and of how they are measured."""

    key: Key
    checkpoint: str
    protocol: str
    metrics: Mapping[str, Any]

    def is_of(self, checkpoint: str, protocol: str) -> bool:
        """Whether it would come out the same if it were measured again."""
        return (self.checkpoint, self.protocol) == (checkpoint, protocol)


@dataclass(frozen=True)
class Seeds:
    """The accuracies, in 0..1, of several runs of one config: their number, mean and deviation (of
    the sample; None for one run).

    ``accuracies`` maps the digests of the runs' checkpoints to theirs. It is shorter than ``runs``
    where the weights of some have not been kept.
    """

    key: Key
    runs: int
    mean: float
    deviation: float | None
    accuracies: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, key: Key, accuracies: Mapping[str, float]) -> Seeds:
        """All ``accuracies`` of a config, by checkpoint."""
        found = list(accuracies.values())
        deviation = statistics.stdev(found) if len(found) > 1 else None
        return cls(key, len(found), statistics.mean(found), deviation, accuracies)

    def shown(self) -> str:
        """The mean in %, with ± the deviation where there are several runs."""
        mean = f"{100 * self.mean:.2f}"
        return mean if self.deviation is None else f"{mean} ± {100 * self.deviation:.2f}"


@dataclass(frozen=True)
class Results:
    """All that has been measured of one ensemble."""

    ensemble: str
    rows: Mapping[Key, Row] = field(default_factory=dict)
    seeds: Mapping[Key, Seeds] = field(default_factory=dict)

    def plus(self, *found: Row | Seeds) -> Results:
        """With these, each in place of an older one of its key."""
        rows = {**self.rows, **{new.key: new for new in found if isinstance(new, Row)}}
        seeds = {**self.seeds, **{new.key: new for new in found if isinstance(new, Seeds)}}
        return replace(self, rows=rows, seeds=seeds)

    def only(self, models: Iterable[str]) -> Results:
        """Without the rows of models that are not among ``models``; seeds stay."""
        kept = set(models)
        return replace(self, rows={k: row for k, row in self.rows.items() if k.model in kept})

    def runs(self, key: Key) -> Seeds | None:
        """All that is known of the accuracy: the runs of a config, or else the one row.

        Runs do not speak for a row whose checkpoint is none of them: it has been trained anew.
        """
        row, seeds = self.rows.get(key), self.seeds.get(key)
        if row is None or (seeds is not None and row.checkpoint in seeds.accuracies):
            return seeds
        return Seeds.of(key, {row.checkpoint: row.metrics["accuracy"]})


def load_results(ensemble: str, folder: Path | None = None) -> Results:
    """The results of ``ensemble`` in ``folder`` (None: those of the package), empty if there are
    none. ValueError for a file that is no results."""
    path = (folder or MEASURED) / f"{ensemble}.json"
    if not path.is_file():
        return Results(ensemble)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        rows = [_split_row(row) for row in document["rows"]]
        seeds = [
            Seeds(_key(s), s["runs"], s["mean"], s["deviation"], s["accuracies"])
            for s in document["seeds"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as results: {error}") from error
    return Results(ensemble).plus(*rows, *seeds)


def save_results(results: Results, folder: Path | None = None) -> None:
    """Write ``results`` to ``folder`` (None: the package), ordered by key, a row a line."""
    folder = folder or MEASURED
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            **row.key._asdict(),
            "checkpoint": row.checkpoint,
            "protocol": row.protocol,
            **_rounded(row.metrics),
        }
        for _, row in sorted(results.rows.items())
    ]
    seeds = []
    for key, known in sorted(results.seeds.items()):
        numbers = {k: v for k, v in asdict(known).items() if k != "key"}
        seeds.append({**key._asdict(), **_rounded(numbers)})
    text = f'{{\n"ensemble": {json.dumps(results.ensemble)},\n'
    text += f'"rows": [\n{_lines(rows)}],\n"seeds": [\n{_lines(seeds)}]\n}}\n'
    (folder / f"{results.ensemble}.json").write_text(text, encoding="utf-8")


def checkpoint_digest(checkpoint: Checkpoint) -> str:
    """The same for checkpoints that give the same answers, whatever else their cards say."""
    card = checkpoint.card
    decisive = [card.mode, card.ensemble, card.config, card.temperature, [*card.transpositions]]
    if card.tilted:
        decisive.append("tilted")
    if card.certainty:
        decisive.append(card.certainty)
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode())
    for name in sorted(checkpoint.weights):
        digest.update(name.encode() + np.ascontiguousarray(checkpoint.weights[name]).tobytes())
    return digest.hexdigest()[:12]


def accuracies_of(checkpoint: Checkpoint) -> dict[str, dict[str, float]]:
    """What the package knows of a checkpoint: split and kind of hints (or stage, or a live mode
    whose answers wait) to accuracy."""
    digest = checkpoint_digest(checkpoint)
    found: dict[str, dict[str, float]] = {}
    for key, row in load_results(checkpoint.ensemble.name).rows.items():
        if row.checkpoint == digest and "accuracy" in row.metrics:
            own = key.mode == "stage" or "+" in key.mode
            kind = key.mode if own else key.hints
            found.setdefault(key.split, {})[kind] = row.metrics["accuracy"]
    return found


def files_digest(paths: Iterable[Path]) -> str:
    """The same for files of the same names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def protocol_digest(pieces: Iterable[Piece], ensemble: Ensemble) -> str:
    """The same for the same pieces, note for note and part for part, measured in the same way."""
    rules = json.dumps([PROTOCOL, describe_ensemble(ensemble)], sort_keys=True)
    digest = hashlib.sha256(rules.encode())
    for piece in pieces:
        notes = piece.notes
        digest.update(f"{piece.name} {notes.resolution}".encode())
        for array in (notes.onset, notes.pitch, notes.duration, notes.velocity, piece.parts):
            digest.update(np.asarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()[:12]


def _key(line: Mapping[str, Any]) -> Key:
    return Key(*(str(line[name]) for name in Key._fields))


def _split_row(line: Mapping[str, Any]) -> Row:
    own = {*Key._fields, "checkpoint", "protocol"}
    metrics = {name: value for name, value in line.items() if name not in own}
    return Row(_key(line), line["checkpoint"], line["protocol"], metrics)


def _rounded(value: Any) -> Any:
    """``value`` with every float, however deep, to six digits: a note in a million."""
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(value, 6) if isinstance(value, float) else value


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return ",\n".join(lines) + "\n"
