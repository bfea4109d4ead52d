from __future__ import annotations

import sys
from pathlib import Path

import pytest

from serve import bench_device


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_device", *words])
    bench_device.main()


def test_every_way_gives_the_same_arrangements(
    models: Path,
    generator: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny = ["--model", str(models / "chorale-offline"), "--generator", str(generator)]
    few = ["--pieces", "2", "--rounds", "1", "--at-once", "2"]
    run(monkeypatch, "--device", "cpu", *tiny, *few)
    told = capsys.readouterr().out
    assert told.count(" 0 notes given otherwise") == 4
    assert "torch on cpu, auto, 2 threads" in told
    assert "tokens a second" in told


def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "--device", "cuda:99")
    assert "sees no such device" in capsys.readouterr().err
