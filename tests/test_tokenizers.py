from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arranger.notes import Meter, Note, NoteSequence, Tempo
from arranger.tokenizers import TOKENIZERS, Tokenizer, tokenizer
from arranger.tokenizers.metrical import METERS
from arranger.tokenizers.tokenizer import Said

WORDS = ["C4.E4.G4", "D4.F4"]
OPTIONS: dict[str, dict[str, Any]] = {
    "chord": {"words": WORDS},
    "metrical": {"styles": ["waltz", "march"]},
}
SIZES = {
    "bar": 153,
    "performance": 413,
    "performance-388": 388,
    "chord": 90,
    "folk": 155,
    "grid": 189,
    "structured": 253,
    "tsd": 252,
    "midi-like": 276,
}
NAMES = sorted(TOKENIZERS)
QUICK = settings(max_examples=25, deadline=None)


def make(name: str) -> Tokenizer[Any]:
    return tokenizer(name, **OPTIONS.get(name, {}))


def columns(notes: NoteSequence) -> list[tuple[int, ...]]:
    arrays = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    return list(zip(*(array.tolist() for array in arrays), strict=True))


def piece(*rows: tuple[int, int, int, int], resolution: int = 24, **more: Any) -> NoteSequence:
    return NoteSequence.from_rows(rows, resolution, **more)[0]


@st.composite
def pieces(draw: st.DrawFn, low: int = 48, high: int = 95) -> NoteSequence:
    """Up to a dozen notes, off every grid, under a meter and a tempo that change."""
    rows = st.tuples(
        st.integers(0, 4000), st.integers(low, high), st.integers(0, 900), st.integers(1, 127)
    )
    meters = [Meter(0, *draw(st.sampled_from(METERS[-8:])))]
    if draw(st.booleans()):
        meters.append(Meter(draw(st.integers(1, 3000)), *draw(st.sampled_from(METERS))))
    tempos = st.builds(Tempo, st.integers(0, 3000), st.floats(20, 300))
    return NoteSequence.from_rows(
        draw(st.lists(rows, max_size=12)),
        draw(st.sampled_from([24, 96, 480])),
        meters,
        draw(st.lists(tempos, max_size=2, unique_by=lambda tempo: tempo.tick)),
    )[0]


def melodies() -> st.SearchStrategy[NoteSequence]:
    """Pieces in a meter that folk tunes have."""
    return pieces().map(
        lambda notes: NoteSequence(
            notes.onset, notes.pitch, notes.duration, notes.velocity, notes.resolution
        )
    )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@QUICK
def test_what_is_kept_survives_the_round_trip(name: str, data: st.DataObject) -> None:
    tokens = make(name)
    notes = data.draw({"folk": melodies(), "grid": pieces(high=81)}.get(name, pieces()))
    fitted = tokens.fit(notes)
    decoded = tokens.decode(tokens.encode(notes))
    assert columns(decoded) == columns(fitted)
    assert columns(tokens.fit(fitted)) == columns(fitted), "what is kept is kept again"
    if name == "metrical":
        assert (decoded.meters, decoded.tempos) == (fitted.meters, fitted.tempos)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
@QUICK
def test_every_sampled_prefix_is_legal_and_can_be_decoded(name: str, seed: int) -> None:
    tokens, rng = make(name), np.random.default_rng(seed)
    state, ids = tokens.start(), []
    for _ in range(60):
        mask = tokens.legal(state)
        assert mask.shape == (tokens.size,) and mask.any()
        if tokens.end is not None:
            mask[tokens.end] = False
            assert mask.any(), "a piece need not end"
        token = int(rng.choice(np.flatnonzero(mask)))
        before = state.time
        state, _ = tokens.step(state, token)
        assert state.time >= before
        ids.append(token)
    notes = tokens.decode(ids)
    if name not in {"structured", "chord", "folk"}:  # these say no more than fit can say again
        again = tokens.decode(tokens.encode(notes))
        assert columns(tokens.fit(again)) == columns(again)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000), wait=st.integers(0, 80))
@example(seed=3053, wait=0)
@QUICK
def test_nothing_begins_before_the_tick_that_is_held(name: str, seed: int, wait: int) -> None:
    tokens, rng = make(name), np.random.default_rng(seed)
    notes = piece((0, 60, 24, 64), (24, 64, 24, 64))
    state = tokens.start()
    fitted = tokens.fit(notes)
    begin = int(fitted.offset.max()) + wait
    for token in tokens.encode(notes, begin):
        state, _ = tokens.step(state, int(token))
    sounding = begun(tokens.finish(state))
    said: list[Said] = []
    state = tokens.hold(state, begin)
    for _ in range(50):
        mask = tokens.legal(state)
        if tokens.end is not None:
            mask[tokens.end] = False
        state, more = tokens.step(state, int(rng.choice(np.flatnonzero(mask))))
        said += more
    said += tokens.finish(state)
    assert {one for one in begun(said) if one[0] < begin} <= sounding  # a grid may hold them on


def begun(said: Iterable[Said]) -> set[tuple[int, int]]:
    """Onset and pitch of the notes that have been said."""
    return {(one.onset, one.pitch) for one in said if isinstance(one, Note)}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_the_vocabulary_has_the_published_size(name: str) -> None:
    assert make(name).size == SIZES[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_without_notes_is_said_and_read(name: str) -> None:
    tokens = make(name)
    assert len(tokens.decode(tokens.encode(piece()))) == 0


@pytest.mark.parametrize(
    "name", sorted(set(NAMES) - {"performance", "performance-388", "metrical"})
)
def test_a_pitch_out_of_range_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"pitch 12 at quarter 2 lies outside \d+\.\.\d+"):
        make(name).encode(piece((48, 12, 24, 64)))


@pytest.mark.parametrize("name", NAMES)
def test_an_endless_note_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="pitch 60 at quarter 0 lasts longer than 256 quarters"):
        make(name).encode(piece((0, 60, 10_000_000, 64)))


@pytest.mark.parametrize("name", NAMES)
def test_a_note_lost_in_time_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="more than 20,000 quarters into the piece"):
        make(name).encode(piece((10_000_000, 60, 24, 64)))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"chord"}))
def test_tokens_out_of_order_are_refused(name: str) -> None:
    tokens = make(name)
    illegal = int(np.flatnonzero(~tokens.legal(tokens.start()))[0])
    with pytest.raises(ValueError, match=r"token 0 \(.*\) may not follow"):
        tokens.decode([illegal])
    with pytest.raises(ValueError, match=f"token {tokens.size} is not one of"):
        tokens.decode([tokens.size])


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_style_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="'polka'"):
        make(name).encode(piece(), style="polka")


def test_an_unknown_tokenizer_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="no tokenizer 'nope'; known are bar"):
        tokenizer("nope")
    with pytest.raises(ValueError, match="does not take all of: styles"):
        tokenizer("bar", styles=["waltz"])


def test_bar_tokens_are_those_of_the_scheme() -> None:
    notes = piece((0, 60, 4, 64), (0, 64, 40, 64), (16, 62, 1, 64), (18, 21, 2, 64), resolution=4)
    bar, offset, pitch, duration = 0, 1, 33 - 21, 121 - 1
    ids = [offset, pitch + 60, duration + 4, offset, pitch + 64, duration + 32]
    ids += [offset + 16, bar, offset, pitch + 62, duration + 1]
    ids += [offset + 2, pitch + 21, duration + 2, offset + 16, bar, offset, pitch + 64]
    assert make("bar").encode(notes).tolist() == [*ids, duration + 8]


def test_bar_tokens_split_long_bars_and_drop_short_notes() -> None:
    notes = piece((0, 60, 0, 64), (35, 61, 4, 64), resolution=4, meters=[Meter(0, 12, 4)])
    assert make("bar").encode(notes).tolist() == [1 + 31, 0, 1 + 4, 33 + 40, 120 + 4]


def test_performance_events_count_in_seconds() -> None:
    tokens = make("performance")
    notes = piece((0, 60, 24, 100), (24, 64, 36, 100), tempos=[Tempo(0, 60.0)])
    on, off, shift, velocity = 0, 128, 255, 381
    assert tokens.encode(notes).tolist() == [
        *(velocity + 25, on + 60, shift + 125, off + 60, on + 64),
        *(shift + 125, shift + 62, off + 64),
    ]
    assert columns(tokens.decode(tokens.encode(notes))) == [(0, 60, 125, 102), (125, 64, 187, 102)]


def test_performance_notes_end_where_their_key_is_struck_again() -> None:
    notes = piece((0, 60, 48, 100), (24, 60, 24, 100), tempos=[Tempo(0, 60.0)])
    fitted = make("performance").fit(notes)
    assert columns(fitted) == [(0, 60, 125, 102), (125, 60, 125, 102)]


MIDITOK = piece(
    (0, 60, 8, 64), (0, 64, 8, 64), (4, 67, 40, 90), (8, 59, 1, 30), (100, 62, 3, 127),
    (300, 65, 120, 1), resolution=8,
)  # fmt: skip
"""Told to MidiTok 3.1.0, it gives the ids below."""


MIDITOK_IDS = {
    "structured": """188 43 107 131 188 47 107 131 192 50 114 159 192 42 99 124 250 45 123 126
        252 48 92 187""",
    "tsd": """43 107 131 47 107 131 191 50 114 159 191 42 99 124 249 45 123 126 251 251 195 48
        92 187""",
    "midi-like": """43 195 47 195 215 50 202 215 131 135 42 187 212 130 244 212 138 255 45 211
        214 133 275 275 216 48 180 275 235 136""",
}


@pytest.mark.parametrize(("name", "ids"), MIDITOK_IDS.items())
def test_the_ids_are_those_of_miditok(name: str, ids: str) -> None:
    assert make(name).encode(MIDITOK).tolist() == [int(token) for token in ids.split()]


def test_chord_tokens_keep_the_pitches_of_known_chords() -> None:
    tokens = make("chord")
    notes = piece((0, 67, 24, 64), (0, 60, 24, 64), (0, 64, 9, 64), (30, 65, 9, 64))
    assert columns(tokens.decode(tokens.encode(notes))) == [
        *((0, 60, 1, 64), (0, 64, 1, 64), (0, 67, 1, 64)),
        (1, 65, 1, 64),
    ]


def test_of_an_unknown_chord_the_highest_note_is_kept() -> None:
    assert columns(make("chord").fit(piece((0, 60, 24, 64), (0, 61, 24, 64)))) == [(0, 61, 1, 64)]


def test_chords_are_learnt_from_pieces() -> None:
    three = piece((0, 67, 24, 64), (0, 60, 24, 64), (0, 64, 9, 64), (30, 65, 9, 64))
    learn = TOKENIZERS["chord"].learn  # type: ignore[attr-defined]
    assert learn([three, three]) == ["C4.E4.G4"]
    assert learn([three], at_least=2) == []
    with pytest.raises(ValueError, match="'X9' is not a chord"):
        tokenizer("chord", words=["X9"])


def test_metrical_tokens_keep_meter_tempo_and_velocity() -> None:
    tokens = make("metrical")
    notes = piece(
        *((0, 60, 72, 20), (72, 64, 24, 100), (84, 62, 8, 100), (112, 20, 8, 100)),
        meters=[Meter(0, 3, 4)],
        tempos=[Tempo(0, 60.0), Tempo(72, 90.5)],
    )
    decoded = tokens.decode(tokens.encode(notes, style="march"))
    assert decoded.meters == (Meter(0, 3, 4),)
    assert decoded.tempos == (Tempo(0, 60), Tempo(36, 91))
    assert columns(decoded) == [
        *((0, 60, 36, 20), (36, 64, 12, 100), (42, 62, 4, 100), (56, 20, 4, 100)),
    ]


def test_metrical_tokens_cut_bars_of_a_meter_without_a_token() -> None:
    tokens = make("metrical")
    notes = piece((0, 60, 24, 64), (11 * 12 + 6, 64, 24, 64), meters=[Meter(0, 11, 8)])
    decoded = tokens.decode(tokens.encode(notes))
    assert columns(decoded)[1][0] == (11 * 12 + 6) // 2
    lengths = [12 * 4 * meter.numerator / meter.denominator for meter in decoded.meters]
    assert decoded.meters[1].tick == lengths[0]
