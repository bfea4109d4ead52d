"""The baselines: their definitions on small pieces, and what is kept of the fitted ones."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arranger.ensembles import Ensemble, Part, load_ensemble
from arranger.hints import Hints
from arranger.notes import NoteSequence
from evaluation.baselines import (
    Baselines,
    ClosestPitch,
    ZoneOracle,
    best_zones,
    fit_baselines,
    fit_perceptron,
    histogram_of,
    load_baselines,
    most_common,
    zone,
)
from evaluation.baselines.mlp import taught_features
from evaluation.pieces import Labeller, Oracle, Piece

TRIO = Ensemble(
    "trio", (Part("High", 73, 60, 84), Part("Middle", 70, 52, 76), Part("Low", 32, 36, 60))
)
AT_ONCE = Hints({0: 0.0, 1: 0.0, 2: 0.0})


def sequence(*rows: tuple[int, int, int]) -> NoteSequence:
    """Notes of (onset, pitch, duration) in ticks of 24 a quarter."""
    return NoteSequence.from_rows([(*row, 64) for row in rows])[0]


def piece(seed: int, quarters: int = 40) -> Piece:
    """Three voices in stepwise motion, now and then crossing, with longer notes and rests."""
    rng = np.random.default_rng(seed)
    rows = []
    for part, middle in enumerate((70, 64, 52)):
        pitch, time = middle, 0
        while time < 24 * quarters:
            length = int(rng.choice([12, 24, 24, 48]))
            if time == 0 or rng.random() < 0.93:
                rows.append((time, int(pitch), length, 64, part))
            pitch = np.clip(pitch + rng.integers(-2, 3), middle - 9, middle + 9)
            time += length
    rows.sort()
    notes, order = NoteSequence.from_rows([row[:4] for row in rows])
    return Piece(f"piece {seed}", notes, np.array([row[4] for row in rows])[order])


@pytest.fixture(scope="module")
def pieces() -> list[Piece]:
    return [piece(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def fitted(pieces: list[Piece]) -> Baselines:
    return fit_baselines(pieces[:10], TRIO)


def brute_force(histogram: np.ndarray) -> int:
    """The most notes that any order of parts and any boundaries get right."""
    parts, pitches = histogram.shape
    best = 0
    for order in itertools.permutations(range(parts)):
        for inner in itertools.combinations_with_replacement(range(pitches + 1), parts - 1):
            edges = [0, *inner, pitches]
            best = max(
                best, sum(histogram[k, edges[i] : edges[i + 1]].sum() for i, k in enumerate(order))
            )
    return best


def test_the_best_zones_equal_a_search_of_all_boundaries_and_orders() -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        histogram = rng.integers(0, 9, (3, 9)) * rng.integers(0, 2, (3, 9))
        order, lowest = best_zones(histogram)
        edges = [*lowest, 9]
        assert sorted(order) == [0, 1, 2]
        assert lowest[0] == 0 and edges == sorted(edges)
        right = sum(histogram[k, edges[i] : edges[i + 1]].sum() for i, k in enumerate(order))
        assert right == brute_force(histogram)


def test_zones_of_a_dozen_parts_are_found_without_brute_force() -> None:
    centres = np.random.default_rng(1).permutation(12)
    histogram = np.zeros((12, 128), dtype=np.int64)
    for k, centre in enumerate(centres.tolist()):
        histogram[k, 10 * centre : 10 * centre + 10] = 1 + k
    order, lowest = best_zones(histogram)
    assert list(order) == np.argsort(centres).tolist()
    assert list(lowest) == [10 * i for i in range(12)]


def test_on_a_grid_a_baseline_hears_nothing_finer(pieces: list[Piece], tmp_path: Path) -> None:
    fit_baselines(pieces[:10], TRIO, resolution=24).save(tmp_path)
    chord, _ = NoteSequence.from_rows([(0, pitch, 576, 64) for pitch in (60, 58, 56)], 576)
    apart, _ = NoteSequence.from_rows([(t, 60 - 2 * t, 576, 64) for t in range(3)], 576)
    for row in load_baselines(TRIO, tmp_path).rows():
        if row.mode != "oracle":
            found = row.scorer.label(apart, AT_ONCE)
            assert found.notes is apart
            assert found.parts.tolist() == row.scorer.label(chord, AT_ONCE).parts.tolist()[::-1]
    bare = ClosestPitch(TRIO).label(apart, AT_ONCE).parts.tolist()
    assert bare != ClosestPitch(TRIO).label(chord, AT_ONCE).parts.tolist()[::-1]


def test_a_grid_without_ticks_is_refused(pieces: list[Piece]) -> None:
    with pytest.raises(ValueError, match="a grid has 1 tick a quarter or more, not 0"):
        fit_baselines(pieces[:3], TRIO, resolution=0)


def test_a_zone_is_as_sure_as_its_part_is_frequent_in_it() -> None:
    histogram = np.zeros((3, 128), dtype=np.int64)
    histogram[0, 70:80], histogram[2, 40:50], histogram[1, 40:50] = 4, 6, 2
    found = zone(histogram, TRIO)
    answer = found.label(sequence((0, 45, 24), (0, 75, 24)), Hints())
    assert answer.parts.tolist() == [2, 0]
    assert answer.confidence.tolist() == pytest.approx([0.75, 1.0])


def test_the_most_common_part_gets_every_note() -> None:
    histogram = np.zeros((3, 128), dtype=np.int64)
    histogram[0, 70], histogram[1, 60], histogram[2, 40] = 3, 5, 2
    answer = most_common(histogram, TRIO).label(sequence((0, 40, 24), (0, 70, 24)), Hints())
    assert answer.parts.tolist() == [1, 1]
    assert answer.confidence.tolist() == [0.5, 0.5]


def test_no_zones_beat_those_of_the_oracle(pieces: list[Piece]) -> None:
    learned = zone(histogram_of(pieces, TRIO), TRIO)
    for one in pieces:
        informed = ZoneOracle(TRIO).informed(one.notes, one.parts)
        best = np.sum(informed.label(one.notes, Hints()).parts == one.parts)
        assert best >= np.sum(learned.label(one.notes, Hints()).parts == one.parts)


def test_only_the_oracle_is_an_oracle(fitted: Baselines) -> None:
    oracles = [row.scorer.name for row in fitted.rows() if isinstance(row.scorer, Oracle)]
    assert oracles == ["zone-oracle"]


def test_closest_pitch_follows_each_part_where_it_goes() -> None:
    notes = sequence((0, 45, 24), (0, 60, 24), (0, 72, 24), (24, 57, 24), (48, 54, 24), (72, 69, 9))
    answer = ClosestPitch(TRIO).label(notes, AT_ONCE)
    assert answer.parts.tolist() == [2, 1, 0, 1, 1, 0]
    assert answer.confidence.tolist() == pytest.approx([1 / 3] * 6)


def test_only_the_monophonic_form_leaves_sounding_parts_alone() -> None:
    notes = sequence((0, 45, 96), (0, 60, 24), (0, 72, 96), (24, 47, 24))
    assert ClosestPitch(TRIO).label(notes, AT_ONCE).parts.tolist() == [2, 1, 0, 2]
    assert ClosestPitch(TRIO, mono=True).label(notes, AT_ONCE).parts.tolist() == [2, 1, 0, 1]


def test_the_monophonic_form_matches_the_notes_of_a_chord_together() -> None:
    notes = sequence(
        (0, 50, 24), (0, 60, 24), (0, 70, 24), (24, 59, 24), (24, 60, 24), (24, 61, 24)
    )
    assert ClosestPitch(TRIO, mono=True).label(notes, AT_ONCE).parts.tolist() == [2, 1, 0] * 2


def test_parts_leave_a_unison_in_score_order() -> None:
    notes = sequence(
        (0, 45, 24), (0, 64, 24), (0, 64, 24), (24, 45, 24), (24, 62, 24), (24, 66, 24)
    )
    answer = ClosestPitch(TRIO, mono=True).label(notes, AT_ONCE)
    assert answer.parts[3:].tolist() == [2, 1, 0]


def test_a_part_gets_no_note_before_its_entry_and_one_at_its_entry() -> None:
    notes = sequence((0, 72, 24), (24, 50, 24), (48, 52, 24), (48, 70, 24))
    for mono in (False, True):
        answer = ClosestPitch(TRIO, mono).label(notes, Hints({0: 0.0, 1: 2.0}))
        assert answer.parts.tolist()[:2] == [0, 0]
        assert answer.parts.tolist()[2:] == [0, 1]


def test_a_part_that_enters_takes_a_note_from_a_nearer_part() -> None:
    notes = sequence((0, 72, 24), (48, 72, 24))
    for mono in (False, True):
        answer = ClosestPitch(TRIO, mono).label(notes, Hints({0: 0.0, 1: 2.0}))
        assert answer.parts.tolist() == [0, 1]


def test_the_rest_of_an_entry_chord_is_measured_from_the_note_that_entered() -> None:
    notes = sequence((0, 66, 24), (48, 59, 24), (48, 68, 24))
    answer = ClosestPitch(TRIO).label(notes, Hints({0: 0.0, 1: 2.0}))
    assert answer.parts.tolist() == [0, 0, 1]


def test_a_chord_larger_than_the_ensemble_still_gets_its_parts() -> None:
    notes = sequence(*((0, 40 + 4 * i, 24) for i in range(9)), (24, 41, 24))
    answer = ClosestPitch(TRIO, mono=True).label(notes, AT_ONCE)
    assert set(answer.parts.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    "hints", [Hints(), Hints({1: 8.0}), Hints({0: 900.0, 2: 900.0})], ids=["none", "late", "never"]
)
def test_hints_that_fit_badly_still_give_every_note_a_part(hints: Hints) -> None:
    notes = piece(5).notes
    for mono in (False, True):
        answer = ClosestPitch(TRIO, mono).label(notes, hints)
        assert answer.parts.min() >= 0 and answer.parts.max() < 3


def test_closest_pitch_mono_beats_closest_pitch_on_independent_voices(pieces: list[Piece]) -> None:
    def right(mono: bool) -> int:
        return sum(
            int(np.sum(ClosestPitch(TRIO, mono).label(p.notes, AT_ONCE).parts == p.parts))
            for p in pieces
        )

    assert right(mono=True) > right(mono=False)


def test_the_mlp_learns_voices_that_zones_cannot_tell_apart(fitted: Baselines) -> None:
    unseen = [piece(seed) for seed in range(100, 106)]

    def accuracy(labeller: Labeller) -> float:
        right = [labeller.label(p.notes, AT_ONCE).parts == p.parts for p in unseen]
        return float(np.mean(np.concatenate(right)))

    assert accuracy(fitted.mlp) > accuracy(fitted.zone) + 0.03


def test_the_mlp_sees_in_use_what_it_was_taught(fitted: Baselines, pieces: list[Piece]) -> None:
    one, mlp = pieces[11], fitted.mlp
    answer = mlp.label(one.notes, AT_ONCE)
    layer = (taught_features(one.notes, AT_ONCE, answer.parts, 3) - mlp.center) / mlp.scale
    for i, (matrix, bias) in enumerate(mlp.weights):
        layer = (np.maximum(layer, 0) if i else layer) @ matrix + bias
    chance = np.exp(layer - layer.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    assert answer.parts.tolist() == layer.argmax(axis=1).tolist()
    np.testing.assert_allclose(answer.confidence, chance.max(axis=1), atol=1e-3)


def test_the_mlp_is_the_same_for_the_same_seed_and_another_for_another(
    pieces: list[Piece],
) -> None:
    first, again, other = (fit_perceptron(pieces[:3], TRIO, seed, epochs=1) for seed in (7, 7, 8))
    assert np.array_equal(first.weights[0][0], again.weights[0][0])
    assert not np.array_equal(first.weights[0][0], other.weights[0][0])


def test_the_mlp_works_for_two_parts_as_for_more() -> None:
    duo = Ensemble("duo", (TRIO.parts[0], TRIO.parts[2]))
    two = []
    for seed in range(3):
        whole = piece(seed)
        kept = whole.parts != 1
        two.append(Piece(whole.name, whole.notes.take(kept), whole.parts[kept] // 2))
    mlp = fit_perceptron(two, duo, epochs=6)
    answer = mlp.label(two[0].notes, Hints.from_reference(two[0].notes, two[0].parts, "entry"))
    assert np.mean(answer.parts == two[0].parts) > 0.95
    assert answer.confidence.min() >= 0.5


def test_every_baseline_labels_every_note_of_any_piece(fitted: Baselines) -> None:
    for notes in (sequence(), sequence((7, 0, 0)), sequence((0, 127, 9), (0, 127, 9), (5, 3, 0))):
        for row in fitted.rows():
            scorer = row.scorer
            if isinstance(scorer, Oracle):
                scorer = scorer.informed(notes, np.zeros(len(notes), dtype=np.int64))
            answer = scorer.label(notes, Hints())
            assert answer.parts.shape == answer.confidence.shape == (len(notes),)
            assert ((answer.confidence >= 0) & (answer.confidence <= 1)).all()


def test_saved_baselines_come_back_the_same(
    fitted: Baselines, pieces: list[Piece], tmp_path: Path
) -> None:
    fitted.save(tmp_path / "kept")
    loaded = load_baselines(TRIO, tmp_path / "kept")
    assert loaded.trained_on == fitted.trained_on
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) < 1_000_000
    one = pieces[11]

    def answers(baselines: Baselines) -> list[tuple[Labeller, Labeller]]:
        return [baselines.most_common, baselines.zone, baselines.mlp]

    for before, after in zip(answers(fitted), answers(loaded), strict=True):
        old, new = before.label(one.notes, AT_ONCE), after.label(one.notes, AT_ONCE)
        assert old.parts.tolist() == new.parts.tolist()
        np.testing.assert_allclose(old.confidence, new.confidence, atol=1e-6)


def test_baselines_for_other_parts_are_refused(fitted: Baselines, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    other = replace(TRIO, name="other", parts=TRIO.parts[:2])
    with pytest.raises(ValueError, match=r"fitted for .* High, Middle, Low, not .*other"):
        load_baselines(other, tmp_path)


def test_a_folder_without_sound_baselines_is_refused(fitted: Baselines, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere: no fitted baselines there"):
        load_baselines(TRIO, tmp_path / "nowhere")
    fitted.save(tmp_path)
    (tmp_path / "mlp.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="cannot be read"):
        load_baselines(TRIO, tmp_path)
    fitted.save(tmp_path)
    document = json.loads((tmp_path / "baselines.json").read_text())
    (tmp_path / "baselines.json").write_text(json.dumps(document | {"format": 99}))
    with pytest.raises(ValueError, match="format 99, expected 1"):
        load_baselines(TRIO, tmp_path)


def test_one_piece_is_not_enough_for_the_mlp(pieces: list[Piece]) -> None:
    with pytest.raises(ValueError, match="at least 2 training pieces, not 1"):
        fit_perceptron(pieces[:1], TRIO)


def test_the_shipped_baselines_fit_the_chorale() -> None:
    shipped = load_baselines(load_ensemble("chorale"))
    chord = sequence((0, 48, 24), (0, 57, 24), (0, 64, 24), (0, 72, 24))
    entries = Hints(dict.fromkeys(range(4), 0.0))
    assert shipped.mlp.label(chord, entries).parts.tolist() == [3, 2, 1, 0]
    assert shipped.zone.label(chord, Hints()).parts.tolist() == [3, 2, 1, 0]


def test_baselines_that_are_not_shipped_are_missed_by_the_name_of_their_folder() -> None:
    with pytest.raises(ValueError, match=r"fitted.trio: no fitted baselines there"):
        load_baselines(TRIO)
