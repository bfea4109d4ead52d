from __future__ import annotations

from pathlib import Path

import pytest

from arranger.checkpoints import CheckpointError
from serve.live.lineup import Roster
from serve.live.protocol import EnsembleSpec, HintsSpec, PartSpec

TRIO = EnsembleSpec(
    name="wind trio",
    parts=(
        PartSpec(name="Flute", program=73, low=60, high=96),
        PartSpec(name="Clarinet", program=71, low=50, high=94),
        PartSpec(name="Bassoon", program=70, low=34, high=72),
    ),
)


@pytest.fixture(scope="module")
def roster(models: Path) -> Roster:
    return Roster([str(models / "chorale-live"), str(models / "chorale-chord-live")])


def test_a_part_has_its_program_and_a_channel_of_its_own(roster: Roster) -> None:
    parts = roster.lineup("chorale").parts
    assert [part.name for part in parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert [part.channel for part in parts] == [0, 1, 2, 3]
    many = tuple(PartSpec(name=f"Part {n}", program=n) for n in range(15))
    channels = [p.channel for p in roster.lineup(EnsembleSpec(name="m", parts=many)).parts]
    assert 9 not in channels and len(set(channels)) == 15


def test_the_mode_chooses_the_model(roster: Roster) -> None:
    assert roster.lineup("chorale", "stage").model == "tiny-note"
    assert roster.lineup("chorale", "live").model == "tiny-note"
    assert roster.lineup("chorale", "chord-live").model == "tiny-chord"


def test_parts_that_no_model_knows_are_cast(roster: Roster) -> None:
    lineup = roster.lineup(TRIO)
    assert lineup.checkpoint.casting is not None
    hints = lineup.hints(HintsSpec(entries={"bassoon": 4.0}, mean_pitch={"Flute": 80.0}))
    assert hints.entries == {2: 4.0} and hints.mean_pitch == {0: 80.0}


@pytest.mark.parametrize(
    ("ensemble", "mode", "model", "sentence"),
    [
        ("circus", "stage", None, "unknown ensemble 'circus': known are chorale"),
        ("../../secret", "stage", None, "unknown ensemble '../../secret': give a name"),
        ("/etc/chorale.yaml", "stage", None, "give a name, or the parts"),
        ("chorale", "stage", "/etc/passwd", "unknown model '/etc/passwd': tiny-note can play"),
        ("chorale", "stage", "tiny-chord", "unknown model 'tiny-chord': tiny-note can play stage"),
    ],
)
def test_what_there_is_not_gives_one_sentence(
    roster: Roster, ensemble: str, mode: str, model: str | None, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        roster.lineup(ensemble, mode, model)


def test_a_hint_for_nobody_is_refused(roster: Roster) -> None:
    with pytest.raises(ValueError, match="unknown part 'Kazoo': the parts of chorale are Soprano"):
        roster.lineup("chorale").hints(HintsSpec(entries={"Kazoo": 1.0}))


def test_a_roster_needs_a_model_that_plays_live(models: Path) -> None:
    with pytest.raises(ValueError, match="no live model is loaded"):
        Roster([str(models / "chorale-offline")])
    with pytest.raises(CheckpointError, match="no checkpoint 'nobody'"):
        Roster(["nobody"])


@pytest.mark.usefixtures("tiny_models_are_shipped")
def test_without_names_all_shipped_live_models_are_loaded() -> None:
    roster = Roster()
    roster.warm_up()
    assert {roster.lineup("chorale", m).model for m in ("live", "chord-live")} == {
        "tiny-note",
        "tiny-chord",
    }
