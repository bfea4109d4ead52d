"""What several test files start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from arranger import checkpoints
from arranger.checkpoints import save
from tests.generators import save_tiny_generator
from tests.models import tiny_checkpoint
from tests.music import write_chorale
from tests.services import serving, settings


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny checkpoint for each mode, named as the shipped ones are."""
    folder = tmp_path_factory.mktemp("models")
    for view, mode in (("piece", "offline"), ("note", "live"), ("chord", "chord-live")):
        checkpoint = tiny_checkpoint(view)
        save(folder / f"chorale-{mode}", checkpoint.card, checkpoint.weights)
    return folder


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    return write_chorale(tmp_path / "piece.mid")


@pytest.fixture
def tiny_models_are_shipped(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PRETRAINED", models)


@pytest.fixture(scope="session")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny checkpoint that continues, named tiny-metrical."""
    return save_tiny_generator(tmp_path_factory.mktemp("generator") / "tiny-metrical")


@pytest.fixture(scope="session")
def service(generator: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that runs for the whole session of tests."""
    with serving(settings(tmp_path_factory.mktemp("service"), generator)) as (client, _):
        yield client
