from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from arranger.notes import NoteSequence
from arranger.tokenizers import tokenizer
from arranger.tokenizers.grid import REST, GridTokens
from evaluation.generation.pieces import ChoralePiece, ScorePiece, load_token_pieces

TOKENS = GridTokens()


def columns(notes: NoteSequence) -> list[tuple[int, int, int]]:
    arrays = (notes.onset, notes.pitch, notes.duration)
    return list(zip(*(array.tolist() for array in arrays), strict=True))


def test_voices_take_turns_from_the_highest_down() -> None:
    soprano, alto, tenor, bass = (1 + 47 * n for n in range(4))
    ids = TOKENS.encode_voices([[67, 60, REST, 36]])
    assert ids.tolist() == [soprano + 32, alto + 25, tenor, bass + 1]


def test_a_pitch_that_sounds_on_is_one_note_whoever_sings_it() -> None:
    ids = TOKENS.encode_voices([[60, 55, REST, REST], [60, 55, REST, 48], [62, 60, REST, 48]])
    assert columns(TOKENS.decode(ids)) == [(0, 55, 2), (0, 60, 3), (1, 48, 2), (2, 62, 1)]


def test_two_voices_may_sing_one_pitch() -> None:
    ids = TOKENS.encode_voices([[60, 60, REST, REST], [60, REST, REST, REST]])
    assert columns(TOKENS.decode(ids)) == [(0, 60, 1), (0, 60, 2)]


def test_of_five_pitches_the_highest_three_and_the_lowest_are_kept() -> None:
    rows = [(0, pitch, 1, 64) for pitch in (40, 50, 55, 60, 65)]
    fitted = TOKENS.fit(NoteSequence.from_rows(rows, 4)[0])
    assert fitted.pitch.tolist() == [40, 55, 60, 65]


def test_while_no_note_may_begin_only_what_sounds_may_go_on() -> None:
    state = TOKENS.start()
    for token in TOKENS.encode_voices([[60, 55, REST, REST]]):
        state, _ = TOKENS.step(state, int(token))
    legal = np.flatnonzero(TOKENS.legal(TOKENS.hold(state, 2))).tolist()
    assert legal == [TOKENS.end, 1, 1 + 55 - 35, 1 + 60 - 35]
    state, _ = TOKENS.step(TOKENS.hold(state, 2), 26)
    assert np.flatnonzero(TOKENS.legal(state)).tolist() == [48, 48 + 20]


def test_a_pitch_that_no_voice_has_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"the alto's pitch 99 lies outside 36\.\.81"):
        TOKENS.encode_voices([[60, 99, 50, 40]])


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    chorale = [[72, 60, 55, 48]] * 16 + [[74, REST, 55, 43]] * 16
    document = {"train": [chorale, chorale[:20]], "valid": [chorale], "test": [chorale]}
    (tmp_path / "Jsb16thSeparated.json").write_text(json.dumps(document))
    return tmp_path


def test_the_jsb_chorales_are_read_voice_by_voice(corpus: Path) -> None:
    long, short = load_token_pieces(corpus, "train", TOKENS)
    assert isinstance(long, ChoralePiece)
    ids = long.ids(TOKENS)
    assert len(ids) == 4 * 32 + 2 and ids[0] == ids[-1] == TOKENS.end
    assert len(short.ids(TOKENS)) == 4 * 20 + 2
    assert long.seconds == 4 and len(long.notes) == 6
    up = long.ids(TOKENS, 3)
    assert sorted(set((up - ids).tolist())) == [0, 3]


def test_a_chorale_is_transposed_as_far_as_every_voice_can_sing(corpus: Path) -> None:
    piece = load_token_pieces(corpus, "valid", TOKENS)[0]
    assert piece.room(TOKENS, (-12, 12)) == range(-7, 8)
    assert piece.room(TOKENS, (-3, 2)) == range(-3, 3)


def test_other_tokens_see_the_chorales_as_notes(corpus: Path) -> None:
    pieces = load_token_pieces(corpus, "test", tokenizer("bar"))
    assert [type(piece) for piece in pieces] == [ScorePiece]


def test_a_file_of_something_else_is_refused_in_a_sentence(corpus: Path) -> None:
    (corpus / "Jsb16thSeparated.json").write_text('{"train": [[[60, 60]]]}')
    for split in ("train", "valid"):
        with pytest.raises(ValueError, match="cannot be read as chorales"):
            load_token_pieces(corpus, split, TOKENS)
