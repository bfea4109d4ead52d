from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arranger.files import read
from arranger.hints import Hints
from arranger.online import LiveArranger
from arranger.performance import as_played
from serve.live.duet import Sounded
from serve.live.lineup import Roster
from serve.live.protocol import (
    Answer,
    Bye,
    ChordOn,
    DuetAnswer,
    DuetSpec,
    End,
    Event,
    Hello,
    HintsSpec,
    Key,
    Lock,
    Message,
    Note,
    NoteOff,
    NoteOn,
    Pedal,
    Replay,
    Replayed,
    SetEnsemble,
    SetHints,
    SetTempo,
    Welcome,
)
from serve.live.session import MAX_DOWN, LiveSession, SessionOver
from serve.live.settings import LiveSettings
from tests.models import tiny_checkpoint
from tests.music import four_voices


@pytest.fixture(scope="module")
def roster(models: Path) -> Roster:
    return Roster([str(models / "chorale-live"), str(models / "chorale-chord-live")])


def begin(roster: Roster, hello: Hello | None = None, **settings: Any) -> LiveSession:
    return LiveSession(roster, hello or Hello(), LiveSettings(**settings), now=0.0)


def tell(session: LiveSession, message: Message, now: float) -> list[Answer]:
    return [answer for step in session.receive(message, now) for answer in step]


def one_note(session: LiveSession, pitch: int, now: float, part: str | None = None) -> Note:
    [answer] = tell(session, NoteOn(pitch=pitch, part=part), now)
    assert isinstance(answer, Note)
    return answer


def performance(beats: int = 10) -> list[tuple[float, Event]]:
    """Key events with their seconds, at 120 quarters a minute."""
    notes, _ = four_voices(beats)
    played = []
    for time, is_on, n in as_played(notes, np.random.default_rng(0)):
        pitch = int(notes.pitch[n])
        event = NoteOn(pitch=pitch, velocity=70) if is_on else NoteOff(pitch=pitch)
        played.append((time / 2, event))
    return played


def play(session: LiveSession, events: Sequence[tuple[float, Event]]) -> list[Note]:
    answers = [answer for now, event in events for answer in tell(session, event, now)]
    return [answer for answer in answers if isinstance(answer, Note)]


def notes_of(recording: bytes, folder: Path) -> list[tuple[str | None, int, float, float]]:
    """Track, pitch, onset and end in quarters."""
    path = folder / "recording.mid"
    path.write_bytes(recording)
    score = read(path)
    notes, beat = score.notes, score.notes.resolution
    return [
        (score.tracks[t].name, p, on / beat, off / beat)
        for t, p, on, off in zip(
            score.track.tolist(),
            notes.pitch.tolist(),
            notes.onset.tolist(),
            notes.offset.tolist(),
            strict=True,
        )
    ]


def test_the_welcome_says_who_plays(roster: Roster) -> None:
    welcome = begin(roster, Hello(tempo=90.0)).welcome()
    assert (welcome.ensemble, welcome.mode, welcome.tempo) == ("chorale", "stage", 90.0)
    assert welcome.model == "tiny-note"
    assert [part.name for part in welcome.parts] == ["Soprano", "Alto", "Tenor", "Bass"]


def test_a_session_says_what_the_arranger_says(roster: Roster) -> None:
    notes, _ = four_voices(10)
    arranger = LiveArranger(tiny_checkpoint("note"), stage=True)
    expected = arranger.label(notes, Hints())
    said = play(begin(roster), performance())
    names = [arranger.ensemble.names[part] for part in expected.parts]
    order = [n for _, is_on, n in as_played(notes, np.random.default_rng(0)) if is_on]
    assert [note.part for note in said] == [names[n] for n in order]
    assert [note.note for note in said] == list(range(len(notes)))


def test_a_key_that_goes_up_ends_the_first_note_it_struck(roster: Roster) -> None:
    session = begin(roster)
    first, second = one_note(session, 60, 0.0), one_note(session, 60, 1.0)
    [end] = tell(session, NoteOff(pitch=60), 2.0)
    assert end == End(note=0, pitch=60, channel=first.channel, time=2.0)
    [end] = tell(session, NoteOff(pitch=60), 3.0)
    assert end == End(note=1, pitch=60, channel=second.channel, time=3.0)


def test_a_key_that_was_not_down_goes_up_unnoticed(roster: Roster) -> None:
    session = begin(roster)
    assert tell(session, NoteOff(pitch=60), 0.0) == []
    one_note(session, 60, 1.0)
    assert tell(session, NoteOff(pitch=61), 2.0) == []


def test_a_key_that_stays_down_is_let_go(roster: Roster) -> None:
    session = begin(roster, stuck_seconds=5.0)
    one_note(session, 60, 1.0)
    assert session.deadline == 6.0
    assert session.tick(5.9) == []
    [end] = session.tick(6.0)
    assert isinstance(end, End) and end.note == 0
    assert tell(session, NoteOff(pitch=60), 7.0) == []


def test_of_too_many_keys_the_first_is_let_go(roster: Roster) -> None:
    session = begin(roster)
    for n in range(MAX_DOWN):
        one_note(session, 36 + n % 48, n / 10)
    end, note = tell(session, NoteOn(pitch=60), 20.0)
    assert isinstance(end, End) and end.note == 0
    assert isinstance(note, Note) and note.note == MAX_DOWN


def test_the_player_may_fix_a_part(roster: Roster) -> None:
    session = begin(roster)
    for n, name in enumerate(("Bass", "Soprano", "Tenor", "Alto")):
        assert one_note(session, 60, float(n), part=name).part == name
    with pytest.raises(ValueError, match="unknown part 'Kazoo'"):
        tell(session, NoteOn(pitch=60, part="Kazoo"), 5.0)
    assert one_note(session, 60, 6.0).note == 4


def test_the_keys_of_a_chord_are_answered_together(roster: Roster) -> None:
    session = begin(roster, Hello(mode="chord-live"))
    keys = (Key(pitch=72), Key(pitch=48, part="Alto"), Key(pitch=60))
    answers = tell(session, ChordOn(keys=keys), 0.0)
    assert [(a.note, a.pitch) for a in answers if isinstance(a, Note)] == [
        (0, 72),
        (1, 48),
        (2, 60),
    ]
    assert isinstance(answers[1], Note) and answers[1].part == "Alto"


def test_with_a_look_ahead_an_answer_waits_so_long_and_says_so(roster: Roster) -> None:
    session = begin(roster, Hello(look_ahead=50.0))
    assert tell(session, NoteOn(pitch=60), 1.0) == []
    assert session.deadline == pytest.approx(1.05)
    assert session.tick(1.04) == []
    assert tell(session, NoteOff(pitch=60), 1.045) == []
    note, end = session.tick(1.0501)
    assert isinstance(note, Note) and note.waited == pytest.approx(50.1)
    assert isinstance(end, End) and end.note == note.note
    assert session.deadline == np.inf


def test_with_a_look_ahead_every_note_is_answered_once(roster: Roster) -> None:
    session, said = begin(roster, Hello(look_ahead=100.0)), []
    events = performance()
    for now, event in events:
        while session.deadline < now:
            said += session.tick(session.deadline)
        said += tell(session, event, now)
    said += session.close(events[-1][0])
    numbers = [note.note for note in said if isinstance(note, Note)]
    keys = sum(isinstance(event, NoteOn) for _, event in events)
    assert numbers == list(range(keys))
    assert max(n.waited for n in said if isinstance(n, Note)) <= 100.001


def test_the_ensemble_may_change_while_keys_are_down(roster: Roster) -> None:
    session = begin(roster)
    before = one_note(session, 48, 0.0)
    trio = {
        "name": "duo",
        "parts": ({"name": "High", "program": 73}, {"name": "Low", "program": 70}),
    }
    change = SetEnsemble.model_validate({"ensemble": trio})
    [welcome] = tell(session, change, 1.0)
    assert isinstance(welcome, Welcome)
    assert [part.name for part in welcome.parts] == ["High", "Low"]
    after = one_note(session, 60, 2.0)
    assert after.note == 1 and after.part in {"High", "Low"}
    [end] = tell(session, NoteOff(pitch=48), 3.0)
    assert isinstance(end, End) and (end.note, end.channel) == (0, before.channel)


def test_an_ensemble_that_there_is_not_changes_nothing(roster: Roster) -> None:
    session = begin(roster)
    with pytest.raises(ValueError, match="unknown ensemble 'circus'"):
        tell(session, SetEnsemble(ensemble="circus"), 1.0)
    assert session.welcome().ensemble == "chorale"
    assert one_note(session, 60, 2.0).part in {"Soprano", "Alto", "Tenor", "Bass"}


def test_other_hints_change_what_the_model_reads(roster: Roster) -> None:
    plain, hinted = begin(roster), begin(roster)
    for session in (plain, hinted):
        play(session, performance(3))
    hints = HintsSpec(mean_pitch={"Bass": 60.0, "Soprano": 80.0})
    [welcome] = tell(hinted, SetHints(hints=hints), 9.0)
    assert isinstance(welcome, Welcome)
    assert one_note(plain, 60, 10.0).confidence != one_note(hinted, 60, 10.0).confidence
    with pytest.raises(ValueError, match="unknown part 'Kazoo'"):
        tell(hinted, SetHints(hints=HintsSpec(entries={"Kazoo": 1.0})), 11.0)


def test_while_the_arranger_hears_the_past_anew_nothing_is_due(roster: Roster) -> None:
    session = begin(roster, Hello(look_ahead=50.0))
    play(session, performance(6))
    steps = session.receive(SetHints(hints=HintsSpec()), 9.0)
    pauses = sum(not answers for answers in steps if session.deadline == np.inf)
    assert pauses > 10


def test_a_part_may_be_corrected_and_later_notes_take_heed(roster: Roster, tmp_path: Path) -> None:
    plain, corrected = begin(roster), begin(roster)
    for session in (plain, corrected):
        play(session, performance(3))
    was = one_note(corrected, 50, 9.0)
    one_note(plain, 50, 9.0)
    other = next(name for name in ("Soprano", "Bass") if name != was.part)
    [note] = tell(corrected, Lock(note=was.note, part=other), 9.5)
    assert isinstance(note, Note) and (note.note, note.part, note.confidence) == (
        was.note,
        other,
        1.0,
    )
    assert one_note(plain, 52, 10.0).confidence != one_note(corrected, 52, 10.0).confidence
    corrected.close(11.0)
    assert (other, 50) in {row[:2] for row in notes_of(corrected.recording(), tmp_path)}


@pytest.mark.parametrize(
    ("lock", "sentence"),
    [
        (Lock(note=7, part="Bass"), "there is no note 7 that has been answered"),
        (Lock(note=0, part="Kazoo"), "unknown part 'Kazoo'"),
    ],
)
def test_a_correction_of_what_there_is_not_is_refused(
    roster: Roster, lock: Lock, sentence: str
) -> None:
    session = begin(roster)
    one_note(session, 60, 0.0)
    with pytest.raises(ValueError, match=sentence):
        tell(session, lock, 1.0)


def test_what_another_ensemble_played_stays_as_it_was(roster: Roster) -> None:
    session = begin(roster)
    one_note(session, 60, 0.0)
    duo = {"name": "duo", "parts": ({"name": "High", "program": 1}, {"name": "Low", "program": 2})}
    tell(session, SetEnsemble.model_validate({"ensemble": duo}), 1.0)
    with pytest.raises(ValueError, match="note 0 was played by another ensemble"):
        tell(session, Lock(note=0, part="Low"), 2.0)


def test_the_recording_has_every_note_when_and_where_it_sounded(
    roster: Roster, tmp_path: Path
) -> None:
    session = begin(roster, Hello(tempo=120.0))
    first = one_note(session, 60, 1.0)
    tell(session, NoteOff(pitch=60), 1.5)
    tell(session, SetTempo(tempo=60.0), 2.0)
    second = one_note(session, 48, 3.0)
    session.close(5.0)
    assert notes_of(session.recording(), tmp_path) == [
        (first.part, 60, 2.0, 3.0),
        (second.part, 48, 5.0, 7.0),
    ]


def test_the_pedal_is_recorded_for_every_part(roster: Roster) -> None:
    session = begin(roster)
    one_note(session, 60, 0.0)
    assert tell(session, Pedal(value=127), 1.0) == []
    recording = session.recording()
    assert [bytes((0xB0 | channel, 64, 127)) in recording for channel in range(4)] == [True] * 4


def test_a_session_without_notes_can_be_recorded(roster: Roster, tmp_path: Path) -> None:
    session = begin(roster)
    assert session.close(1.0) == []
    path = tmp_path / "empty.mid"
    path.write_bytes(session.recording())
    assert len(read(path).notes) == 0


def test_who_sends_what_was_played_goes_on_as_if_nothing_had_happened(
    roster: Roster, tmp_path: Path
) -> None:
    hello = Hello(mode="live")
    events, whole = performance(), begin(roster, hello)
    said = play(whole, events)
    half = len(events) // 2
    heard = sum(isinstance(event, NoteOn) for _, event in events[:half])
    parts = iter(note.part for note in said)
    sent = tuple(
        event.model_copy(
            update={"time": now, **({"part": next(parts)} if isinstance(event, NoteOn) else {})}
        )
        for now, event in events[:half]
    )
    resumed = begin(roster, hello)
    last = events[half - 1][0]
    [replayed] = tell(resumed, Replay(events=sent), last)
    assert replayed == Replayed(notes=heard, time=last)
    assert play(resumed, events[half:]) == said[heard:]
    for session in (whole, resumed):
        session.close(20.0)
    assert notes_of(resumed.recording(), tmp_path) == notes_of(whole.recording(), tmp_path)


def test_of_a_replay_only_what_was_not_answered_is_answered(roster: Roster) -> None:
    session = begin(roster)
    sent = (NoteOn(pitch=60, time=1.0, part="Bass"), NoteOn(pitch=64, time=2.0))
    note, replayed = tell(session, Replay(events=sent), 9.0)
    assert isinstance(note, Note) and (note.note, note.pitch, note.time) == (1, 64, 2.0)
    assert replayed == Replayed(notes=2, time=2.0)


def test_a_replay_may_come_in_several_messages_but_not_after_a_key(roster: Roster) -> None:
    session = begin(roster)
    for n in range(2):
        sent = (NoteOn(pitch=60, time=float(n), part="Bass"),)
        assert tell(session, Replay(events=sent), 9.0) == [Replayed(notes=n + 1, time=float(n))]
    one_note(session, 60, 10.0)
    with pytest.raises(ValueError, match="a replay comes right after hello"):
        tell(session, Replay(events=()), 11.0)


def test_a_replay_with_a_fault_changes_nothing(roster: Roster) -> None:
    session = begin(roster)
    sent = (NoteOn(pitch=60, time=0.0), NoteOn(pitch=60, time=1.0, part="Kazoo"))
    with pytest.raises(ValueError, match="unknown part 'Kazoo'"):
        tell(session, Replay(events=sent), 2.0)
    assert session.count == 0 and one_note(session, 60, 3.0).note == 0


def test_a_session_ends_when_it_has_had_its_notes(roster: Roster) -> None:
    session = begin(roster, max_notes=2)
    one_note(session, 60, 0.0)
    one_note(session, 62, 1.0)
    with pytest.raises(SessionOver, match="has had 2 notes and may have 2: begin another"):
        tell(session, NoteOn(pitch=64), 2.0)


def test_bye_ends_what_sounds(roster: Roster) -> None:
    session = begin(roster)
    one_note(session, 60, 0.0)
    with pytest.raises(SessionOver, match=r"^$"):
        tell(session, Bye(), 1.0)
    [end] = session.close(1.0)
    assert isinstance(end, End) and end.time == 1.0


def test_a_second_hello_is_refused(roster: Roster) -> None:
    with pytest.raises(ValueError, match="a second hello is one too many"):
        tell(begin(roster), Hello(), 1.0)


def asked(roster: Roster) -> LiveSession:
    """A duet whose player has said a phrase, up to 1 s, which waits for its answer."""
    session = begin(roster, Hello(duet=DuetSpec()))
    one_note(session, 60, 0.5)
    tell(session, NoteOff(pitch=60), 1.0)
    assert session.deadline == pytest.approx(1.6)
    assert session.tick(1.61) == [DuetAnswer(state="thinking")]
    assert session.response is not None and session.response.think() is not None
    return session


def answer(session: LiveSession, *notes: tuple[float, float, int]) -> list[Answer]:
    """The generator decides notes, and time passes."""
    assert session.response is not None
    answering = session.response.answering
    for begin_, end, pitch in notes:
        session.add_to_answer(answering, Sounded(begin_, end, pitch, 70), 1.7)
    session.response.complete(answering)
    said, now = [], 1.7
    while session.deadline < 50.0:
        now = max(now, session.deadline) + 0.001
        said += session.tick(now)
    return said


def test_in_a_duet_the_answer_is_orchestrated_and_announced(roster: Roster, tmp_path: Path) -> None:
    session = asked(roster)
    said = answer(session, (2.0, 2.5, 64), (2.5, 3.0, 48))
    assert said[-1] == DuetAnswer(state="done")
    notes = [each for each in said if isinstance(each, Note)]
    assert [(n.note, n.pitch, n.time, n.by) for n in notes] == [
        (1, 64, 2.0, "duet"),
        (2, 48, 2.5, "duet"),
    ]
    ends = [each for each in said if isinstance(each, End)]
    assert [(end.note, end.time) for end in ends] == [(1, 2.5), (2, 3.0)]
    session.close(4.0)
    assert [row[1] for row in notes_of(session.recording(), tmp_path)] == [60, 64, 48]


def test_who_plays_into_an_answer_ends_it(roster: Roster, tmp_path: Path) -> None:
    session = asked(roster)
    assert session.response is not None
    answering = session.response.answering
    for onset, pitch in ((2.0, 64), (2.25, 65), (3.0, 67)):
        session.add_to_answer(answering, Sounded(onset, onset + 1.0, pitch, 70), 1.7)
    assert [a.note for a in session.tick(1.95) if isinstance(a, Note)] == [1]
    assert [a.note for a in session.tick(2.2) if isinstance(a, Note)] == [2]
    *ends, cancelled, note = tell(session, NoteOn(pitch=72), 2.22)
    assert [end.note for end in ends if isinstance(end, End)] == [1, 2]
    assert cancelled == DuetAnswer(state="cancelled")
    assert isinstance(note, Note) and note.by == "player" and note.time == pytest.approx(2.22)
    session.add_to_answer(answering, Sounded(3.0, 4.0, 67, 70), 2.3)
    assert session.tick(3.5) == []
    session.close(4.0)
    assert [row[1] for row in notes_of(session.recording(), tmp_path)] == [60, 64, 72]


def test_after_an_answer_the_player_s_next_phrase_is_answered(roster: Roster) -> None:
    session = asked(roster)
    assert answer(session) == []
    assert session.tick(1.8) == [DuetAnswer(state="done")]
    one_note(session, 62, 5.0)
    tell(session, NoteOff(pitch=62), 5.5)
    assert session.tick(6.11) == [DuetAnswer(state="thinking")]
