"""Who can play: ensembles at their instruments, each with a model that arranges for it.

A Roster holds what a process has loaded, once, for all its sessions. Knows checkpoints and
ensembles; not sessions in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from arranger.checkpoints import Checkpoint, distance, load, load_card, shipped
from arranger.checkpoints import find as find_checkpoint
from arranger.engine import Engine
from arranger.ensembles import Ensemble, Part, load_ensemble
from arranger.hints import Hints
from arranger.online import Session

from .protocol import MAX_PARTS, EnsembleSpec, HintsSpec, Mode, PartAnswer

CHANNELS = (*range(9), *range(10, 16))
"""The MIDI channel of each part."""

_MODEL_MODE: dict[Mode, str] = {"stage": "live", "live": "live", "chord-live": "chord-live"}


@dataclass(frozen=True)
class Lineup:
    """An ensemble, and what arranges for it while somebody plays."""

    ensemble: Ensemble
    mode: Mode
    checkpoint: Checkpoint
    engine: Engine

    @property
    def model(self) -> str:
        return self.checkpoint.card.name

    @cached_property
    def parts(self) -> tuple[PartAnswer, ...]:
        return tuple(
            PartAnswer(name=part.name, program=part.program, channel=channel)
            for part, channel in zip(self.ensemble.parts, CHANNELS, strict=False)
        )

    def hints(self, spec: HintsSpec) -> Hints:
        """Hints by the names of parts; ValueError for one that is not there."""
        index = self.ensemble.index
        return Hints(
            {index(name): entry for name, entry in spec.entries.items()},
            {index(name): mean for name, mean in spec.mean_pitch.items()},
        )

    def session(self, hints: Hints, look_ahead: float) -> Session:
        """A new session; ``look_ahead`` in quarters."""
        card = self.checkpoint.card
        return Session(
            self.engine,
            self.ensemble,
            hints,
            self.mode != "stage",
            None if look_ahead else card.width,
            card.transpositions,
            self.checkpoint.casting,
            look_ahead,
            self.checkpoint.certainty(),
        )


class Roster:
    """The live checkpoints that are loaded. ``names``: which, by name or folder; none: all that
    are shipped."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._loaded: dict[str, tuple[Checkpoint, Engine]] = {}
        self._ensembles: dict[str, Ensemble] = {}
        for name in names or shipped():
            if names or load_card(find_checkpoint(name)).mode in _MODEL_MODE.values():
                checkpoint = load(name)
                self._loaded[checkpoint.card.name] = checkpoint, checkpoint.engine()
        modes = {checkpoint.card.mode for checkpoint, _ in self._loaded.values()}
        if not modes & set(_MODEL_MODE.values()):
            raise ValueError("no live model is loaded: name one that plays live")

    def lineup(
        self, ensemble: str | EnsembleSpec, mode: Mode = "stage", model: str | None = None
    ) -> Lineup:
        """An ensemble by its name, or as described, and the loaded model that fits it best, or the
        named one. ValueError, with one sentence, for what there is not."""
        wanted = self._ensemble(ensemble)
        fit = {
            name: loaded
            for name, loaded in self._loaded.items()
            if loaded[0].card.mode == _MODEL_MODE[mode]
        }
        if not fit:
            raise ValueError(f"no model is loaded that plays {mode}")
        if model is not None and model not in fit:
            raise ValueError(f"unknown model {model!r}: {', '.join(fit)} can play {mode}")
        chosen = model or min(fit, key=lambda name: _preference(fit[name][0], wanted))
        checkpoint, engine = fit[chosen]
        at_work = checkpoint.cast_for(wanted)
        if at_work.weights is not checkpoint.weights:
            engine = at_work.engine()
        return Lineup(wanted, mode, at_work, engine)

    def warm_up(self) -> None:
        """Play a few notes in every way that can be asked for, and cast an ensemble, so that no
        player waits for what is done only once."""
        strange = EnsembleSpec.model_validate(
            {"name": "warm up", "parts": ({"name": "Low", "program": 0, "high": 59}, _HIGH)}
        )
        for mode in get_args(Mode):
            for checkpoint, _ in self._loaded.values():
                if checkpoint.card.mode != _MODEL_MODE[mode]:
                    continue
                lineup = self.lineup(strange, mode, checkpoint.card.name)
                for session in (lineup.session(Hints(), 0.0), lineup.session(Hints(), 0.1)):
                    for time in range(8):
                        session.chord_on([48 + time, 60, 72], float(time))
                        session.note_off(60, time + 0.5)

    def _ensemble(self, wanted: str | EnsembleSpec) -> Ensemble:
        """An ensemble as described, or a built-in one."""
        if isinstance(wanted, EnsembleSpec):
            parts = [Part(p.name, p.program, p.low, p.high, p.voices) for p in wanted.parts]
            return Ensemble(wanted.name, tuple(parts))
        if wanted not in self._ensembles:
            if not wanted.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"unknown ensemble {wanted!r}: give a name, or the parts")
            ensemble = load_ensemble(wanted)
            if len(ensemble) > MAX_PARTS:
                raise ValueError(
                    f"{wanted} has {len(ensemble)} parts, at most {MAX_PARTS} can play"
                )
            self._ensembles[wanted] = ensemble
        return self._ensembles[wanted]


_HIGH = {"name": "High", "program": 0, "low": 60, "voices": None}


def _preference(checkpoint: Checkpoint, ensemble: Ensemble) -> tuple[float, bool]:
    """Least for the checkpoint to take: the nearest, and of several the usual one of its mode."""
    card = checkpoint.card
    usual = card.name == f"{checkpoint.ensemble.name}-{card.mode}"
    return distance(card, ensemble), not usual
