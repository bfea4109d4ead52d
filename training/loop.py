"""The training loop: steps, a running average of the weights, the best checkpoint, resuming.

Knows models, tasks and files of its own run. The best average by accuracy on whole valid pieces
is kept as a checkpoint that every command can load.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from arranger.checkpoints import Card, describe_ensemble, save
from arranger.models import PartModel
from evaluation.pieces import Piece

from .batches import Batch, Examples, on_grid
from .configuration import RunConfig
from .part_task import PartTask


class Run:
    """One training run in a folder of its own.

    A run that was stopped goes on from where it last looked at the valid pieces, and on a CPU ends
    with the weights that it would have had without the stop.
    """

    def __init__(
        self,
        config: RunConfig,
        train: Sequence[Piece],
        valid: Sequence[Piece],
        folder: Path,
        device: str | None = None,
    ) -> None:
        self.config = config
        options, resolution = config.training, config.model.resolution
        looked_at = valid[:: -(-len(valid) // options.valid)] if options.valid else valid
        self.valid = [on_grid(piece, resolution) for piece in looked_at]
        self.folder = folder
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.manual_seed(options.seed)
        self.model = PartModel(config.model).to(self.device)
        self.average = copy.deepcopy(self.model).eval()
        self.task = PartTask(config.ensemble, options.own, options.smoothing)
        gridded = [on_grid(piece, resolution) for piece in train]
        self.examples = Examples(gridded, config.model.spec, config.ensemble, config.variation)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), options.rate, (0.9, 0.98), weight_decay=options.weight_decay
        )
        self.step = 0
        self.best = -1.0
        self.seconds = 0.0

    def train(self, quiet: bool = False) -> float:
        """Train to the last step; the best accuracy on valid."""
        options = self.config.training
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
            if self.step >= options.steps:
                break
        bar.close()
        return self.best

    def _batches(self) -> Iterator[Batch]:
        """The batches from the current step on, as if the run had never stopped."""
        size, seed = self.config.training.batch, self.config.training.seed
        epoch, done = divmod(self.step, self.examples.batches(size))
        while self.step < self.config.training.steps:
            rng = np.random.default_rng([seed, epoch])
            yield from islice(self.examples.epoch(rng, size), done, None)
            epoch, done = epoch + 1, 0

    def _update(self, batch: Batch) -> float:
        options = self.config.training
        progress = self.step / options.steps
        rate = options.rate * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * min(1.0, (self.step + 1) / options.warmup)
        self.model.train()
        rng = np.random.default_rng([options.seed, self.step, 1])
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
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
        accuracy = {"none": self.task.accuracy(self.average, self.valid)}
        if "hints" in self.config.model.values:
            accuracy["both"] = self.task.accuracy(self.average, self.valid, "both")
        if self.config.variation.played > 0:
            accuracy["stage"] = self.task.accuracy(self.average, self.valid, played=True)
        score = float(np.mean(list(accuracy.values())))
        line = {"step": self.step, "loss": loss, "valid": accuracy, "seconds": self.seconds}
        bar.write(json.dumps(line))
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if score > self.best:
            self.best = score
            self._keep(accuracy)
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
            "torch_rng": torch.get_rng_state(),
            "config": repr(self.config),
        }
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")

    def _keep(self, accuracy: dict[str, float]) -> None:
        config, options = self.config, self.config.training
        card = Card(
            name=config.name,
            mode=config.mode,
            ensemble=describe_ensemble(config.ensemble),
            config=config.model.to_dict(),
            data=config.data,
            licence=config.licence,
            training={
                "seed": options.seed,
                "steps": self.step,
                "of_steps": options.steps,
                "seconds": round(self.seconds),
                "device": self.device.type,
                "pieces": len(self.examples.pieces),
            },
            metrics={"valid_greedy": accuracy},
        )
        weights = {name: w.cpu().numpy() for name, w in self.average.state_dict().items()}
        save(self.folder, card, weights)

    def _resume(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "state.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state.get("config", repr(self.config)) != repr(self.config):
            raise ValueError(f"{self.folder}: holds a run of another config or seed")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        torch.set_rng_state(state["torch_rng"].cpu())
