"""Continue a piece: its tokens go in, new notes come out as they are decided.

Knows tokenizers, sampling and the notes of a piece; files and ensembles only those who call it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from .clock import Clock
from .notes import IntArray, Meter, Note, NoteSequence, Tempo
from .sampling import NextToken, Sampling, allowed, draw, probabilities
from .tokenizers import Said, Tokenizer
from .tokenizers.barlines import barlines

MAX_TOKENS, MAX_AT_ONCE = 20_000, 400
"""Tokens of a continuation, and of one instant of it; no chord on a piano needs so many."""


@dataclass(frozen=True)
class Extent:
    """How far to go on, by exactly one of: ``bars`` from the first bar line at or behind the end
    of the piece; ``seconds``; until the model ends with the probability ``until_silence``."""

    bars: int | None = None
    seconds: float | None = None
    until_silence: float | None = None

    def __post_init__(self) -> None:
        given = [
            value for value in (self.bars, self.seconds, self.until_silence) if value is not None
        ]
        if len(given) != 1:
            raise ValueError("give one of bars, seconds and until-silence")
        if self.bars is not None and not 1 <= self.bars <= 1000:
            raise ValueError(f"bars must lie in 1..1000, not {self.bars}")
        if self.seconds is not None and not 0 < self.seconds <= 3600:
            raise ValueError(f"seconds must be above 0 and at most 3600, not {self.seconds:g}")
        if self.until_silence is not None and not 0 < self.until_silence <= 1:
            raise ValueError(
                f"until-silence must be above 0 and at most 1, not {self.until_silence:g}"
            )


@dataclass(frozen=True)
class Prompt:
    """What a generator goes on from. ``tail`` is the part of the piece that it reads, from tick
    ``origin`` on; new notes begin at tick ``begin`` of the piece, and ``end``, None where that is
    not known, is the tick behind the last. ``warnings`` say what of the piece was not read."""

    tail: NoteSequence
    ids: IntArray
    origin: int
    begin: int
    end: int | None
    warnings: tuple[str, ...] = ()


class Generator:
    """Continues pieces with one model. ``context`` is the most tokens that it reads of a piece."""

    def __init__(
        self, name: str, tokenizer: Tokenizer[Any], model: NextToken, context: int
    ) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.context = context
        self._model = model

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, device: str | None = None, precision: str = "auto"
    ) -> Generator:
        """The shipped checkpoint of that name, or the one in that folder; where and how precisely
        it runs as ``token_checkpoints.predictor_for`` has it."""
        from .token_checkpoints import load_tokens

        checkpoint = load_tokens(name_or_path)
        card, model = checkpoint.card, checkpoint.predictor(device, precision)
        return cls(card.name, checkpoint.tokenizer, model, card.context)

    def warm_up(self) -> None:
        """Read a few lengths, and a token behind each: what is done only once is done then."""
        for count in (1, self.context // 2, self.context):
            _, state = self._model.read(np.zeros(count, np.int64))
            self._model.read(np.zeros(1, np.int64), state)

    def stream(
        self,
        notes: NoteSequence,
        extent: Extent,
        sampling: Sampling | None = None,
        seed: int = 0,
        style: str | None = None,
    ) -> Iterator[Note]:
        """The notes that go on from ``notes``, which may be none, each as soon as it is decided.

        In ticks of ``notes``; ValueError for what cannot be asked of this model.
        """
        prompt = self.prompt(notes, extent, style)
        said = self.said(prompt, extent, sampling or Sampling(), seed)
        return (each for each in said if isinstance(each, Note))

    def prompt(self, notes: NoteSequence, extent: Extent, style: str | None = None) -> Prompt:
        """What the model reads of ``notes``, and where the continuation begins and ends."""
        if extent.until_silence is not None and self.tokenizer.end is None:
            raise ValueError(
                f"{self.tokenizer.name} tokens have no end: give bars or seconds, not until-silence"
            )
        warnings = []
        refused = self.tokenizer.refusals(notes)
        if refused:
            some = next(iter(refused.values()))
            warnings.append(f"{len(refused)} notes were not read: {some}")
            kept = np.ones(len(notes), bool)
            kept[list(refused)] = False
        heard = notes.take(kept) if refused else notes
        if len(heard) == 0:
            warnings.append("there is nothing to go on from: the piece begins with new notes")
        begin = int(heard.offset.max(initial=0))
        origin, tail, ids = self._tail(heard, begin, style)
        if origin:
            left_out = int((heard.onset < origin).sum())
            warnings.append(
                f"the piece is longer than the {self.context} tokens that the model reads: its "
                f"first {left_out} notes were not read"
            )
        return Prompt(tail, ids, origin, begin, _end(notes, begin, extent), tuple(warnings))

    def said(self, prompt: Prompt, extent: Extent, sampling: Sampling, seed: int) -> Iterator[Said]:
        """Notes, tempos and meters behind ``prompt``, in ticks of the piece, as they are decided.

        The notes that a key still holds when the end is reached end there.
        """
        tokens, rng, filters = self.tokenizer, np.random.default_rng(seed), sampling.filters()
        grammar = tokens.start()
        for token in prompt.ids.tolist():
            grammar, _ = tokens.step(grammar, token)
        grammar = tokens.hold(grammar, self._own_tick(prompt, prompt.begin))
        last = None if prompt.end is None else self._own_tick(prompt, prompt.end)
        scores, state = self._model.read(np.array([*tokens.opening, *prompt.ids], dtype=np.int64))
        at_once = 0
        for _ in range(MAX_TOKENS):
            mask = tokens.legal(grammar)
            if tokens.end is not None and mask[tokens.end]:
                if extent.until_silence is not None:
                    chance = probabilities(allowed(mask)(scores))[tokens.end]
                    if chance >= extent.until_silence:
                        break
                mask[tokens.end] = False
            token = draw(scores, [allowed(mask), *filters], rng)
            before = grammar.time
            grammar, said = tokens.step(grammar, token)
            at_once = at_once + 1 if grammar.time == before else 0
            if at_once > MAX_AT_ONCE:
                raise ValueError(
                    f"{self.name} repeats itself at one instant: try a higher temperature"
                )
            yield from self._in_piece(prompt, said)
            if last is not None and grammar.time >= last:
                break
            scores, state = self._model.read(np.array([token]), state)
        yield from self._in_piece(prompt, tokens.finish(grammar))

    def _tail(
        self, notes: NoteSequence, begin: int, style: str | None
    ) -> tuple[int, NoteSequence, IntArray]:
        """The longest part of ``notes`` that begins with a bar and fits the context: its first
        tick, its notes from there, and their tokens."""

        def encoded(tick: int) -> IntArray:
            tail = _since(notes, tick)
            return self.tokenizer.encode(tail, self._grid(tail, begin - tick), style)

        last = int(notes.onset.max(initial=0))
        starts = [tick for tick, _ in takewhile(lambda bar: bar[0] <= last, barlines(notes))]
        first = 0
        if len(encoded(0)) > self.context:
            first = bisect_left(
                starts[:-1], True, lo=1, key=lambda tick: len(encoded(tick)) <= self.context
            )
        return starts[first], _since(notes, starts[first]), encoded(starts[first])

    def _grid(self, tail: NoteSequence, tick: int) -> int:
        """A tick of ``tail`` in ticks of the tokenizer."""
        if self.tokenizer.in_seconds:
            seconds = float(Clock(tail.tempos, tail.resolution).seconds(tick))
            return round(seconds * self.tokenizer.resolution)
        return round(tick * self.tokenizer.resolution / tail.resolution)

    def _own_tick(self, prompt: Prompt, tick: int) -> int:
        return self._grid(prompt.tail, tick - prompt.origin)

    def _in_piece(self, prompt: Prompt, said: tuple[Said, ...]) -> Iterator[Said]:
        """What of ``said`` belongs to the continuation, in ticks of the piece."""
        for each in said:
            if not isinstance(each, Note):
                tick = self._piece_tick(prompt, each.tick)
                if prompt.begin <= tick and (prompt.end is None or tick < prompt.end):
                    yield each._replace(tick=tick)
                continue
            onset = self._piece_tick(prompt, each.onset)
            end = self._piece_tick(prompt, each.onset + each.duration)
            if prompt.end is not None:
                end = min(end, prompt.end)
            if prompt.begin <= onset < end:
                yield each._replace(onset=onset, duration=end - onset)

    def _piece_tick(self, prompt: Prompt, tick: int) -> int:
        tail, resolution = prompt.tail, self.tokenizer.resolution
        if self.tokenizer.in_seconds:
            ticks = float(Clock(tail.tempos, tail.resolution).ticks(tick / resolution))
        else:
            ticks = tick * tail.resolution / resolution
        # Where the grids do not meet, nothing new comes before the old has ended.
        at = prompt.origin + round(ticks)
        return max(at, prompt.begin) if tick >= self._own_tick(prompt, prompt.begin) else at


def _since(notes: NoteSequence, tick: int) -> NoteSequence:
    """The notes from ``tick`` on, counted from there, under the meter and the tempo in force."""
    if tick == 0:
        return notes
    kept = notes.take(notes.onset >= tick)
    meters: dict[int, Meter] = {}
    for meter in sorted(notes.meters):
        at = max(0, meter.tick - tick)
        meters[at] = meter._replace(tick=at)
    tempos: dict[int, Tempo] = {}
    for tempo in sorted(notes.tempos):
        at = max(0, tempo.tick - tick)
        tempos[at] = tempo._replace(tick=at)
    return replace(
        kept,
        onset=kept.onset - tick,
        meters=tuple(meters.values()),
        tempos=tuple(tempos.values()),
    )


def _end(notes: NoteSequence, begin: int, extent: Extent) -> int | None:
    """The tick behind the last that may be said."""
    if extent.seconds is not None:
        clock = Clock(notes.tempos, notes.resolution)
        return round(float(clock.ticks(clock.seconds(begin) + extent.seconds)))
    if extent.bars is None:
        return None
    ahead = (tick for tick, _ in barlines(notes) if tick >= begin)
    return next(islice(ahead, extent.bars, None))
