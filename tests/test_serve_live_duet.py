from __future__ import annotations

from pathlib import Path

import pytest

from arranger.continuation import Generator
from serve.live.duet import (
    LONG,
    PAUSE,
    Listening,
    Phrase,
    Sounded,
    estimate_tempo,
    respond,
)
from serve.live.protocol import DuetSpec
from serve.live.response import LEAD, Response
from tests.generators import save_tiny_generator


def say(listening: Listening, *notes: tuple[float, float]) -> None:
    """Keys one after the other, (down, up)."""
    for begin, end in notes:
        listening.key_down(begin)
        listening.key_up(Sounded(begin, end, 60, 64), silent=True)


def phrase(*notes: tuple[float, float]) -> Phrase:
    listening = Listening()
    say(listening, *notes)
    found = listening.take()
    assert found is not None
    return found


def test_a_phrase_is_over_some_time_after_the_last_key() -> None:
    listening = Listening()
    say(listening, (0.0, 0.5), (0.6, 1.0))
    assert listening.due == 1.0 + PAUSE
    listening.key_down(1.3)
    assert listening.due is None


def test_a_long_phrase_is_over_as_soon_as_no_key_is_down() -> None:
    listening = Listening()
    listening.key_down(0.0)
    listening.key_down(0.5)
    listening.key_up(Sounded(0.5, LONG + 0.5, 64, 64), silent=False)
    assert listening.due is None
    listening.key_up(Sounded(0.0, LONG + 1.0, 60, 64), silent=True)
    assert listening.due == LONG + 1.0


def test_silence_is_no_phrase() -> None:
    listening = Listening()
    assert listening.due is None
    assert listening.take() is None
    listening.key_up(Sounded(0.0, 1.0, 60, 64), silent=True)
    assert listening.due is None


def test_of_a_very_long_phrase_the_last_seconds_are_answered() -> None:
    long = phrase(*[(float(n), n + 0.9) for n in range(30)])
    assert long.notes[0].onset == 15.0
    assert len(long.notes) == 15
    assert phrase((0.0, 0.5), (9.0, 9.5)).notes[0].onset == 0.0


@pytest.mark.parametrize(("end", "length"), [(0.2, 1.0), (5.0, 5.0), (9.5, 8.0)])
def test_an_answer_is_as_long_as_its_phrase_within_limits(end: float, length: float) -> None:
    assert phrase((0.0, end)).length == length


def test_an_answer_begins_a_sixteenth_after_the_phrase() -> None:
    assert phrase((0.0, 2.0)).begin == pytest.approx(2.0 + 0.125)


@pytest.mark.parametrize(
    ("gap", "count", "tempo"),
    [(0.5, 8, 120.0), (1.0, 8, 60.0), (0.2, 8, 150.0), (1.0, 4, 120.0), (0.0, 8, 120.0)],
)
def test_the_tempo_is_that_of_most_onsets(gap: float, count: int, tempo: float) -> None:
    assert estimate_tempo([n * gap for n in range(count)]) == pytest.approx(tempo)


def test_the_keys_of_a_chord_are_one_onset() -> None:
    onsets = [n * 0.6 + late for n in range(6) for late in (0.0, 0.02)]
    assert estimate_tempo(onsets) == pytest.approx(60 / 0.58)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder = tmp_path_factory.mktemp("generator")
    return Generator.from_pretrained(save_tiny_generator(folder, "performance"))


def test_the_generator_answers_behind_the_phrase_and_for_as_long(generator: Generator) -> None:
    asked = phrase(*[(10 + n * 0.5, 10.4 + n * 0.5) for n in range(6)])
    notes = list(respond(generator, asked, DuetSpec(seed=3)))
    assert notes
    assert min(note.onset for note in notes) >= asked.begin - 1e-6
    assert max(note.end for note in notes) <= asked.begin + asked.length + 1e-2
    assert notes == list(respond(generator, asked, DuetSpec(seed=3)))


def thinking(lead: float = LEAD) -> tuple[Response, Phrase]:
    """A response whose phrase, from 0 to 1 s, has just been heard out."""
    response = Response(lead)
    say(response.listening, (0.0, 1.0))
    assert response.due == 1.0 + PAUSE
    assert not response.hear_out(1.5)
    assert response.hear_out(1.6)
    asked = response.think()
    assert asked is not None
    return response, asked


def test_a_phrase_is_handed_out_once() -> None:
    response, asked = thinking()
    assert asked.notes == (Sounded(0.0, 1.0, 60, 64),)
    assert response.think() is None
    assert response.due is None


def test_a_late_answer_begins_late_and_keeps_its_rhythm() -> None:
    response, asked = thinking()
    for n in range(2):
        onset = asked.begin + n * 0.5
        response.add(response.answering, Sounded(onset, onset + 0.2, 60 + n, 64), 2.0)
    cues = response.cues(9.0)
    assert [(cue.pitch, cue.is_on) for cue in cues] == [(60, 1), (60, 0), (61, 1), (61, 0)]
    at = [cue.seconds for cue in cues]
    assert at[0] == pytest.approx(2.0 + LEAD)
    assert at == pytest.approx([at[0], at[0] + 0.2, at[0] + 0.5, at[0] + 0.7])


def test_notes_are_announced_shortly_before_they_sound() -> None:
    response, _ = thinking()
    response.add(response.answering, Sounded(5.0, 6.0, 60, 64), 2.0)
    assert response.due == pytest.approx(5.0 - LEAD)
    assert response.cues(4.8) == []
    [cue] = response.cues(4.95)
    assert cue.is_on and cue.seconds == 5.0
    assert not response.finish()


def test_an_answer_is_done_when_all_has_been_said() -> None:
    response, _ = thinking()
    response.add(response.answering, Sounded(5.0, 6.0, 60, 64), 2.0)
    response.cues(9.0)
    assert not response.finish()
    response.complete(response.answering)
    assert response.finish()
    assert not response.finish()


def test_what_comes_after_it_was_cancelled_is_not_heard() -> None:
    response, _ = thinking()
    answering = response.answering
    response.add(answering, Sounded(5.0, 6.0, 60, 64), 2.0)
    assert response.cancel()
    response.add(answering, Sounded(5.5, 6.0, 60, 64), 2.1)
    assert response.cues(9.0) == []
    assert not response.cancel()


def test_after_an_answer_the_next_phrase_is_heard(tmp_path: Path) -> None:
    response, _ = thinking()
    response.complete(response.answering)
    assert response.finish()
    say(response.listening, (3.0, 3.5))
    assert response.hear_out(4.2)
