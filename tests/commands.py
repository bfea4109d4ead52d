"""The command line, called as a person calls it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from arranger.cli import main
from arranger.files import read


def arrange(*arguments: str | Path) -> int:
    return main(["arrange", *map(str, arguments)])


def notes_in(path: Path) -> Counter[tuple[int, ...]]:
    """Its notes, times in 480ths of a quarter."""
    notes = read(path).notes
    scale = 480 // notes.resolution
    return Counter(
        zip(
            (notes.onset * scale).tolist(),
            notes.pitch.tolist(),
            (notes.duration * scale).tolist(),
            strict=True,
        )
    )


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> None:
    """The command ended with 2, one sentence on stderr that says ``words``, and nothing else."""
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.startswith("arranger: ")
    assert said.err.count("\n") == 1
    assert "Errno" not in said.err
    for word in words:
        assert word in said.err
