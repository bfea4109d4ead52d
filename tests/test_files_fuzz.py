"""A short run of the fuzz target, always the same mutations."""

from __future__ import annotations

from fuzz_files import run, seeds
from midi_pieces import rows

from arranger.files import read_bytes


def test_the_seeds_are_readable() -> None:
    for suffix, data in seeds():
        assert rows(read_bytes(data, suffix, "seed"))


def test_mutated_files_are_read_or_refused_and_never_break_anything() -> None:
    count = 1_500
    assert count / 20 < run(count, seed=1) < count
