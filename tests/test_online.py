from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arranger.features import PartMemory, describe
from arranger.hints import Hints
from arranger.notes import NoteSequence
from arranger.online import LiveArranger, Session
from arranger.performance import as_played, as_written
from tests.models import RECALLS, tiny_checkpoint
from tests.music import CHORALE, four_voices

LIVE = [("note", "lstm", "memory"), ("note", "transformer", "linear"), ("chord", "lstm", "memory")]


@pytest.mark.parametrize("kind", LIVE)
def test_cutting_the_future_changes_no_label_already_given(kind: tuple[str, str, str]) -> None:
    arranger = LiveArranger(tiny_checkpoint(*kind))
    notes, _ = four_voices(10)
    whole = arranger.label(notes, Hints()).parts
    for tick in np.unique(notes.onset).tolist():
        cut = notes.take(notes.onset <= tick)
        assert (arranger.label(cut, Hints()).parts == whole[: len(cut)]).all()


@pytest.mark.parametrize("kind", LIVE)
def test_the_length_of_notes_still_held_changes_no_label(kind: tuple[str, str, str]) -> None:
    arranger = LiveArranger(tiny_checkpoint(*kind))
    notes, _ = four_voices(10)
    whole = arranger.label(notes, Hints()).parts
    for tick in np.unique(notes.onset).tolist():
        longer = replace(
            notes, duration=np.where(notes.offset > tick, notes.duration + 31, notes.duration)
        )
        given = notes.onset <= tick
        assert (arranger.label(longer, Hints()).parts[given] == whole[given]).all()


def test_within_a_chord_only_a_chord_model_knows_the_notes_above() -> None:
    notes, _ = four_voices(6)
    without_top = notes.take(np.append(np.diff(notes.onset) == 0, False) | (notes.onset > 0))
    first = np.flatnonzero(notes.onset == 0)[0]
    for view, differs in (("note", False), ("chord", True)):
        arranger = LiveArranger(tiny_checkpoint(view))
        told, said = (arranger.label(n, Hints()).confidence[first] for n in (notes, without_top))
        assert (told != said) is np.bool_(differs)


@pytest.mark.parametrize("kind", LIVE)
def test_a_session_scores_as_the_whole_piece_does(kind: tuple[str, str, str]) -> None:
    checkpoint = tiny_checkpoint(*kind)
    engine = checkpoint.engine()
    notes, _ = four_voices(10)
    table = describe(notes, Hints(), checkpoint.config.spec)
    heard = engine.hear(table.codes[None], table.values[None])[0]
    live = LiveArranger(checkpoint, width=1).label(notes, Hints())
    memory = PartMemory(1, 4, RECALLS)
    for n in range(len(notes)):
        pitch, onset, velocity = int(table.pitch[n]), float(table.onset[n]), int(table.velocity[n])
        likely = engine.log_probabilities(heard[n][None], memory, pitch, onset, velocity)
        assert live.confidence[n] == pytest.approx(np.exp(likely[0, live.parts[n]]), abs=1e-5)
        memory.assign(live.parts[n : n + 1], pitch, onset, table.offset[n], velocity)


def test_a_stage_performance_labels_every_note_once() -> None:
    notes, _ = four_voices(10)
    arrangement = LiveArranger(tiny_checkpoint("note"), stage=True).label(notes, Hints())
    assert len(arrangement.parts) == len(notes)
    assert ((arrangement.confidence >= 0) & (arrangement.confidence <= 1)).all()


@pytest.mark.parametrize("stage", [False, True])
@pytest.mark.parametrize("kind", LIVE)
def test_each_decision_tells_how_likely_every_part_was(
    kind: tuple[str, str, str], stage: bool
) -> None:
    notes, _ = four_voices(10)
    found = LiveArranger(tiny_checkpoint(*kind), stage=stage).label(notes, Hints())
    assert found.likely is not None
    np.testing.assert_allclose(found.likely.sum(axis=1), 1, atol=1e-4)
    own = found.likely[np.arange(len(notes)), found.parts]
    np.testing.assert_allclose(own, found.confidence, atol=1e-6)


def test_a_key_released_ends_the_note_that_it_struck_first() -> None:
    session = LiveArranger(tiny_checkpoint("note")).session()
    assert [one.note for one in session.note_on(60, 0.0)] == [0]
    assert [one.note for one in session.note_on(60, 1.0)] == [1]
    assert session.note_off(60, 2.0) == 0
    assert session.note_off(60, 3.0) == 1
    assert session.note_off(60, 4.0) is None
    assert session.note_off(33, 4.0) is None


def test_the_keys_of_a_chord_may_come_in_any_order() -> None:
    sessions = [LiveArranger(tiny_checkpoint("chord")).session() for _ in range(2)]
    up = sessions[0].chord_on([48, 55, 64, 72], 0.0)
    mixed = sessions[1].chord_on([64, 48, 72, 55], 0.0)
    assert [one.note for one in mixed] == [0, 1, 2, 3]
    assert [mixed[i].part for i in (1, 3, 0, 2)] == [one.part for one in up]


def test_with_a_look_ahead_an_answer_waits_that_long_and_no_longer() -> None:
    session = LiveArranger(tiny_checkpoint("note"), look_ahead=0.25).session()  # half a quarter
    assert session.note_on(60, 0.0) == []
    assert session.note_on(64, 0.5) == []
    assert [one.note for one in session.advance(0.75)] == [0]
    assert session.note_off(60, 1.25) == 0
    assert [one.note for one in session.note_on(67, 1.5)] == [1]
    assert [one.note for one in session.advance(np.inf)] == [2]
    assert session.advance(np.inf) == []


@pytest.mark.parametrize("stage", [False, True])
def test_with_a_look_ahead_every_note_is_said_once_from_what_is_heard_by_then(stage: bool) -> None:
    checkpoint, quarters = tiny_checkpoint("note"), 0.5
    notes, _ = four_voices(10)
    events = as_played(notes, np.random.default_rng(0)) if stage else as_written(notes)

    def play(until: float) -> dict[int, tuple[int, float]]:
        session = Session(checkpoint.engine(), CHORALE, None, not stage, look_ahead=quarters)
        said, struck = {}, []
        for event in events:
            if event.time > until:
                break
            pitch, found = int(notes.pitch[event.note]), []
            if event.is_on:
                struck.append(event.note)
                found = session.note_on(pitch, event.time)
            else:
                session.note_off(pitch, event.time)
            said |= {struck[one.note]: (one.part, one.confidence) for one in found}
        rest = session.advance(np.inf)
        assert not said.keys() & {struck[one.note] for one in rest}
        return said | {struck[one.note]: (one.part, one.confidence) for one in rest}

    whole = play(np.inf)
    assert len(whole) == len(notes)
    start = {event.note: event.time for event in events if event.is_on}
    for until in (1.0, 3.3, 6.0):
        cut = play(until)
        settled = [n for n in cut if start[n] + quarters <= until]
        assert settled
        assert {n: cut[n] for n in settled} == {n: whole[n] for n in settled}


def test_an_offline_model_cannot_play_live() -> None:
    with pytest.raises(ValueError, match="needs a live or chord-live model"):
        Session(tiny_checkpoint("piece").engine(), CHORALE)


@pytest.mark.parametrize("rows", [[], [(0, 60, 24, 64)], [(0, 60, 0, 64), (0, 60, 0, 64)]])
def test_no_note_one_note_and_zero_lengths_are_played(rows: list) -> None:
    notes, _ = NoteSequence.from_rows(rows)
    for view in ("note", "chord"):
        for stage in (False, view == "note"):
            arranger = LiveArranger(tiny_checkpoint(view), stage)
            assert len(arranger.label(notes, Hints()).parts) == len(rows)


@pytest.mark.parametrize("view", ["note", "chord"])
def test_a_part_that_the_player_fixed_is_kept(view: str) -> None:
    notes, parts = four_voices(6)
    locks = {n: int(parts[n]) for n in range(0, len(notes), 3)}
    arrangement = LiveArranger(tiny_checkpoint(view)).label(notes, Hints(locks=locks))
    assert {n: int(arrangement.parts[n]) for n in locks} == locks


def test_a_pitch_that_no_keyboard_has_is_refused() -> None:
    session = LiveArranger(tiny_checkpoint("note")).session()
    with pytest.raises(ValueError, match=r"pitch must be in 0\.\.127, not 128"):
        session.note_on(128, 0.0)


def test_several_hearings_of_a_session_equal_those_of_the_whole_piece() -> None:
    checkpoint = tiny_checkpoint("note")
    by = (-1, 0, 2)
    card = replace(checkpoint.card, transpositions=by)
    engine, spec = checkpoint.engine(), checkpoint.config.spec
    notes, _ = four_voices(6)
    live = LiveArranger(replace(checkpoint, card=card), width=1).label(notes, Hints())
    tables = [describe(notes, Hints(), spec).transposed(semitones, spec) for semitones in by]
    heard = [engine.hear(t.codes[None], t.values[None])[0, 0] for t in tables]
    memory = PartMemory(1, 4, RECALLS)
    first = engine.log_probabilities(np.stack(heard), memory, int(notes.pitch[0]), 0.0, 64)
    assert live.confidence[0] == pytest.approx(np.exp(first[0, live.parts[0]]), abs=1e-5)


def test_who_waits_believes_in_several_alternatives() -> None:
    checkpoint = tiny_checkpoint("note")
    narrow = replace(checkpoint, card=replace(checkpoint.card, width=1))
    assert LiveArranger(narrow).width == 1
    assert LiveArranger(narrow, look_ahead=0.1).width is None
    assert LiveArranger(narrow, width=3, look_ahead=0.1).width == 3
