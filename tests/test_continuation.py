from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from arranger.continuation import Extent, Generator
from arranger.notes import Meter, NoteSequence, Tempo
from arranger.sampling import Sampling
from arranger.tokenizers import TOKENIZERS
from tests.generators import save_tiny_generator

ENDLESS = {"bar", "performance", "performance-388", "chord", "folk"}
"""Their tokens have no end, or a grammar that seldom allows one."""


def melody(bars: int = 2, resolution: int = 480) -> NoteSequence:
    """Eighths in 3/4 at 90 quarters a minute."""
    eighth = resolution // 2
    rows = [(i * eighth, 60 + i % 7, eighth, 70) for i in range(6 * bars)]
    return NoteSequence.from_rows(rows, resolution, [Meter(0, 3, 4)], [Tempo(0, 90.0)])[0]


@pytest.fixture(scope="module")
def generators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Generator]:
    folder = tmp_path_factory.mktemp("generators")
    return {
        name: Generator.from_pretrained(save_tiny_generator(folder / name, name))
        for name in TOKENIZERS
    }


@pytest.mark.parametrize("name", TOKENIZERS)
def test_new_notes_lie_behind_the_old_and_within_the_bars(
    generators: dict[str, Generator], name: str
) -> None:
    notes = melody()
    new = list(generators[name].stream(notes, Extent(bars=2), seed=1))
    assert new
    assert min(note.onset for note in new) >= 2 * 3 * 480
    assert max(note.onset + note.duration for note in new) <= 4 * 3 * 480
    assert all(note.duration > 0 and 0 <= note.pitch < 128 for note in new)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_piece_can_begin_from_nothing(generators: dict[str, Generator], name: str) -> None:
    empty = NoteSequence.from_rows([], 480)[0]
    prompt = generators[name].prompt(empty, Extent(seconds=4.0))
    assert prompt.warnings == ("there is nothing to go on from: the piece begins with new notes",)
    new = list(generators[name].stream(empty, Extent(seconds=4.0)))
    assert new and max(note.onset for note in new) < 8 * 480


@pytest.mark.parametrize("name", sorted(set(TOKENIZERS) - ENDLESS))
def test_until_silence_stops_where_the_model_would(
    generators: dict[str, Generator], name: str
) -> None:
    assert len(list(generators[name].stream(melody(), Extent(until_silence=1e-9)))) < 4


def test_tokens_without_an_end_cannot_go_on_until_silence(
    generators: dict[str, Generator],
) -> None:
    with pytest.raises(ValueError, match="bar tokens have no end: give bars or seconds"):
        generators["bar"].stream(melody(), Extent(until_silence=0.5))


def test_the_same_seed_gives_the_same_notes(generators: dict[str, Generator]) -> None:
    runs = [list(generators["bar"].stream(melody(), Extent(2), seed=s)) for s in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_notes_come_as_they_are_decided(generators: dict[str, Generator]) -> None:
    class Counting:
        read_so_far = 0

        def read(self, ids, state=None):
            self.read_so_far += 1
            return np.zeros(153), state

    model = Counting()
    generator = Generator("counting", generators["bar"].tokenizer, model, 256)
    stream = generator.stream(melody(), Extent(bars=50))
    next(stream)
    first = model.read_so_far
    next(stream)
    assert first < model.read_so_far < 40


def test_a_model_reads_the_whole_prompt_once_and_then_token_by_token(
    generators: dict[str, Generator],
) -> None:
    lengths = []

    class Recording:
        def read(self, ids, state=None):
            lengths.append(len(ids))
            return np.zeros(153), state

    generator = Generator("recording", generators["bar"].tokenizer, Recording(), 256)
    list(generator.stream(melody(), Extent(bars=1)))
    assert lengths[0] > 30 and set(lengths[1:]) == {1}


def test_of_a_long_piece_the_last_bars_are_read_and_that_is_said(
    generators: dict[str, Generator],
) -> None:
    notes = melody(bars=100)
    prompt = generators["metrical"].prompt(notes, Extent(bars=1))
    assert len(prompt.ids) <= 256
    assert prompt.origin % (3 * 480) == 0
    assert prompt.tail.meters == (Meter(0, 3, 4),) and prompt.tail.tempos == (Tempo(0, 90.0),)
    assert f"its first {prompt.origin // 240} notes were not read" in prompt.warnings[0]
    new = list(generators["metrical"].stream(notes, Extent(bars=1)))
    assert all(note.onset >= 100 * 3 * 480 for note in new)


def test_notes_that_no_token_can_say_are_passed_over_and_that_is_said(
    generators: dict[str, Generator],
) -> None:
    rows = [(0, 5, 480, 64), (0, 60, 480, 64), (480, 64, 480, 64)]
    prompt = generators["bar"].prompt(NoteSequence.from_rows(rows, 480)[0], Extent(bars=1))
    assert "1 notes were not read: the note of pitch 5" in prompt.warnings[0]


def test_the_tempo_counts_where_seconds_are_asked_for(generators: dict[str, Generator]) -> None:
    prompt = generators["performance"].prompt(melody(), Extent(seconds=2.0))
    assert prompt.end == prompt.begin + 3 * 480


@pytest.mark.parametrize(
    ("extent", "sentence"),
    [
        ({"bars": 0}, r"bars must lie in 1\.\.1000, not 0"),
        ({"seconds": -1.0}, "seconds must be above 0"),
        ({"until_silence": 0.0}, "until-silence must be above 0 and at most 1, not 0"),
        ({}, "give one of bars, seconds and until-silence"),
        ({"bars": 1, "seconds": 1.0}, "give one of"),
    ],
)
def test_an_absurd_extent_is_refused_in_a_sentence(extent: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Extent(**extent)


def test_greedy_sampling_needs_no_luck(generators: dict[str, Generator]) -> None:
    greedy = Sampling(temperature=0.0)
    one, two = (
        list(generators["metrical"].stream(melody(), Extent(bars=1), greedy, seed))
        for seed in (1, 2)
    )
    assert one == two


def test_a_model_that_never_lets_time_pass_is_stopped_with_a_sentence(
    generators: dict[str, Generator],
) -> None:
    tokens = generators["tsd"].tokenizer

    class Stuck:
        def read(self, ids, state=None):
            scores = np.zeros(tokens.size)
            scores[tokens.vocabulary.slice("shift")] = -50
            return scores, state

    generator = Generator("stuck", tokens, Stuck(), 256)
    with pytest.raises(ValueError, match="stuck repeats itself at one instant"):
        list(generator.stream(melody(), Extent(bars=1)))


def test_a_style_is_passed_to_the_tokens(generators: dict[str, Generator], tmp_path: Path) -> None:
    waltz = generators["metrical"].prompt(melody(), Extent(bars=1), "waltz")
    plain = generators["metrical"].prompt(melody(), Extent(bars=1))
    assert waltz.ids[1:].tolist() == plain.ids.tolist()
    with pytest.raises(ValueError, match="style 'polka' is unknown; known are waltz"):
        generators["metrical"].stream(melody(), Extent(bars=1), style="polka")
