"""What several test files start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from arranger import checkpoints
from arranger.checkpoints import save
from tests.models import tiny_checkpoint
from tests.music import write_chorale


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
