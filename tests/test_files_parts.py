"""Writing MIDI: where notes, controllers, texts and drums go, and on which channels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from midi_pieces import DUO, arranged, by_track, control, messages, midi, off, on, rows

from arranger.ensembles import Ensemble, Part
from arranger.files import FileError, Score, read, read_bytes, write, write_bytes
from arranger.files.document import META, TRACK_NAME, meta


def rewritten(data: bytes, parts: list[int], ensemble: Ensemble = DUO) -> Score:
    score = read_bytes(data, ".mid", "in.mid")
    out = write_bytes(".mid", score, arranged(score, parts, ensemble), "out.mid")
    again = read_bytes(out, ".mid", "out.mid")
    assert again.warnings == score.warnings
    return again


def names(score: Score) -> list[str | None]:
    """The name of each MIDI track."""
    head = bytes((META, TRACK_NAME))
    return [
        next((m[2:].decode() for _, m in events if m[:2] == head), None)
        for events in score.document.tracks
    ]


def channels(score: Score, name: str) -> set[int]:
    track = score.document.tracks[names(score).index(name)]
    return {message[0] & 0x0F for _, message in track if message[0] < 0xF0}


def test_each_part_has_one_track_with_its_name_program_and_channel() -> None:
    again = rewritten(midi([on(0, 60), off(9, 60), on(9, 72), off(12, 72)]), [1, 0])
    assert names(again) == [None, "High", "Low"]
    assert [(track.name, track.program) for track in again.tracks] == [("High", 73), ("Low", 42)]
    assert by_track(again) == {"High": {(9, 72, 3, 64): 1}, "Low": {(0, 60, 9, 64): 1}}
    assert channels(again, "High").isdisjoint(channels(again, "Low"))


def test_what_concerns_the_whole_piece_goes_to_the_first_track() -> None:
    texts = [
        (0, meta(TRACK_NAME, b"Song")),
        (0, meta(0x51, b"\7\xa1\x20")),
        (0, meta(0x58, b"\3\2\x18\x08")),
        (0, meta(0x59, b"\xfd\1")),
        (7, meta(0x06, b"Coda \xe9")),
        (8, b"\xf0\x41\x10\xf7"),
    ]
    line = [(0, meta(TRACK_NAME, b"Voice")), (0, meta(0x05, b"la")), on(0, 60), off(5, 60)]
    again = rewritten(midi(texts, line), [0])
    expected = [*texts[:4], (0, meta(0x05, b"la")), *texts[4:], (8, meta(0x2F, b""))]
    assert sorted(again.document.tracks[0]) == sorted(expected)


def test_a_tempo_given_twice_is_written_once_but_words_as_often_as_they_stand() -> None:
    tempo, word = (0, meta(0x51, b"\7\xa1\x20")), (0, meta(0x05, b"la"))
    again = rewritten(midi([tempo, word], [tempo, word, on(0, 60), off(5, 60)]), [0])
    assert again.document.tracks[0][:-1] == (tempo, word, word)


def test_names_of_empty_tracks_are_kept_as_text() -> None:
    credit = (0, meta(TRACK_NAME, b"made by somebody"))
    again = rewritten(midi([], [on(0, 60), off(5, 60)], [credit]), [0])
    assert again.document.tracks[0][0] == (0, meta(0x01, b"made by somebody"))


def test_pedal_bends_and_aftertouch_reach_every_part_of_their_channel() -> None:
    played = [(1, b"\xe3\0\x50"), control(2, 64, 127, 3), (3, b"\xd3\7"), (4, b"\xa3\x3c\x11")]
    notes = [on(0, 60, 64, 3), off(9, 60, 64, 3), on(0, 50, 64, 3), off(9, 50, 64, 3)]
    again = rewritten(midi([*notes, *played]), [1, 0])
    for name in ("High", "Low"):
        track = again.document.tracks[names(again).index(name)]
        sent = [(t, bytes((m[0] & 0xF0,)) + m[1:]) for t, m in track if 0xA0 <= m[0] < 0xF0]
        assert [event for event in sent if event[1][0] != 0xC0] == [
            (t, bytes((m[0] & 0xF0,)) + m[1:]) for t, m in played
        ]


def test_a_part_does_not_let_one_source_pedal_the_notes_of_another() -> None:
    left = [control(0, 64, 127, 0), on(0, 40), off(9, 40)]
    right = [on(0, 80, 64, 1), off(9, 80, 64, 1)]
    again = rewritten(midi(left, right), [1, 1])
    channel_of = {message[1]: message[0] & 0x0F for _, message in messages(again, 0x90)}
    pedalled = {message[0] & 0x0F for _, message in messages(again, 0xB0)}
    assert pedalled == {channel_of[40]} != {channel_of[80]}
    assert by_track(again) == {"Low": Counter(rows(again))}


def test_channels_controlled_alike_share_a_channel() -> None:
    hands = [[control(0, 7, 100, c), on(0, 40 + c, 64, c), off(9, 40 + c, 64, c)] for c in range(5)]
    assert len(channels(rewritten(midi(*hands), [0] * 5), "High")) == 1


def test_program_changes_of_the_source_give_way() -> None:
    again = rewritten(midi([(0, b"\xc0\5"), on(0, 60), (4, b"\xc0\6"), off(9, 60)]), [0])
    assert {message[1] for _, message in messages(again, 0xC0)} == {73, 42}


def test_drums_pass_through_untouched() -> None:
    drums = [
        (0, meta(TRACK_NAME, b"Kit")), (0, b"\xc9\x08"), control(0, 7, 90, 9),
        on(0, 36, 1, 9), off(5, 36, 7, 9), off(6, 36, 0, 9), (9, meta(0x2F, b"")),
    ]  # fmt: skip
    again = rewritten(midi([on(0, 60), off(9, 60)], drums), [0])
    assert again.document.tracks[3] == tuple(drums)


def test_drums_among_other_notes_get_their_own_track() -> None:
    again = rewritten(midi([on(0, 60), on(1, 36, 9, 9), off(2, 36, 8, 9), off(9, 60)]), [0])
    assert names(again) == [None, "High", "Low", "Drums"]
    assert again.document.tracks[3][1:3] == (on(1, 36, 9, 9), off(2, 36, 8, 9))


def test_a_piece_without_notes_is_passed_through() -> None:
    again = rewritten(midi([(0, meta(0x06, b"start")), (99, meta(0x2F, b""))]), [])
    assert names(again) == [None, "High", "Low"]
    assert again.document.tracks[0] == ((0, meta(0x06, b"start")), (99, meta(0x2F, b"")))


def test_unisons_of_which_the_first_ends_last_stay_apart() -> None:
    first = [on(0, 60, 1), off(100, 60, 11)]
    second = [on(20, 60, 2, 1), off(50, 60, 22, 1)]
    again = rewritten(midi(first, second), [0, 0])
    assert rows(again) == [(0, 60, 100, 1), (20, 60, 30, 2)]
    ends = {tick: message[2] for tick, message in messages(again, 0x80)}
    assert ends == {50: 22, 100: 11}
    assert names(again) == [None, "High", "Low"]


def test_unisons_stay_apart_when_all_channels_are_taken() -> None:
    fifteen = Ensemble("fifteen", tuple(Part(f"P{k}", k) for k in range(15)))
    first, second = [on(0, 60, 1), off(100, 60)], [on(20, 60, 2, 1), off(50, 60, 64, 1)]
    again = rewritten(midi(first, second), [4, 4], fifteen)
    assert by_track(again) == {"P4": {(0, 60, 100, 1): 1, (20, 60, 30, 2): 1}}
    assert names(again).count("P4") == 2


def test_a_note_ends_before_another_track_starts_it_again() -> None:
    later, earlier = [on(10, 60), off(20, 60)], [on(0, 60, 3, 1), off(10, 60, 64, 1)]
    again = rewritten(midi(later, earlier), [0, 0])
    track = again.document.tracks[1]
    at_ten = [message[0] & 0xF0 for tick, message in track if tick == 10]
    assert at_ten == [0x80, 0x90]


def test_events_of_one_track_at_one_tick_keep_their_order() -> None:
    events = [
        on(0, 60),
        control(10, 64, 127),
        off(10, 60),
        control(10, 64, 0),
        on(10, 60),
        off(10, 60),
    ]
    again = rewritten(midi(events), [0, 0])
    track = again.document.tracks[1]
    kept = [message for _, message in track if message[0] < 0xF0 and message[0] & 0xF0 != 0xC0]
    assert kept == [message for _, message in events]


@pytest.mark.parametrize("count", [15, 16, 40])
def test_many_parts_share_out_channels_and_ports(count: int) -> None:
    many = Ensemble("many", tuple(Part(f"P{k}", k) for k in range(count)))
    data = midi([event for k in range(count) for event in (on(k, 60), off(k, 60))])
    again = rewritten(data, list(range(count)), many)
    assert by_track(again) == {f"P{k}": {(k, 60, 0, 64): 1} for k in range(count)}
    used = set()
    for events in again.document.tracks[1:]:
        port = next((m[2] for _, m in events if m[:2] == b"\xff\x21"), 0)
        used |= {(port, m[0] & 0x0F) for _, m in events if m[0] < 0xF0}
    assert len(used) == count
    assert 9 not in {channel for _, channel in used}


def test_controllers_of_a_channel_without_notes_are_kept_on_a_free_channel() -> None:
    data = midi([on(0, 60), off(9, 60)], [control(3, 7, 0, 1), (3, b"\xc1\x04")])
    again = rewritten(data, [0])
    sent = messages(again, 0xB0)
    assert [(tick, message[1:]) for tick, message in sent] == [(3, b"\7\0")]
    taken = channels(again, "High") | channels(again, "Low")
    assert sent[0][1][0] & 0x0F not in taken


def test_an_arrangement_of_another_score_is_refused(tmp_path: Path) -> None:
    score = read_bytes(midi([on(0, 60), off(9, 60)]), ".mid", "in.mid")
    with pytest.raises(ValueError, match="an arrangement of 2 notes, expected 1"):
        write(tmp_path / "out.mid", score, arranged(score, [0, 0]))
    with pytest.raises(ValueError, match=r"parts 2\.\.2 in the arrangement, expected 0\.\.1"):
        write(tmp_path / "out.mid", score, arranged(score, [2]))


def test_writing_says_what_is_wrong_with_the_path(tmp_path: Path) -> None:
    score = read_bytes(midi([on(0, 60), off(9, 60)]), ".mid", "in.mid")
    result = arranged(score, [0])
    with pytest.raises(FileError, match=r"out\.wav: \.wav cannot be written, expected one of"):
        write(tmp_path / "out.wav", score, result)
    with pytest.raises(FileError, match=r"out\.mid: cannot be written \(No such file"):
        write(tmp_path / "missing" / "out.mid", score, result)
    write(tmp_path / "out.mid", score, result)
    assert rows(read(tmp_path / "out.mid")) == rows(score)
