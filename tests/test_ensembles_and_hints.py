from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from arranger.ensembles import Ensemble, Part, load_ensemble
from arranger.hints import Hints, load_hints
from tests.music import CHORALE, four_voices


def test_the_chorale_has_four_voices_from_the_highest_down() -> None:
    assert CHORALE.names == ("Soprano", "Alto", "Tenor", "Bass")
    assert all(part.voices == 1 for part in CHORALE.parts)


@pytest.mark.parametrize("name", ["Tenor", "tenor", " TENORE ", "T.", "Ten"])
def test_a_part_answers_to_its_aliases_however_they_are_written(name: str) -> None:
    assert CHORALE.index(name) == 2


def test_a_name_within_a_longer_name_is_not_an_alias() -> None:
    strings = Ensemble(
        "two",
        (Part("Violin 1", 40, aliases=("violin i",)), Part("Violin 2", 40, aliases=("violin ii",))),
    )
    assert strings.part_of_track("Violin II", 40) == 1
    assert strings.part_of_track("Violin I", 40) == 0


def test_a_program_decides_only_where_one_part_has_it() -> None:
    pair = Ensemble("pair", (Part("Flute", 73), Part("Bassoon", 70)))
    assert pair.part_of_track(None, 70) == 1
    assert pair.part_of_track("Piano", 73) == 0
    assert CHORALE.part_of_track("Piano", 52) is None


def test_unknown_ensembles_are_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"unknown ensemble 'brass'.*chorale"):
        load_ensemble("brass")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("parts: [", "not a readable YAML"),
        ("name: x", "expected the keys name and parts"),
        ("name: x\nparts: [{name: A, program: 200}]", "program 200"),
        ("name: x\nparts: [{name: A, program: 1, low: 9, high: 3}]", "range 9..3"),
        ("name: x\nparts: [{name: A, program: 1, colour: red}]", "colour"),
        ("name: x\nparts: [{name: A, program: 1, programs: [0-99999999999]}]", "programs '0-9+'"),
        ("name: x\nparts: [{name: A, program: 1, programs: [45-40]}]", "programs '45-40'"),
        ("name: x\nparts: [{name: A, program: 1, programs: [high]}]", "'high'"),
        ("name: x\nparts: [{name: A, program: 1, programs: 7}]", "not an ensemble"),
        ("name: x\nparts: []", "no parts"),
        ("name: x\nparts: [{name: A, program: 1}, {name: a, program: 1}]", "same name"),
    ],
)
def test_a_bad_ensemble_file_is_refused_in_one_sentence(
    tmp_path: Path, text: str, fault: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=fault) as caught:
        load_ensemble(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hints_are_encoded_for_each_note_and_part() -> None:
    hints = Hints(entries={1: 2.0}, mean_pitch={3: 48.0})
    code = hints.encode(np.array([1.0, 2.0, 3.0]), np.array([60.0, 60.0, 42.0]), 4)
    assert code.shape == (3, 4, 5)
    assert code[:, 1, :3].tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
    assert code[:, 3, 3:].tolist() == [[1, 1], [1, 1], [1, -0.5]]
    assert not code[:, [0, 2]].any()


def test_a_reference_gives_the_hints_of_the_kind_asked_for() -> None:
    notes, parts = four_voices(4)
    both = Hints.from_reference(notes, parts, "both")
    assert both.entries == {0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0}
    assert both.mean_pitch[3] == pytest.approx(notes.pitch[parts == 3].mean())
    assert not Hints.from_reference(notes, parts, "none").anything
    assert not Hints.from_reference(notes, parts, "entry").mean_pitch
    with pytest.raises(ValueError, match="'some'"):
        Hints.from_reference(notes, parts, "some")


def test_hints_are_read_by_the_names_of_parts(tmp_path: Path) -> None:
    path = tmp_path / "hints.yaml"
    path.write_text("entries: {alto: 4}\nmean_pitch: {Bass: 50.5}\nlocks: {7: T}\n")
    assert load_hints(path, CHORALE) == Hints({1: 4.0}, {3: 50.5}, {7: 2})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("entries: {Oboe: 0}", "unknown part 'Oboe': the parts of chorale are Soprano"),
        ("tempo: 3", "expected only the keys"),
        ("entries: [1, 2]", "entries must map"),
        ("mean_pitch: {Alto: high}", "high"),
        ("locks: {first: Alto}", "first"),
        (": :", "YAML"),
    ],
)
def test_a_bad_hint_file_is_refused_in_one_sentence(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "hints.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=fault) as caught:
        load_hints(path, CHORALE)
    assert str(path) in str(caught.value)


def test_a_missing_hint_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: cannot be read"):
        load_hints(tmp_path / "none.yaml", CHORALE)
