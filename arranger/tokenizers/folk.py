"""ABC tokens: folk tunes as folk-rnn writes them (Sturm et al. 2016).

``<s>``, a meter, a mode on C, then notes, rests, lengths in 8ths, triplets and bar lines, up to
``</s>``. Beyond folk-rnn's own, the grammar counts the length of bars (``folk_grammar``). Knows
words, ids and notes; ``folk_text`` turns ABC files into words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..notes import IntArray, Meter, NoteSequence
from .folk_grammar import (
    LENGTHS,
    LINES,
    SMALLEST,
    TRIPLET,
    UNIT,
    FolkState,
    Pending,
    closed,
    may_close,
    may_last,
    scaled,
    settled,
)
from .tokenizer import Mask, Said, Tokenizer
from .vocabulary import Vocabulary

METERS = ("2/4", "3/4", "4/4", "6/8", "9/8", "12/8", "3/8", "6/4", "3/2")
MODES = {"maj": 0, "min": -3, "dor": -2, "mix": -1, "lyd": 1, "phr": -4}
"""The sharps (flats below 0) of each mode on C."""

ACCIDENTALS = {"": 0, "^": 1, "_": -1, "=": 0}
LETTERS = "CDEFGAB"
STEPS: tuple[str, ...] = (
    *(letter + "," for letter in LETTERS),
    *LETTERS,
    *LETTERS.lower(),
    *(letter + "'" for letter in LETTERS.lower()),
)
_SCALE = (0, 2, 4, 5, 7, 9, 11)


def key_signature(fifths: int) -> tuple[int, ...]:
    """The alteration of each letter from C to B under so many sharps, or flats below 0."""
    return tuple((fifths + 6 - "FCGDAEB".index(letter)) // 7 for letter in LETTERS)


class FolkTokens(Tokenizer[FolkState]):
    """Keeps a melody: the highest note at each 32nd, cut where the next begins, at a bar line or
    at the longest length there is; the first meter that is one of ``METERS``. What stands before
    it is an upbeat, if it is shorter than a bar.

    ``encode`` writes in C major with accidentals unless a style, such as ``6/8 dor``, says the
    meter and the mode; ``encode_words`` takes a tune's own.
    """

    name = "folk"
    resolution = 24
    pitches = range(48, 96)

    def __init__(self) -> None:
        groups = {
            "special": ["<s>", "</s>"],
            "meter": [f"M:{meter}" for meter in METERS],
            "mode": [f"K:C{mode}" for mode in MODES],
            "note": [accidental + step for accidental in ACCIDENTALS for step in STEPS],
            "rest": ["z"],
            "length": list(LENGTHS),
            "triplet": ["(3"],
            "line": list(LINES),
        }
        self.vocabulary = Vocabulary((name, len(words)) for name, words in groups.items())
        self.words = [word for words in groups.values() for word in words]
        self._ids = {word: i for i, word in enumerate(self.words)}
        self.end = self._ids["</s>"]

    def fit(self, notes: NoteSequence) -> NoteSequence:
        return self.decode(self.encode(notes))

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        grid = self.on_own_grid(notes)
        writer = _Writer(self, self._head(grid, style))
        writer.begin(_meter(grid).tick)
        for onset, pitch, duration in _melody(grid):
            writer.rest(onset)
            writer.note(pitch, duration)
        writer.rest(-(-until // SMALLEST) * SMALLEST)
        return np.array([self._ids[word] for word in writer.words], dtype=np.int64)

    def encode_words(self, words: Iterable[str]) -> IntArray:
        """The ids of a tune's words; ValueError where they break the grammar."""
        ids = []
        for word in words:
            if word not in self._ids:
                raise ValueError(f"{word!r} is not a word of folk tokens")
            ids.append(self._ids[word])
        self.decode(ids)
        return np.array(ids, dtype=np.int64)

    def text(self, ids: Iterable[int]) -> str:
        """The tune as ABC; accidentals stand before each note, as not every reader carries them
        through the bar."""
        head, body, state = ["X:1", "L:1/8"], "", self.start()
        for token in map(int, ids):
            kind, word = self.vocabulary.kind(token)[0], self.words[token]
            state, _ = self.step(state, token)
            if kind in {"meter", "mode"}:
                head.append(word)
            elif kind == "note":
                name = word.lstrip("^_=")
                alteration = dict(state.altered).get(LETTERS.index(name[0].upper()))
                body += {None: "", 1: "^", 0: "=", -1: "_"}[alteration] + name
            elif kind == "line":
                body += f" {word} "
            elif kind != "special":
                body += word
        return "\n".join([*head, body.strip()]) + "\n"

    def start(self) -> FolkState:
        return FolkState()

    def say(self, state: FolkState, word: str) -> FolkState:
        """The state after ``word``."""
        return self.step(state, self._ids[word])[0]

    def step(self, state: FolkState, token: int) -> tuple[FolkState, tuple[Said, ...]]:
        kind, _ = self.vocabulary.kind(token)
        word = self.words[token]
        if kind == "length":
            return settled(state, scaled(state, LENGTHS[word]), kind)
        state, said = settled(state, state.unit, kind)
        if kind == "meter":
            numerator, denominator = map(int, word[2:].split("/"))
            full = 4 * self.resolution * numerator // denominator
            return replace(state, full=full), (Meter(0, numerator, denominator),)
        if kind == "mode":
            return replace(state, key=key_signature(MODES[word[3:]])), said
        if kind == "note":
            pitch, altered = sounding(state, word)
            pending = Pending(state.time, pitch)
            return replace(state, pending=pending, altered=altered), said
        if kind == "rest":
            return replace(state, pending=Pending(state.time, -1)), said
        if kind == "triplet":
            return replace(state, triplet=TRIPLET), said
        if kind == "line":
            return closed(state, word), said
        return state, said

    def finish(self, state: FolkState) -> tuple[Said, ...]:
        return settled(state, state.unit, "none")[1]

    def legal(self, state: FolkState) -> Mask:
        mask, v = np.zeros(self.size, bool), self.vocabulary
        if not state.key:
            expected = {"none": "special", "special": "meter", "meter": "mode"}[state.last]
            mask[v.slice(expected, 0, 1 if expected == "special" else None)] = True
            return mask
        mask[v.slice("length")] = [may_last(state, ticks) for ticks in LENGTHS.values()]
        if state.pending and not may_last(state, UNIT):
            return mask
        state, _ = settled(state, state.unit, state.last)
        may_sound = state.room >= SMALLEST
        mask[v.slice("rest")] = may_sound
        mask[v.slice("note")] = may_sound and state.time >= state.earliest
        if not state.triplet:
            mask[v.slice("triplet")] = state.room >= UNIT
            mask[v.slice("line")] = [may_close(state, line) for line in LINES]
            mask[self.end] = state.final and state.place == 0
        return mask

    def _head(self, notes: NoteSequence, style: str | None) -> list[str]:
        words = style.split() if style is not None else []
        if style is not None and not (len(words) == 2 and words[0] in METERS and words[1] in MODES):
            raise ValueError(
                f"style {style!r} is unknown: expected a meter ({', '.join(METERS)}) and a mode "
                f"({', '.join(MODES)}), such as '6/8 dor'"
            )
        if not words and not len(notes):
            return ["<s>"]
        if not words:
            words = [_named(_meter(notes)), "maj"]
            if words[0] not in METERS:
                raise ValueError(f"the meter {words[0]} is not one of {', '.join(METERS)}")
        return ["<s>", f"M:{words[0]}", f"K:C{words[1]}"]


class _Writer:
    """Writes notes and rests word by word, with bar lines where bars are full."""

    def __init__(self, tokens: FolkTokens, head: Iterable[str]) -> None:
        self.words: list[str] = []
        self._tokens = tokens
        self._state = tokens.start()
        self._now = 0
        self._upbeat = 0
        for word in head:
            self._say(word)

    def begin(self, tick: int) -> None:
        """The first whole bar begins at ``tick``, if there is that much of an upbeat."""
        tick = round(tick / SMALLEST) * SMALLEST
        self._upbeat = tick if tick < self._state.full else 0

    def rest(self, until: int) -> None:
        """Rests up to tick ``until``."""
        while self._now < until:
            self._put("z", min(until - self._now, self._room))

    def note(self, pitch: int, duration: int) -> None:
        """A note, as long as its bar allows."""
        word = next(
            accidental + step
            for accidental in ACCIDENTALS
            for step in STEPS
            if sounding(self._state, accidental + step)[0] == pitch
        )
        self._put(word, min(duration, self._room))

    @property
    def _room(self) -> int:
        """The ticks up to the next bar line."""
        upbeat = self._upbeat - self._now
        return min(upbeat, self._state.room) if upbeat > 0 else self._state.room

    def _put(self, word: str, at_most: int) -> None:
        """``word`` with the longest length up to ``at_most`` ticks that has a name."""
        names = {"": UNIT, **LENGTHS}
        length = max((name for name in names if names[name] <= at_most), key=names.__getitem__)
        self._say(word)
        if length:
            self._say(length)
        self._now += names[length]
        if self._state.room == 0 or self._now == self._upbeat:
            self._say("|")

    def _say(self, word: str) -> None:
        self.words.append(word)
        self._state = self._tokens.say(self._state, word)


def sounding(state: FolkState, word: str) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The pitch of a written note, and the accidentals of the bar with its own.

    An accidental is valid for its letter, in every octave, up to the next bar line (ABC 2.1).
    """
    name = word.lstrip("^_=")
    accidental = word[: len(word) - len(name)]
    octave, letter = divmod(STEPS.index(name), len(LETTERS))
    altered = dict(state.altered)
    if accidental:
        altered[letter] = ACCIDENTALS[accidental]
    alteration = altered.get(letter, state.key[letter])
    return 48 + 12 * octave + _SCALE[letter] + alteration, tuple(altered.items())


def _named(meter: Meter) -> str:
    return f"{meter.numerator}/{meter.denominator}"


def _meter(notes: NoteSequence) -> Meter:
    """The first meter that has a word, else the first."""
    meters = sorted(notes.meters) or [Meter(0, 4, 4)]
    return next((meter for meter in meters if _named(meter) in METERS), meters[0])


def _melody(notes: NoteSequence) -> list[tuple[int, int, int]]:
    """Onset, pitch and duration of the highest note at each 32nd, cut where the next begins."""
    highest: dict[int, tuple[int, int]] = {}
    onset = np.rint(notes.onset / SMALLEST).astype(int) * SMALLEST
    offset = np.rint(notes.offset / SMALLEST).astype(int) * SMALLEST
    for begin, end, pitch in zip(
        onset.tolist(), offset.tolist(), notes.pitch.tolist(), strict=True
    ):
        highest[begin] = max(highest.get(begin, (-1, 0)), (pitch, end - begin))
    upcoming = None
    melody = []
    for begin in sorted(highest, reverse=True):
        pitch, duration = highest[begin]
        duration = max(SMALLEST, duration)
        melody.append((begin, pitch, min(duration, (upcoming or begin + duration) - begin)))
        upcoming = begin
    return melody[::-1]
