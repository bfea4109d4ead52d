from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from arranger.accelerated import AcceleratedEngine
from arranger.ensembles import load_ensemble
from arranger.offline import Arranger
from arranger.token_models import Predictor
from serve import settings
from serve.models import Models
from serve.settings import ApiSettings
from tests.music import write_chorale
from tests.services import MIDI, serving

IN_TORCH = settings.Models(device="cpu")


def engine_of(models: Models, ensemble: str) -> AcceleratedEngine:
    arranger = models.arranger(load_ensemble(ensemble), "offline", "chorale-offline")
    assert isinstance(arranger, Arranger)
    assert isinstance(arranger._engine, AcceleratedEngine)
    return arranger._engine


def test_with_numpy_no_model_runs_in_torch() -> None:
    arranger = Models(settings.Models()).arranger(load_ensemble("chorale"), "offline")
    assert not isinstance(arranger._engine, AcceleratedEngine)


def test_ensembles_that_one_model_arranges_for_share_its_passes() -> None:
    models = Models(IN_TORCH)
    assert engine_of(models, "chorale") is engine_of(models, "quartet")


def test_a_generator_runs_on_the_device_that_is_wanted(generator: Path) -> None:
    wanted = settings.Models(device="cpu", folders=(str(generator),))
    found = Models(wanted).generator("tiny-metrical")
    assert found is not None
    assert isinstance(found._model, Predictor)


def test_models_in_torch_run_once_before_the_first_request(
    generator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[str] = []
    monkeypatch.setattr(AcceleratedEngine, "warm_up", lambda self: warmed.append("arranger"))
    read = Predictor.read

    def counted(self: Predictor, ids: np.ndarray, state: object = None) -> object:
        warmed.append(f"generator {len(ids)}")
        return read(self, ids, state)

    monkeypatch.setattr(Predictor, "read", counted)
    wanted = settings.Models(
        device="cpu", folders=(str(generator),), warm=("chorale-offline", "tiny-metrical")
    )
    Models(wanted).warm_up(wanted.warm)
    assert warmed[-1] == "arranger"
    assert {"generator 1", "generator 128", "generator 256"} <= set(warmed)


def test_a_service_in_torch_answers_many_at_once_as_numpy_does(
    service: httpx.Client, tmp_path: Path
) -> None:
    paths = [write_chorale(tmp_path / f"{n}.mid", 8 + n, n) for n in range(8)]
    chosen = ApiSettings(folder=str(tmp_path / "kept"), models=IN_TORCH)
    with serving(chosen) as (client, services), ThreadPoolExecutor(8) as pool:

        def ask(path: Path) -> httpx.Response:
            return client.post("/v1/arrangements", content=path.read_bytes(), headers=MIDI)

        found = list(pool.map(ask, paths))
        passes = engine_of(services.models, "chorale").passes
    for path, answer in zip(paths, found, strict=True):
        assert answer.status_code == 200, answer.text
        alone = service.post("/v1/arrangements", content=path.read_bytes(), headers=MIDI)
        for one, other in zip(notes_of(answer), notes_of(alone), strict=True):
            assert one["part"] == other["part"]
            assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-3)
    assert passes.notes == 5 * sum(len(notes_of(answer)) for answer in found)


def notes_of(answer: httpx.Response) -> list[dict]:
    found: list[dict] = json.loads(answer.content)["notes"]
    return found
