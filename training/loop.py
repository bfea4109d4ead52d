"""The training loop: steps, a running average of the weights, the best checkpoint, resuming.

Knows a task's loss and its scores on valid, optimisers, and the files of its own run; not what is
learnt. The best average by score on valid is kept, in half precision, as a checkpoint that every
command can load.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from arranger.checkpoints import save

from .configuration import TrainingConfig
from .optimisers import make_optimizer, rate_at
from .task import Task


@dataclass(frozen=True)
class Start:
    """Weights of a checkpoint, by its name, that a run begins with instead of random ones."""

    name: str
    weights: Mapping[str, NDArray[Any]]

    def give(self, model: nn.Module) -> None:
        """Put the weights into ``model``; ValueError where they do not fit."""
        state = {name: torch.from_numpy(weight) for name, weight in self.weights.items()}
        shapes = {name: weight.shape for name, weight in state.items()}
        if shapes != {name: weight.shape for name, weight in model.state_dict().items()}:
            raise ValueError(f"{self.name}: its weights are those of a model of another shape")
        model.load_state_dict(state)


class Run:
    """One training run in a folder of its own.

    A run that was stopped goes on from where it last looked at the valid pieces, and on a CPU ends
    with the weights that it would have had without the stop. Without valid pieces the last
    weights are the best.
    """

    def __init__(
        self,
        task: Task[Any],
        options: TrainingConfig,
        folder: Path,
        device: str | None = None,
        start: Start | None = None,
    ) -> None:
        self.task = task
        self.options = options
        self.folder = folder
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.manual_seed(options.seed)
        self.model = task.new_model().to(self.device)
        self._begun_with = start.name if start else None
        if start:
            start.give(self.model)
        self.average = copy.deepcopy(self.model).eval()
        self.optimizer = make_optimizer(options, self.model.parameters())
        self.step = 0
        self.best = -float("inf")
        self.stale = 0
        self.seconds = 0.0

    def train(self, quiet: bool = False) -> float:
        """Train to the last step, or until no look has been better for long; the best score."""
        options = self.options
        self._resume()
        began, losses = time.perf_counter() - self.seconds, []
        bar = tqdm(total=options.steps, initial=self.step, disable=quiet, unit="step")
        for batch in self._batches():
            losses.append(self._update(batch))
            self.step += 1
            bar.update()
            if self.step % options.every == 0 or self.step == options.steps:
                self.seconds = time.perf_counter() - began
                self._look(float(np.mean(losses)), bar)
                losses.clear()
            if self.step >= options.steps or self._is_stale:
                break
        bar.close()
        return self.best

    def _batches(self) -> Iterator[Any]:
        """The batches from the current step on, as if the run had never stopped."""
        size, seed = self.options.batch, self.options.seed
        epoch, done = divmod(self.step, self.task.batches(size))
        while self.step < self.options.steps and not self._is_stale:
            rng = np.random.default_rng([seed, epoch])
            yield from islice(self.task.epoch(rng, size), done, None)
            epoch, done = epoch + 1, 0

    @property
    def _is_stale(self) -> bool:
        return 0 < self.options.patience <= self.stale

    def _update(self, batch: Any) -> float:
        options = self.options
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(options, self.step, self.task.batches(options.batch))
        self.model.train()
        rng = np.random.default_rng([options.seed, self.step, 1])
        progress, half = self.step / options.steps, options.bf16 or self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            loss = self.task.loss(self.model, batch.to(self.device), progress, rng)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), options.clip)
        self.optimizer.step()
        decay = min(options.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
        return float(loss.item())

    def _look(self, loss: float, bar: Any) -> None:
        """Measure the average on valid, keep it if it is the best, and save the run's state."""
        scores = self.task.scores(self.average)
        score = float(np.mean(list(scores.values()))) if scores else float(self.step)
        line = {"step": self.step, "loss": loss, "valid": scores, "seconds": self.seconds}
        bar.write(json.dumps(line))
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        self.stale += 1
        if score > self.best:
            self.best, self.stale = score, 0
            self._keep(scores)
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "stale": self.stale,
            "seconds": self.seconds,
            "torch_rng": torch.get_rng_state(),
            "config": repr(self.task.config),
            "start": self._begun_with,
            "examples": self.task.batches(1),
        }
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")

    def _keep(self, scores: dict[str, float]) -> None:
        how = {
            "seed": self.options.seed,
            "steps": self.step,
            "of_steps": self.options.steps,
            "seconds": round(self.seconds),
            "device": self.device.type,
            **({"start": self._begun_with} if self._begun_with else {}),
        }
        weights = {n: w.half().cpu().numpy() for n, w in self.average.state_dict().items()}
        save(self.folder, self.task.card(how, scores), weights)

    def _resume(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "state.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state.get("config", repr(self.task.config)) != repr(self.task.config):
            raise ValueError(f"{self.folder}: holds a run of another config or seed")
        if state.get("start") != self._begun_with:
            begun = state.get("start") or "random weights"
            raise ValueError(f"{self.folder}: holds a run that began with {begun}")
        examples = self.task.batches(1)
        if state.get("examples", examples) != examples:
            raise ValueError(f"{self.folder}: holds a run that learns from other pieces")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self.stale = state["stale"]
        torch.set_rng_state(state["torch_rng"].cpu())
