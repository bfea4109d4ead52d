from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from arranger.files import read_bytes
from arranger.notes import Meter, NoteSequence
from arranger.tokenizers.folk import FolkTokens
from arranger.tokenizers.folk_grammar import LENGTHS
from arranger.tokenizers.folk_text import words

TOKENS = FolkTokens()

JIG = """X:1
T:A jig
M:6/8
L:1/8
R:jig
K:G
D|:"G"G2B {a}dBd|e>dc (3BcB A|~B2A [Bd]AF|1 AGE D2D:|2 G3 G2|]
"""


def sample(seed: int, length: int = 150) -> list[int]:
    """A tune of random legal words, with bar lines wherever they fit."""
    rng, state, ids = np.random.default_rng(seed), TOKENS.start(), list[int]()
    while len(ids) < length or not TOKENS.legal(state)[TOKENS.end]:
        mask = TOKENS.legal(state)
        mask[TOKENS.end] = False
        lines = np.flatnonzero(mask[TOKENS.vocabulary.slice("line")])
        if len(lines) and rng.random() < 0.8:
            ids.append(TOKENS.vocabulary.id("line", int(rng.choice(lines))))
        else:
            ids.append(int(rng.choice(np.flatnonzero(mask))))
        state, _ = TOKENS.step(state, ids[-1])
    return [*ids, TOKENS.end]


def test_a_tune_becomes_words_on_c() -> None:
    head = "<s> M:6/8 K:Cmaj"
    first = "G |: c 2 e g e g | a 3/2 g /2 f (3 e f e d"
    second = "| e 2 d e d B |1 d c A G 2 G :|2 c 3 c 2 |] </s>"
    assert " ".join(words(JIG)) == f"{head} {first} {second}"


def test_a_key_signature_and_accidentals_move_along() -> None:
    tune = "X:1\nM:2/4\nL:1/8\nK:Em\n^c=fDd|_BFFF|]"
    moved = " ".join(words(tune)).replace("<s> M:2/4 K:Cmin ", "")
    assert moved == "=A _d B, B | _G D D D |] </s>"


def test_the_words_sound_as_the_tune_does() -> None:
    tune = "X:1\nM:2/4\nL:1/8\nK:D\nA/B/c|d2 f>e|(3dcB A2|^GEz2|d2||\n"
    decoded = TOKENS.decode(TOKENS.encode_words(words(tune)))
    read = read_bytes(tune.encode(), ".abc", "tune").notes.on_grid(24)[0]
    assert (decoded.onset - decoded.onset[0]).tolist() == (read.onset - read.onset[0]).tolist()
    assert decoded.duration.tolist() == read.duration.tolist()
    assert set((read.pitch - decoded.pitch).tolist()) == {2}


@pytest.mark.parametrize("seed", range(4))
def test_a_sampled_tune_is_abc_that_says_the_same(seed: int) -> None:
    ids = sample(seed)
    read = read_bytes(TOKENS.text(ids).encode(), ".abc", "tune").notes.on_grid(24)[0]
    decoded = TOKENS.decode(ids)
    for name in ("onset", "pitch", "duration"):
        assert getattr(read, name).tolist() == getattr(decoded, name).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_bars_of_a_sampled_tune_are_full_but_for_upbeats(seed: int) -> None:
    spoken = [TOKENS.words[token] for token in sample(seed)]
    full = 48 * 2 * Fraction(spoken[1][2:])
    bars, length, triplet = list[tuple[Fraction, str]](), Fraction(0), 0
    for word, upcoming in zip(spoken[3:], [*spoken[4:], ""], strict=True):
        if word == "(3":
            triplet = 3
        elif re.fullmatch(r"[_=^]?[A-Ga-gz][,']*", word):
            ticks = Fraction(LENGTHS.get(upcoming, 12))
            length += ticks * Fraction(2, 3) if triplet else ticks
            triplet -= triplet > 0
        elif not word[0].isdigit() and word[0] != "/":
            bars.append((length, word))
            length = Fraction(0)
    short = [(i, bar) for i, (bar, _) in enumerate(bars) if 0 < bar < full]
    assert all(bar <= full for bar, _ in bars)
    for i, _ in short:
        begins = i == 0 or bars[i - 1][1] not in {"|", "|1"}
        ends = bars[i][1] not in {"|", "|1"}
        assert begins or ends, f"bar {i} is short within a strain"


def test_a_melody_is_written_bar_by_bar() -> None:
    rows = [(0, 60, 24, 64), (24, 66, 12, 64), (36, 66, 80, 64), (120, 65, 9, 64)]
    notes = NoteSequence.from_rows(rows, 24, [Meter(0, 3, 4)])[0]
    ids = TOKENS.encode(notes)
    assert TOKENS.text(ids).splitlines()[-1] == "C2^F^F3 | z4F3/4"
    assert TOKENS.decode(ids).onset.tolist() == [0, 24, 36, 120]


def test_an_upbeat_is_a_bar_of_its_own() -> None:
    rows = [(0, 60, 40, 64), (24, 64, 96, 64), (120, 67, 24, 64)]
    notes = NoteSequence.from_rows(rows, 24, [Meter(0, 1, 4), Meter(24, 4, 4)])[0]
    ids = TOKENS.encode(notes)
    assert TOKENS.text(ids).splitlines()[1:] == ["L:1/8", "M:4/4", "K:Cmaj", "C2 | E8 | G2"]
    assert TOKENS.decode(ids).onset.tolist() == [0, 24, 120]


@pytest.mark.parametrize("upbeat", [1, 8, 31, 96, 200])
def test_an_upbeat_of_any_length_can_be_said(upbeat: int) -> None:
    rows = [(tick, 60, 10, 64) for tick in range(0, 400, 10)]
    notes = NoteSequence.from_rows(rows, 24, [Meter(0, 7, 16), Meter(upbeat, 4, 4)])[0]
    assert len(TOKENS.fit(notes)) >= 30


def test_a_style_gives_meter_and_mode() -> None:
    empty = NoteSequence.from_rows([], 24)[0]
    assert [TOKENS.words[i] for i in TOKENS.encode(empty, style="6/8 dor")] == [
        *("<s>", "M:6/8", "K:Cdor"),
    ]
    with pytest.raises(ValueError, match="expected a meter"):
        TOKENS.encode(empty, style="11/8 dor")


@pytest.mark.parametrize(
    ("tune", "sentence"),
    [
        ("X:1\nM:5/4\nK:C\nC|]", "the meter 5/4 is not one of"),
        ("X:1\nM:4/4\nK:HP\nC|]", "the key 'HP' is not a tonic"),
        ("X:1\nM:4/4\nL:1/8\nK:C\n(5CDEFG|]", r"the tuplet \(5 is not a triplet"),
        ("X:1\nM:4/4\nL:1/8\nK:C\nC8|\nK:D\nC8|]", "the tune changes within: K:D"),
        ("X:1\nM:4/4\nL:1/8\nK:C\nC11|]", "a note of 11 eighths has no name"),
        ("X:1\nM:4/4\nL:1/8\nK:C\nC/0|]", "divides by nothing"),
        ("X:1\nM:4/4\nL:nine\nK:C\nC|]", "the unit of length 'nine'"),
        ("X:1\nM:4/4\nL:1/8\nK:C\n>C|]", "> stands behind no note"),
        ("X:1\nM:4/4\nL:1/8\nK:C\nC @|]", "is not read"),
        ("X:1\nM:4/4\nL:1/8\nK:C\nC|::||:|]", "the bar line .* is not read"),
        ("X:1\nM:4/4\nL:1/8\nK:C\nc''''|]", "outside the four octaves"),
        ("X:1\nM:4/4\nL:1/8\nK:C\n^^C|]", "two accidentals"),
        ("X:1\nK:C\nC|]", "the meter of no name"),
    ],
)
def test_what_the_words_cannot_say_is_refused_in_a_sentence(tune: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        list(words(tune))


def test_a_tune_with_a_short_bar_within_is_refused() -> None:
    with pytest.raises(ValueError, match=r"token 11 \(line 0\) may not follow"):
        TOKENS.encode_words(words("X:1\nM:2/4\nL:1/8\nK:C\nCDEF|CDE|CDEF|]"))
    with pytest.raises(ValueError, match="'H' is not a word"):
        TOKENS.encode_words(["H"])
