"""What can go on from an excerpt: a model, and what a model has to beat.

Knows excerpts and generators; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from arranger.continuation import Extent, Generator
from arranger.notes import DEFAULT_VELOCITY, Note, NoteSequence
from arranger.sampling import Sampling

from .excerpts import Excerpt


class Continuer(Protocol):
    """``name`` stands on its row of a table."""

    @property
    def name(self) -> str: ...

    def go_on(self, excerpt: Excerpt, seed: int) -> NoteSequence:
        """Notes for the bars behind the prompt, counted from their beginning."""


@dataclass(frozen=True)
class Model:
    """A generator with its way of sampling."""

    generator: Generator
    sampling: Sampling

    @property
    def name(self) -> str:
        return self.generator.name

    def go_on(self, excerpt: Excerpt, seed: int) -> NoteSequence:
        prompt, extent = excerpt.prompt, Extent(bars=excerpt.bars)
        new = self.generator.stream(prompt, extent, self.sampling, seed, excerpt.style)
        return excerpt.behind(NoteSequence.from_rows(new, prompt.resolution)[0])


class Truth:
    """What really follows."""

    name = "truth"

    def go_on(self, excerpt: Excerpt, seed: int) -> NoteSequence:
        return excerpt.truth


class Copy:
    """The last bars of the prompt once more: as many as are asked for, or all, over and over."""

    name = "copy"

    def go_on(self, excerpt: Excerpt, seed: int) -> NoteSequence:
        prompt, bar = excerpt.prompt, excerpt.bar
        first = max(0, excerpt.begin - excerpt.bars * bar)
        length = excerpt.begin - first
        rows = [
            Note(onset - first + again, pitch, duration, velocity)
            for again in range(excerpt.begin, excerpt.begin + excerpt.bars * bar, length)
            for onset, pitch, duration, velocity in zip(*_columns(prompt), strict=True)
            if onset >= first
        ]
        return excerpt.behind(NoteSequence.from_rows(rows, prompt.resolution)[0])


class Random:
    """Notes whose pitch, duration and distance from the note before are those of notes of the
    training set, each drawn on its own."""

    name = "random"

    def __init__(self, pieces: Iterable[NoteSequence]) -> None:
        pitch, duration, distance = list[NDArray[np.int64]](), [], []
        for notes in pieces:
            pitch.append(notes.pitch)
            duration.append(notes.duration / notes.resolution)
            distance.append(np.diff(notes.onset) / notes.resolution)
        self._pitch = np.concatenate(pitch)
        self._duration = np.concatenate(duration)
        self._distance = np.concatenate(distance)
        if not self._distance.any():
            raise ValueError("in the training pieces all notes begin together")

    def go_on(self, excerpt: Excerpt, seed: int) -> NoteSequence:
        rng, resolution = np.random.default_rng(seed), excerpt.prompt.resolution
        rows, tick = list[Note](), float(excerpt.begin)
        while tick < excerpt.begin + excerpt.bars * excerpt.bar:
            duration = max(1, round(float(rng.choice(self._duration)) * resolution))
            pitch = int(rng.choice(self._pitch))
            rows.append(Note(round(tick), pitch, duration, DEFAULT_VELOCITY))
            tick += float(rng.choice(self._distance)) * resolution
        return excerpt.behind(NoteSequence.from_rows(rows, resolution)[0])


def _columns(notes: NoteSequence) -> list[list[int]]:
    return [a.tolist() for a in (notes.onset, notes.pitch, notes.duration, notes.velocity)]
