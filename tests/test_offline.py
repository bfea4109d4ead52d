from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arranger import offline
from arranger.checkpoints import save
from arranger.decoding import report_violations
from arranger.files import FileError, read
from arranger.hints import Hints
from arranger.notes import NoteSequence
from arranger.offline import Arranger
from tests.models import tiny_checkpoint
from tests.music import CHORALE, four_voices, write_chorale, write_midi

Row = tuple[int, int, int, int]

KINDS = [("lstm", "memory"), ("lstm", "linear"), ("transformer", "memory")]
ARRANGERS = {kind: Arranger(tiny_checkpoint("piece", *kind)) for kind in KINDS}
ODD: dict[str, list[Row]] = {
    "no note": [],
    "one note": [(7, 60, 3, 64)],
    "a note without length": [(0, 60, 0, 64)],
    "twins": [(0, 60, 480, 64), (0, 60, 480, 64), (0, 60, 480, 1)],
    "off the grid": [(1, 60, 7, 1), (3, 60, 7, 127), (9, 59, 1, 64), (11, 72, 0, 64)],
    "every key at once": [(0, pitch, 480, 64) for pitch in range(128)],
    "the lowest and the highest": [(0, 0, 480, 64), (0, 127, 480, 64)],
}

every_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def notes_of(notes: NoteSequence) -> Counter[tuple[int, ...]]:
    arrays = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    return Counter(zip(*(array.tolist() for array in arrays), strict=True))


@every_kind
@pytest.mark.parametrize("rows", ODD.values(), ids=ODD)
def test_every_note_gets_one_part_and_one_confidence(
    kind: tuple[str, str], rows: list[Row]
) -> None:
    notes, _ = NoteSequence.from_rows(rows, resolution=480)
    arrangement = ARRANGERS[kind].label(notes, Hints())
    assert arrangement.notes is notes
    assert arrangement.parts.shape == arrangement.confidence.shape == (len(rows),)
    assert set(arrangement.parts.tolist()) <= {0, 1, 2, 3}
    assert ((arrangement.confidence > 0) & (arrangement.confidence <= 1)).all()


@every_kind
def test_parts_follow_their_notes_where_the_grid_changes_their_order(
    kind: tuple[str, str],
) -> None:
    straight, _ = four_voices(12)
    straight = replace(straight, onset=straight.onset + 24)
    assert not straight.twins()
    late = np.random.default_rng(0).integers(-9, 10, len(straight))
    onset, offset = 20 * straight.onset + late, 20 * straight.offset
    velocity = np.full_like(onset, 64)
    rows = np.stack([onset, straight.pitch, offset - onset, velocity], axis=1).tolist()
    played, order = NoteSequence.from_rows(rows, resolution=480)
    assert (order != np.arange(len(order))).any()

    expected = ARRANGERS[kind].label(straight, Hints())
    arrangement = ARRANGERS[kind].label(played, Hints())
    assert arrangement.parts.tolist() == expected.parts[order].tolist()
    assert arrangement.confidence.tolist() == expected.confidence[order].tolist()


@every_kind
def test_locked_notes_keep_their_parts_in_the_order_of_the_file(kind: tuple[str, str]) -> None:
    # All begin together on the grid, where the highest of the file comes last.
    notes, _ = NoteSequence.from_rows(
        [(0, 66, 480, 64), (1, 64, 480, 64), (2, 62, 480, 64), (3, 60, 480, 64)], resolution=480
    )
    for parts in ((0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)):
        locks = dict(enumerate(parts[:3]))
        arrangement = ARRANGERS[kind].label(notes, Hints(locks=locks))
        assert tuple(arrangement.parts.tolist()) == parts


@every_kind
@pytest.mark.parametrize("part", range(4))
def test_a_lock_is_kept_where_the_model_needs_no_correction(
    kind: tuple[str, str], part: int
) -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 24, 64)])
    arrangement = ARRANGERS[kind].label(notes, Hints(locks={0: part}))
    assert (arrangement.parts.tolist(), arrangement.confidence.tolist()) == ([part], [1.0])


@every_kind
def test_a_lock_that_breaks_a_rule_is_kept_and_the_rule_reported(kind: tuple[str, str]) -> None:
    notes, _ = NoteSequence.from_rows([(0, 40, 24, 64), (0, 72, 24, 64)])
    arrangement = ARRANGERS[kind].label(notes, Hints(locks={0: 0}))
    assert arrangement.parts.tolist()[0] == 0
    (violation,) = arrangement.violations
    assert violation == (0, "range", "bar 1: E2, Soprano reaches from A3 to A5")


@every_kind
@pytest.mark.parametrize("seed", range(3))
def test_four_voices_break_no_rule_whatever_the_model_would_like(
    kind: tuple[str, str], seed: int
) -> None:
    notes, _ = four_voices(16, seed)
    assert ARRANGERS[kind].label(notes, Hints()).violations == ()


@settings(max_examples=30, deadline=None)
@given(pitches=st.lists(st.integers(30, 85), min_size=1, max_size=5), kind=st.sampled_from(KINDS))
def test_a_chord_breaks_as_few_rules_as_can_be(pitches: list[int], kind: tuple[str, str]) -> None:
    notes, _ = NoteSequence.from_rows([(0, pitch, 24, 64) for pitch in pitches])
    fewest = min(
        len(report_violations(notes, CHORALE, np.array(parts)))
        for parts in product(range(4), repeat=len(notes))
    )
    assert len(ARRANGERS[kind].label(notes, Hints()).violations) == fewest


def test_violations_name_notes_of_the_file() -> None:
    rows = [(0, 127, 480, 64), (1, 60, 480, 64)]  # on the grid in the other order
    notes, _ = NoteSequence.from_rows(rows, resolution=480)
    arrangement = ARRANGERS["lstm", "memory"].label(notes, Hints())
    assert [(v.note, v.kind) for v in arrangement.violations] == [(0, "range")]


def test_hints_are_heard() -> None:
    notes, parts = four_voices(8)
    arranger = ARRANGERS["lstm", "linear"]
    told = arranger.label(notes, Hints.from_reference(notes, parts, "both"))
    assert (told.confidence != arranger.label(notes, Hints()).confidence).any()


def test_a_higher_temperature_makes_the_same_decisions_less_sure() -> None:
    checkpoint = tiny_checkpoint("piece", head="linear")
    doubtful = replace(checkpoint, card=replace(checkpoint.card, temperature=4.0))
    notes = NoteSequence.from_rows([(24 * i, 60, 24, 64) for i in range(8)])[0]
    sure, unsure = (Arranger(c).label(notes, Hints()) for c in (checkpoint, doubtful))
    assert (sure.parts == unsure.parts).all()
    assert (sure.confidence > unsure.confidence).all()


def test_a_path_a_score_and_a_muspy_music_are_arranged_alike(tmp_path: Path) -> None:
    path = write_chorale(tmp_path / "piece.mid")
    arranger = ARRANGERS["lstm", "memory"]
    from_path = arranger.arrange(path)
    music = from_path.to_muspy()
    assert [track.name for track in music.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    results = [arranger.arrange(given) for given in (str(path), read(path), music)]
    for result in results:
        assert notes_of(result.score.notes) == notes_of(from_path.score.notes)
        assert result.arrangement.parts.tolist() == from_path.arrangement.parts.tolist()
    for k, track in enumerate(music.tracks):
        own = from_path.score.notes.take(from_path.arrangement.parts == k)
        given = Counter((n.time, n.pitch, n.duration, n.velocity) for n in track.notes)
        assert given == notes_of(own)


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".json"])
def test_what_is_written_holds_every_note_on_its_part(tmp_path: Path, suffix: str) -> None:
    result = ARRANGERS["lstm", "memory"].arrange(write_chorale(tmp_path / "piece.mid"))
    out = tmp_path / f"out{suffix}"
    result.write(out)
    notes, parts = read(out).reference(CHORALE)
    scale = notes.resolution / result.score.notes.resolution
    given = result.score.notes
    rows = zip(given.onset, given.pitch, given.duration, result.arrangement.parts, strict=True)
    expected = Counter((o * scale, p, d * scale, k) for o, p, d, k in rows)
    assert Counter(zip(notes.onset, notes.pitch, notes.duration, parts, strict=True)) == expected


def test_a_hint_for_one_piece_does_not_stay_for_the_next() -> None:
    notes, _ = four_voices(6)
    arranger = ARRANGERS["lstm", "memory"]
    before = arranger.label(notes, Hints())
    arranger.label(notes, Hints(entries={0: 3.0}, locks={0: 0}))
    after = arranger.label(notes, Hints())
    assert before.confidence.tolist() == after.confidence.tolist()


def test_an_arranger_comes_from_a_folder(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint("piece")
    save(tmp_path / "mine", checkpoint.card, checkpoint.weights)
    arranger = Arranger.from_pretrained(tmp_path / "mine")
    assert arranger.name == "tiny-piece"
    notes, _ = four_voices(6)
    expected = ARRANGERS["lstm", "memory"].label(notes, Hints())
    assert arranger.label(notes, Hints()).parts.tolist() == expected.parts.tolist()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"missing\.mid: there is no such file"):
        ARRANGERS["lstm", "memory"].arrange(tmp_path / "missing.mid")


rows_of_notes = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 127), st.integers(0, 2000), st.integers(1, 127)),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(
    tracks=st.lists(rows_of_notes, min_size=1, max_size=3),
    drums=rows_of_notes,
    resolution=st.integers(1, 2000),
)
def test_a_file_arranged_and_written_holds_the_same_notes(
    tmp_path_factory: pytest.TempPathFactory,
    tracks: list[list[Row]],
    drums: list[Row],
    resolution: int,
) -> None:
    folder = tmp_path_factory.mktemp("files")
    named = {f"Track {i}": rows for i, rows in enumerate(tracks)} | {"Drums": drums}
    source = write_midi(folder / "in.mid", named, resolution)
    result = ARRANGERS["lstm", "memory"].arrange(source)
    result.write(folder / "out.mid")
    written = read(folder / "out.mid")
    assert len(written.notes) == sum(map(len, tracks))
    assert notes_of(written.notes) == notes_of(read(source).notes)
    assert written.notes.resolution == resolution
    assert not [w for w in written.warnings if "nothing to arrange" not in w]
    kept = [(t.name, t.program) for t in written.tracks if not t.is_drum]
    assert set(kept) <= {(part.name, part.program) for part in CHORALE.parts}
    assert drum_hits(folder / "out.mid") == drum_hits(source)


def drum_hits(path: Path) -> Counter[tuple[int, int, int, int]]:
    document = read(path).document
    events = [(document.tracks[t], start, end) for t, start, end in document.notes]
    return Counter(
        (track[start][0], *track[start][1][1:], track[end][0])
        for track, start, end in events
        if track[start][1][0] & 0x0F == 9
    )


def test_a_very_long_piece_is_heard_in_stretches_that_join(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes, _ = four_voices(60)
    arranger = Arranger(tiny_checkpoint("piece", head="linear"))
    whole = arranger.label(notes, Hints())
    monkeypatch.setattr(offline, "STRETCH", 40)
    monkeypatch.setattr(offline, "OVERLAP", 30)
    in_stretches = arranger.label(notes, Hints())
    assert len(in_stretches.parts) == len(notes)
    assert (in_stretches.parts == whole.parts).mean() > 0.95
    np.testing.assert_allclose(in_stretches.confidence[:30], whole.confidence[:30], atol=0.02)


@every_kind
def test_twins_are_written_in_score_order(kind: tuple[str, str]) -> None:
    notes, _ = NoteSequence.from_rows([(0, 60, 24, 64), (0, 60, 24, 64), (0, 50, 24, 64)])
    _, first, second = ARRANGERS[kind].label(notes, Hints()).parts.tolist()
    assert first < second


@pytest.mark.parametrize("seed", range(3))
def test_searching_only_where_rules_break_equals_searching_everywhere(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, _ = four_voices(12, seed)
    arranger = Arranger(tiny_checkpoint("piece", head="linear"), width=500)
    apart = arranger.label(notes, Hints(locks={3: 1}))
    monkeypatch.setattr(NoteSequence, "islands", lambda self: [slice(0, len(self))])
    whole = arranger.label(notes, Hints(locks={3: 1}))
    assert (apart.parts == whole.parts).all()


@every_kind
def test_alternatives_are_ranked_and_each_is_whole(kind: tuple[str, str]) -> None:
    notes, _ = four_voices(10)
    found = ARRANGERS[kind].alternatives(notes, Hints(locks={0: 1}), 3)
    assert len(found) == 3
    assert len({tuple(one.parts.tolist()) for one in found}) == 3
    likelihood = [np.log(one.confidence).sum() for one in found]
    assert likelihood == sorted(likelihood, reverse=True)
    for one in found:
        assert one.parts[0] == 1
        assert len(one.parts) == len(notes)


@pytest.mark.parametrize("rows", [[], [(0, 40, 24, 64)]])
def test_a_piece_that_can_be_arranged_in_one_way_has_no_alternative(rows: list) -> None:
    notes, _ = NoteSequence.from_rows(rows)
    assert len(Arranger(tiny_checkpoint("piece")).alternatives(notes, Hints(), 3)) == 1


@every_kind
def test_a_runner_up_is_the_likeliest_of_the_other_parts(kind: tuple[str, str]) -> None:
    notes, _ = four_voices(10)
    found = ARRANGERS[kind].label(notes, Hints(locks={0: 1}))
    assert found.likely is not None
    np.testing.assert_allclose(found.likely.sum(axis=1), 1, atol=1e-4)
    for n, other in enumerate(found.runners_up()):
        assert other is not None
        part, sure = other
        assert part != found.parts[n]
        others = np.delete(found.likely[n], found.parts[n])
        assert sure == pytest.approx(others.max())
        assert found.confidence[n] == pytest.approx(found.likely[n, found.parts[n]])


TILTED = {
    kind: Arranger(replace(checkpoint, card=replace(checkpoint.card, tilted=True)))
    for kind, checkpoint in ((kind, tiny_checkpoint("piece", *kind)) for kind in KINDS)
}


@every_kind
def test_a_tilted_model_takes_pitch_hints_at_their_word(kind: tuple[str, str]) -> None:
    notes, parts = four_voices(16)
    hints = Hints.from_reference(notes, parts, "pitch")

    def gap(arranger: Arranger) -> float:
        made = arranger.label(notes, hints)
        assert made.violations == ()
        assert (made.confidence > 0).all()
        own = [notes.pitch[made.parts == part] for part in range(4)]
        return sum(abs(own[part].mean() - mean) for part, mean in hints.mean_pitch.items())

    assert gap(TILTED[kind]) < gap(ARRANGERS[kind])


@every_kind
@pytest.mark.parametrize("hinted", ["none", "entry"])
def test_a_tilted_model_answers_as_before_without_pitch_hints(
    kind: tuple[str, str], hinted: str
) -> None:
    notes, parts = four_voices(8)
    hints = Hints.from_reference(notes, parts, hinted)
    tilted, plain = (made[kind].label(notes, hints) for made in (TILTED, ARRANGERS))
    assert tilted.parts.tolist() == plain.parts.tolist()
    assert tilted.confidence.tolist() == plain.confidence.tolist()


@every_kind
@pytest.mark.parametrize("rows", ODD.values(), ids=ODD)
def test_no_alternative_comes_twice(kind: tuple[str, str], rows: list[Row]) -> None:
    notes, _ = NoteSequence.from_rows(rows, resolution=480)
    found = ARRANGERS[kind].alternatives(notes, Hints(), 6)
    assert len({tuple(one.parts.tolist()) for one in found}) == len(found)


@every_kind
@pytest.mark.parametrize("rows", ODD.values(), ids=ODD)
def test_a_tilted_model_keeps_locks_whatever_it_is_told(
    kind: tuple[str, str], rows: list[Row]
) -> None:
    notes, _ = NoteSequence.from_rows(rows, resolution=480)
    locks = dict.fromkeys(range(min(2, len(rows))), 3)
    wild = Hints(mean_pitch={0: -500.0, 1: 60.0, 2: 1e6}, locks=locks)
    made = TILTED[kind].label(notes, wild)
    assert [int(made.parts[note]) for note in locks] == [*locks.values()]
    assert ((made.confidence > 0) & (made.confidence <= 1)).all()
