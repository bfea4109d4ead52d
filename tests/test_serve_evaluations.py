from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from arranger.checkpoints import load
from arranger.offline import Arranger
from evaluation.pieces import read_references
from evaluation.runner import evaluate
from serve import schemas
from tests.music import CHORALE, write_chorale
from tests.services import said

AT = "/v1/evaluations"


def test_the_metrics_are_those_of_the_command(service: httpx.Client, tmp_path: Path) -> None:
    paths = [write_chorale(tmp_path / f"{n}.mid", 8, n) for n in range(2)]
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    answer = service.post(AT, files=files, data={"hints": "entry"})
    told = schemas.Evaluation.model_validate(answer.json())
    pieces = read_references(paths, CHORALE)
    report = evaluate(Arranger(load("chorale-offline")), pieces, "entry", CHORALE, "offline")
    for key in ("accuracy", "macro_f1", "notes", "hints"):
        assert told.metrics[key] == report.metrics[key]
    assert told.confusion == report.confusion.tolist()
    for piece, result in zip(told.pieces, report.results, strict=True):
        wrong = [note for note in piece.notes if note.part != note.truth]
        assert piece.mistakes == len(wrong) == len(result.mistakes)


@pytest.mark.parametrize("mode", ["live", "stage", "chord-live"])
def test_every_mode_can_be_measured(service: httpx.Client, piece: Path, mode: str) -> None:
    answer = service.post(AT, content=piece.read_bytes(), params={"mode": mode, "name": "a.mid"})
    assert answer.json()["metrics"]["mode"] == mode


def test_one_bad_file_among_others_is_passed_over(service: httpx.Client, piece: Path) -> None:
    files = [("file", ("good.mid", piece.read_bytes())), ("file", ("bad.mid", b"rubbish"))]
    told = service.post(AT, files=files).json()
    assert len(told["pieces"]) == 1
    assert "bad.mid" in told["warnings"][0]


def test_a_score_without_named_parts_is_refused(service: httpx.Client) -> None:
    song = service.get("/v1/examples/pop-sketch.mid").content
    answer = service.post(AT, content=song, params={"name": "song.mid"})
    assert "song.mid: none of its tracks is a part of chorale" in said(answer, 422)


def test_notes_as_json_are_no_reference(service: httpx.Client) -> None:
    assert "expected scores as files" in said(service.post(AT, json={"notes": []}), 422)
