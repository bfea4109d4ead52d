"""The models of a process: found by name, loaded once, kept.

Only shipped checkpoints and those in folders that the settings name can be asked for; a name from
outside is never taken for a path. Knows checkpoints; not requests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arranger import checkpoints
from arranger.checkpoints import Checkpoint, load, load_for, read_card, shipped
from arranger.continuation import Generator
from arranger.ensembles import Ensemble
from arranger.offline import Arranger
from arranger.online import LiveArranger
from arranger.passes import PassLimits

from . import settings

if TYPE_CHECKING:
    from arranger.accelerated import AcceleratedEngine

_KEPT = 32
"""Arrangers that are kept; each holds 1 to 2 MB."""


class Models:
    """Gives arrangers and generators. Threads share it. ValueError where torch does not see the
    device that is wanted."""

    def __init__(self, wanted: settings.Models) -> None:
        check_device(wanted)
        self._wanted = wanted
        self._folders = {_name(Path(folder)): Path(folder) for folder in wanted.folders}
        self._arrangers: dict[object, Arranger | LiveArranger] = {}
        self._engines: dict[str, AcceleratedEngine] = {}
        """By checkpoint: whatever the ensemble, those who hear with one share its passes. Where one
        is tailored to its ensemble it has an engine of its own, which goes with its arranger."""
        self._generators: dict[str, Generator] = {}
        self._lock = threading.Lock()

    def arranger(
        self, ensemble: Ensemble, mode: str, name: str | None = None
    ) -> Arranger | LiveArranger:
        """The arranger for an ensemble, by the model of that name or the one that fits best.

        ValueError where there is none, or one made for another mode.
        """
        if name is not None and name not in self.arranging():
            raise ValueError(f"unknown model {name!r}: known are {', '.join(self.arranging())}")
        key = (ensemble, mode, name)
        with self._lock:
            if key not in self._arrangers:
                while len(self._arrangers) >= _KEPT:
                    del self._arrangers[next(iter(self._arrangers))]
                checkpoint = load_for(self._path(name), ensemble, mode)
                self._arrangers[key] = self._made(checkpoint, mode, self._path(name))
            return self._arrangers[key]

    def on_stage(self, ensemble: Ensemble, name: str | None = None) -> LiveArranger:
        """The live arranger for an ensemble, hearing pieces as a player would play them."""
        return LiveArranger(load_for(self._path(name), ensemble, "live"), stage=True)

    def generator(self, name: str | None = None) -> Generator | None:
        """The generator of that name, or the first there is; None where there is none at all."""
        known = self.continuing()
        if name is not None and name not in known:
            shown = ", ".join(known) or "none"
            raise ValueError(f"unknown generator {name!r}: known are {shown}")
        if not known:
            return None
        chosen = name or known[0]
        with self._lock:
            if chosen not in self._generators:
                path = self._path(chosen)
                assert path is not None
                self._generators[chosen] = Generator.from_pretrained(
                    path, self._wanted.torch_device, self._wanted.precision
                )
            return self._generators[chosen]

    def arranging(self) -> list[str]:
        """The names of models that arrange."""
        return self._names("ensemble")

    def continuing(self) -> list[str]:
        """The names of models that continue."""
        return self._names("tokenizer")

    def cards(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The name and the card of each model."""
        for name in (*self.arranging(), *self.continuing()):
            yield name, read_card(self._folders.get(name, checkpoints.PRETRAINED / name))

    def warm_up(self, names: tuple[str, ...]) -> None:
        """Load models, so that nobody has to wait for them; those in torch run once too."""
        for name in names:
            if name in self.continuing():
                generator = self.generator(name)
                if generator is not None and self._wanted.torch_device is not None:
                    generator.warm_up()
            elif name in self.arranging():
                checkpoint = load(self._path(name) or name)
                asked_for = name if name in self._folders else None
                self.arranger(checkpoint.ensemble, checkpoint.card.mode, asked_for)
            else:
                raise ValueError(f"models: unknown model {name!r} to warm up")
        for engine in self._engines.values():
            engine.warm_up()

    def _names(self, made_for: str) -> list[str]:
        own = [name for name, folder in self._folders.items() if made_for in read_card(folder)]
        return [*own, *shipped(made_for)]

    def _path(self, name: str | None) -> str | Path | None:
        return None if name is None else self._folders.get(name, name)

    def _made(
        self, checkpoint: Checkpoint, mode: str, path: str | Path | None
    ) -> Arranger | LiveArranger:
        if mode != "offline":
            return LiveArranger(checkpoint)
        if self._wanted.torch_device is None:
            return Arranger(checkpoint)
        return Arranger(checkpoint, engine=self._engine(checkpoint, path or checkpoint.card.name))

    def _engine(self, checkpoint: Checkpoint, path: str | Path) -> AcceleratedEngine:
        from arranger.accelerated import AcceleratedEngine

        key, wanted = str(path), self._wanted
        if key in self._engines:
            return self._engines[key]
        limits = PassLimits(wanted.pass_notes, seconds=wanted.pass_milliseconds / 1000)
        engine = AcceleratedEngine(checkpoint, wanted.device, wanted.precision, limits)
        if checkpoint.pattern is None:
            self._engines[key] = engine
        return engine


def check_device(wanted: settings.Models) -> None:
    """ValueError, with one sentence, where torch does not see the device that is wanted."""
    if wanted.torch_device is not None:
        from arranger import devices

        try:
            devices.device(wanted.torch_device)
        except ValueError as error:
            raise ValueError(f"models: {error}") from error


def _name(folder: Path) -> str:
    return str(read_card(folder)["name"])
