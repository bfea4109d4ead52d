"""The baselines of Dong et al. 2021, all in one shape: a name and ``label(notes, hints)``.

Knows which there are, how to fit those that learn, and how to keep the fitted ones in a folder
(``baselines.json`` and ``mlp.npz``; ``evaluation/fitted`` has the shipped ones). Does not know how
they are scored.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arranger.ensembles import Ensemble

from ..pieces import Labeller, Oracle, Piece
from .closest import ClosestPitch
from .gridded import Gridded
from .mlp import Perceptron, fit_perceptron
from .pitch import PitchTable, ZoneOracle, best_zones, histogram_of, most_common, zone

__all__ = [
    "FITTED",
    "BaselineRow",
    "Baselines",
    "ClosestPitch",
    "Gridded",
    "Perceptron",
    "PitchTable",
    "ZoneOracle",
    "best_zones",
    "fit_baselines",
    "fit_perceptron",
    "histogram_of",
    "load_baselines",
    "most_common",
    "zone",
]

FORMAT = 1
FITTED = Path(__file__).parent.parent / "fitted"
"""The fitted baselines that are shipped, a folder an ensemble."""


@dataclass(frozen=True)
class BaselineRow:
    """A baseline, what it knows of the future (``mode``), and the hints it is made for."""

    scorer: Labeller | Oracle
    mode: str
    hints: str


@dataclass(frozen=True)
class Baselines:
    """The fitted baselines of one ensemble; those that learn nothing need no field.

    ``trained_on`` says, in words, which pieces they were fitted to. ``resolution``: ticks a quarter
    of the grid on which they hear music; None: as it is written.
    """

    ensemble: Ensemble
    most_common: PitchTable
    zone: PitchTable
    mlp: Perceptron
    trained_on: str
    resolution: int | None = None

    def rows(self) -> list[BaselineRow]:
        """All baselines in the order of the published table."""
        return [
            BaselineRow(self.most_common, "live", "none"),
            BaselineRow(self.zone, "live", "none"),
            BaselineRow(ZoneOracle(self.ensemble), "oracle", "none"),
            BaselineRow(self._hearing(ClosestPitch(self.ensemble)), "chord-live", "entry"),
            BaselineRow(
                self._hearing(ClosestPitch(self.ensemble, mono=True)), "chord-live", "entry"
            ),
            BaselineRow(self._hearing(self.mlp), "offline", "entry"),
        ]

    def _hearing(self, scorer: Labeller) -> Labeller:
        """``scorer`` on the grid; the others hear nothing but pitches."""
        return scorer if self.resolution is None else Gridded(scorer, self.resolution)

    def save(self, folder: str | Path) -> None:
        """Write ``baselines.json`` and ``mlp.npz`` into ``folder``, which is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "format": FORMAT,
            "ensemble": self.ensemble.name,
            "parts": list(self.ensemble.names),
            "trained_on": self.trained_on,
            "most_common": self.most_common.to_dict(),
            "zone": self.zone.to_dict(),
        }
        if self.resolution is not None:
            document["resolution"] = self.resolution
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (folder / "baselines.json").write_text(text + "\n", encoding="utf-8")
        np.savez_compressed(folder / "mlp.npz", allow_pickle=False, **self.mlp.to_arrays())


def fit_baselines(
    pieces: Sequence[Piece],
    ensemble: Ensemble,
    seed: int = 0,
    trained_on: str | None = None,
    progress: Callable[[str], None] | None = None,
    resolution: int | None = None,
) -> Baselines:
    """Fit the baselines that learn to reference ``pieces``, on a grid of ``resolution`` ticks a
    quarter if given; about a minute for 70,000 notes."""
    if resolution is not None:
        pieces = [piece.on_grid(resolution) for piece in pieces]
    histogram = histogram_of(pieces, ensemble)
    notes = int(histogram.sum())
    return Baselines(
        ensemble,
        most_common(histogram, ensemble),
        zone(histogram, ensemble),
        fit_perceptron(pieces, ensemble, seed, progress=progress),
        trained_on or f"{len(pieces)} pieces, {notes} notes, seed {seed}",
        resolution,
    )


def load_baselines(ensemble: Ensemble, folder: str | Path | None = None) -> Baselines:
    """The baselines that ``Baselines.save`` wrote; without ``folder``, the shipped ones.

    ValueError, with one sentence, where ``folder`` holds none or they are for other parts.
    """
    folder = FITTED / ensemble.name if folder is None else Path(folder)
    try:
        document = json.loads((folder / "baselines.json").read_text(encoding="utf-8"))
        with np.load(folder / "mlp.npz", allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise ValueError(f"{folder}: no fitted baselines there ({error.strerror})") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{folder}: the fitted baselines cannot be read ({error})") from error
    if document.get("format") != FORMAT:
        raise ValueError(f"{folder}: format {document.get('format')!r}, expected {FORMAT}")
    if document.get("parts") != list(ensemble.names):
        raise ValueError(
            f"{folder}: fitted for the parts {', '.join(document.get('parts', []))}, "
            f"not for those of {ensemble.name} ({', '.join(ensemble.names)})"
        )
    try:
        return Baselines(
            ensemble,
            PitchTable.from_dict(document["most_common"], ensemble),
            PitchTable.from_dict(document["zone"], ensemble),
            Perceptron.from_arrays(arrays, ensemble),
            str(document["trained_on"]),
            document.get("resolution"),
        )
    except KeyError as error:
        raise ValueError(f"{folder}: the fitted baselines lack {error}") from error
