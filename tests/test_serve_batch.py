from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arranger.jobs import Order, plan
from serve.batch import run
from tests.commands import arrange, notes_in
from tests.music import write_chorale

ROOT = Path(__file__).parent.parent


def draw(*_: object) -> None:
    raise AssertionError("nothing is to be drawn")


def test_an_order_that_cannot_be_carried_out_is_refused_before_ray_is_started(
    tmp_path: Path,
) -> None:
    write_chorale(tmp_path / "a.mid")
    jobs = plan(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="unknown ensemble 'choir'"):
        run(Order("choir"), jobs, draw)


def test_a_folder_is_arranged_as_without_ray(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for n in range(3):
        write_chorale(tmp_path / "in" / f"{n}.mid", 4, n)
    (tmp_path / "in" / "bad.mid").write_bytes(b"rubbish")
    command = [sys.executable, "-m", "arranger.cli", "arrange", str(tmp_path / "in"), "--ray"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "shared")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert "bad.mid: not a MIDI file" in done.stderr
    assert arrange(tmp_path / "in", "-o", tmp_path / "alone", "--workers", "1") == 2
    for n in range(3):
        shared, alone = (tmp_path / where / f"{n}.mid" for where in ("shared", "alone"))
        assert notes_in(shared) == notes_in(alone)
        assert shared.read_bytes() == alone.read_bytes()
