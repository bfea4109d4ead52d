from __future__ import annotations

import numpy as np

from arranger.clock import Clock
from arranger.files import Score
from arranger.files.building import DocumentBuilder
from arranger.notes import Note, NoteSequence, Tempo


def test_without_a_tempo_a_quarter_lasts_half_a_second() -> None:
    assert Clock([], 24).seconds([0, 24, 36]).tolist() == [0.0, 0.5, 0.75]


def test_a_tempo_is_valid_from_its_tick_on() -> None:
    clock = Clock([Tempo(48, 60.0), Tempo(96, 240.0)], 24)
    assert clock.seconds([48, 72, 96, 120]).tolist() == [1.0, 2.0, 3.0, 3.25]


def test_ticks_and_seconds_are_each_other_s_inverse() -> None:
    clock, ticks = Clock([Tempo(0, 90.0), Tempo(50, 133.0)], 480), np.arange(0, 3000, 7)
    np.testing.assert_allclose(clock.ticks(clock.seconds(ticks)), ticks, atol=1e-9)


def test_a_score_has_the_tempos_of_its_file() -> None:
    builder = DocumentBuilder(480)
    builder.add_tempo(0, 100.0)
    builder.add_tempo(960, 60.0)
    builder.add_track(None, None, False, [Note(0, 60, 480)])
    notes = Score.from_document(builder.document()).notes
    assert notes.tempos == (Tempo(0, 100.0), Tempo(960, 60.0))
    assert notes.on_grid(24)[0].tempos == (Tempo(0, 100.0), Tempo(48, 60.0))


def test_notes_keep_their_tempos_when_some_are_taken() -> None:
    notes = NoteSequence.from_rows([(0, 60, 4, 64)], 4, tempos=[Tempo(0, 90.0)])[0]
    assert notes.take(slice(0, 0)).tempos == (Tempo(0, 90.0),)
