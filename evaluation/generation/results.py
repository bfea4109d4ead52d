"""What has been measured of generators, kept as data: one line a row, as that of arrangers is.

Knows rows and files; measures nothing (``measuring``) and shows nothing (``report``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arranger.token_checkpoints import TokenCheckpoint

from ..results import MEASURED

FILE = "generation.json"


class Key(NamedTuple):
    """Which checkpoint on which pieces; ``data`` is the name of the corpus' folder."""

    model: str
    data: str
    split: str


@dataclass(frozen=True)
class Row:
    """``measured`` as ``command.measure`` gives it. ``checkpoint`` is the digest of what was
    measured; ``parameters``, ``context`` and ``training`` are said of it by its card, ``command``
    trains another. ``speed``: tokens a second by context, and seconds to the first note."""

    key: Key
    checkpoint: str
    parameters: int
    context: int
    training: Mapping[str, Any]
    command: str
    speed: Mapping[str, Any]
    measured: Mapping[str, Any]


def checkpoint_digest(checkpoint: TokenCheckpoint) -> str:
    """The same for checkpoints that give the same answers, whatever else their cards say."""
    card = checkpoint.card
    decisive: tuple[Any, ...] = (card.tokenizer, card.config, card.context)
    if checkpoint.moves:
        decisive = (*decisive, card.transpositions)
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode())
    for name in sorted(checkpoint.weights):
        digest.update(name.encode() + np.ascontiguousarray(checkpoint.weights[name]).tobytes())
    return digest.hexdigest()[:12]


def load_rows(folder: Path | None = None) -> dict[Key, Row]:
    """The rows in ``folder`` (None: those of the package); ValueError for a file that is none."""
    path = (folder or MEASURED) / FILE
    if not path.is_file():
        return {}
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))["rows"]
        rows = [Row(**{**line, "key": Key(**line["key"])}) for line in lines]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as results: {error}") from error
    return {row.key: row for row in rows}


def measured_of(checkpoint: TokenCheckpoint) -> dict[str, dict[str, float]]:
    """What the package knows of a checkpoint: split and unit to its likelihood."""
    digest = checkpoint_digest(checkpoint)
    return {
        f"{key.split} ({key.data})": {
            f"nats {unit}": row.measured["likelihood"][f"nats_{unit.replace(' ', '_')}"]
            for unit in ("a token", "a note")
        }
        for key, row in load_rows().items()
        if row.checkpoint == digest
    }


def keep(rows: Sequence[Row], folder: Path | None = None) -> None:
    """Write ``rows`` beside those in ``folder`` (None: the package), each in place of an older one
    of its key."""
    folder = folder or MEASURED
    folder.mkdir(parents=True, exist_ok=True)
    kept = {**load_rows(folder), **{row.key: row for row in rows}}
    lines = [
        json.dumps(plain({**asdict(row), "key": row.key._asdict()}), separators=(",", ":"))
        for _, row in sorted(kept.items())
    ]
    text = '{"rows": [\n' + ",\n".join(lines) + "\n]}\n"
    (folder / FILE).write_text(text, encoding="utf-8")


def plain(value: Any) -> Any:
    """Data as they are kept: numbers to six places, None for nan, which JSON does not know."""
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
