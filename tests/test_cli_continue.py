from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from arranger.cli import main
from arranger.files import read
from tests.commands import notes_in, refused
from tests.generators import save_tiny_generator


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_generator(tmp_path_factory.mktemp("generator") / "tiny")


def go_on(*arguments: str | Path) -> int:
    return main(["continue", *map(str, arguments)])


def test_the_input_comes_out_unchanged_with_new_notes_behind_it(
    piece: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out" / "more.mid"
    assert go_on(piece, "-o", output, "--model", model, "--bars", "2", "--tempo", "80") == 0
    assert "new ones in" in capsys.readouterr().out
    before, after = read(piece), read(output)
    assert after.document.tracks[: len(before.document.tracks)] == before.document.tracks
    assert notes_in(piece) <= notes_in(output)
    assert after.tracks[-1].name == "Continuation"
    new = after.notes.take(after.track == len(after.tracks) - 1)
    assert new.onset.min() >= before.notes.offset.max()
    assert after.notes.tempos[-1].quarters == pytest.approx(80)


@pytest.mark.parametrize("suffix", [".musicxml", ".json"])
def test_other_formats_hold_the_continuation_too(
    piece: Path, model: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"more{suffix}"
    assert go_on(piece, "-o", output, "--model", model, "--bars", "1") == 0
    assert len(read(output).notes) > len(read(piece).notes)


def test_a_piece_can_begin_from_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new.mid"
    assert go_on("-o", output, "--model", model, "--seconds", "5", "--style", "waltz") == 0
    assert "there is nothing to go on from" in capsys.readouterr().out
    assert len(read(output).notes) > 0


def test_alternatives_are_numbered_and_differ(piece: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "more.mid"
    assert go_on(piece, "-o", output, "--model", model, "--alternatives", "2") == 0
    one, two = (notes_in(tmp_path / f"more-{n}.mid") for n in (1, 2))
    assert one != two


@pytest.mark.usefixtures("tiny_models_are_shipped")
def test_the_continuation_is_arranged_for_an_ensemble_of_ones_own(
    piece: Path, model: Path, tmp_path: Path
) -> None:
    output, duo = tmp_path / "more.mid", tmp_path / "duo.yaml"
    parts = [{"name": "Flute", "program": 73}, {"name": "Lute", "program": 24, "voices": None}]
    duo.write_text(yaml.safe_dump({"name": "duo", "parts": parts}))
    assert go_on(piece, "-o", output, "--model", model, "--arrange", duo) == 0
    assert {track.name for track in read(output).tracks} <= {"Flute", "Lute"}
    assert notes_in(piece) <= notes_in(output)


@pytest.mark.usefixtures("tiny_models_are_shipped")
def test_the_continuation_is_arranged_with_the_piece(
    piece: Path, model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "more.mid"
    assert go_on(piece, "-o", output, "--model", model, "--arrange", "chorale") == 0
    arranged = read(output)
    assert {track.name for track in arranged.tracks} <= {"Soprano", "Alto", "Tenor", "Bass"}
    assert notes_in(piece) <= notes_in(output)


@pytest.mark.usefixtures("tiny_models_are_shipped")
def test_each_alternative_is_drawn_whatever_it_is_arranged_for(
    piece: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(
        "evaluation.figures.continuation",
        lambda arrangement, given, title, path: drawn.append((arrangement, given, title, path)),
    )
    picture, count = tmp_path / "pictures" / "more.png", len(read(piece).notes)
    common = (piece, "-o", tmp_path / "more.mid", "--model", model, "--bars", "2")
    assert go_on(*common, "--alternatives", "2", "--picture", picture) == 0
    assert go_on(*common, "--arrange", "chorale", "--picture", picture) == 0
    names = [path.name for _, _, _, path in drawn]
    assert names == ["more-1.png", "more-2.png", "more.png"]
    for arrangement, given, _, _ in drawn:
        assert given.sum() == count < len(given) == len(arrangement.parts)
        assert arrangement.notes.onset[~given].min() >= arrangement.notes.offset[given].max()
    assert [len(arrangement.ensemble) for arrangement, _, _, _ in drawn] == [1, 1, 4]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bars", "0"], "bars must lie in 1..1000, not 0"),
        (["--temperature", "1e9"], "temperature must lie in 0..10"),
        (["--style", "polka"], "style 'polka' is unknown"),
        (["--alternatives", "0"], "alternatives must lie in 1..100, not 0"),
        (["--seed", "-1"], "seed must be 0 or more, not -1"),
        (["--tempo", "0"], "tempo must lie in 10..400 quarters a minute, not 0"),
        (["--arrange", "nonet"], "nonet"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    piece: Path,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    code = go_on(piece, "-o", tmp_path / "more.mid", "--model", model, *arguments)
    refused(capsys, code, words)


@pytest.mark.usefixtures("tiny_models_are_shipped")
def test_without_a_shipped_generator_one_has_to_be_named(
    piece: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, go_on(piece, "-o", tmp_path / "more.mid"), "name it with --model")
    refused(capsys, go_on(piece, "-o", tmp_path / "more.xyz"), "expected a suffix among")
