"""An Engine whose backbone runs in torch: for processes that stay warm, and for GPUs.

Importing torch takes longer than arranging a piece, so a single command does without it; a
process that arranges many pieces gains up to a third. On a CPU one thread is fastest for one piece
at a time (OMP_NUM_THREADS=1): the steps of an LSTM are too small to share. On a GPU threads that
arrange at once share passes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from . import devices
from .checkpoints import Checkpoint
from .engine import Engine
from .models import PartModel
from .passes import Features, Heard, Passes, PassLimits

WARM_UP = (16, 256, 1024)
"""Notes of the pieces that are heard before anybody waits: libraries load and choose for these."""


class AcceleratedEngine(Engine):
    """Gives what ``Engine`` gives; threads may share it.

    ``device`` is torch's name of where, ``precision`` one of ``devices.PRECISIONS``: that of the
    front and the backbone; what the head reads of them is always in full precision.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str = "cpu",
        precision: str = "auto",
        limits: PassLimits | None = None,
    ) -> None:
        super().__init__(checkpoint.config, checkpoint.weights, checkpoint.card.temperature)
        self._device = devices.device(device)
        self._dtype = devices.precision(precision, self._device)
        self._model = PartModel(checkpoint.config)
        state = {name: torch.from_numpy(array) for name, array in checkpoint.weights.items()}
        self._model.load_state_dict(state)
        self._model.eval().to(self._device)
        self._model.front.to(self._dtype)
        self._model.backbone.to(self._dtype)
        self._enter_on_device = self._model.get_submodule(self._entry)
        self.passes = Passes(self._hear_together, limits or PassLimits())

    def hear(self, codes: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whole sequences, as ``Engine.hear``."""
        if codes.shape[1] == 0:
            return super().hear(codes, values)
        return self.passes.hear(Features(codes, values))

    def warm_up(self) -> None:
        """Hear pieces of a few lengths, one of each and then all of them in one pass."""
        spec = self.config.spec
        silent = [
            Features(
                np.zeros((1, notes, len(self.config.codes)), np.int64),
                np.zeros((1, notes, spec.width), np.float32),
            )
            for notes in WARM_UP
        ]
        for pieces in (*([piece] for piece in silent), silent):
            self._hear_together(pieces)

    @torch.inference_mode()
    def _hear_together(self, pieces: Sequence[Features]) -> list[Heard]:
        """One pass over pieces that all have as many hearings, padded to the longest."""
        lengths = [piece.length for piece in pieces]
        hearings, longest = pieces[0].hearings, max(lengths)
        codes = np.concatenate([_padded(piece.codes, longest) for piece in pieces])
        values = np.concatenate([_padded(piece.values, longest) for piece in pieces])
        y = self._model(
            torch.from_numpy(codes).to(self._device),
            torch.from_numpy(values).to(self._device, self._dtype),
            torch.tensor(lengths).repeat_interleave(hearings),
        )  # (pieces * hearings, longest, outputs)
        rows = self._enter_on_device(y.float()).cpu().numpy()
        apart = rows.reshape(len(pieces), hearings, longest, -1)
        return [heard[:, :notes] for heard, notes in zip(apart, lengths, strict=True)]


def _padded(array: np.ndarray, length: int) -> np.ndarray:
    """``array`` (H, N, width) with zeros behind it, (H, length, width)."""
    return np.pad(array, ((0, 0), (0, length - array.shape[1]), (0, 0)))
