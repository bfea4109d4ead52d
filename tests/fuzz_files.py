"""Fuzz target: mutated files through the readers; nothing but FileError may escape.

    python tests/fuzz_files.py [COUNT] [SEED]
    python tests/fuzz_files.py 1000000 7

Each mutation flips, drops, doubles or copies bytes of a seed file, or writes values that tend to
hurt. What is read is also arranged and written again as MIDI, where its notes must be the same,
and, of the short ones, as MusicXML and JSON. A failure prints the seed that makes it again.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator

from midi_pieces import arranged, chunk, control, header, midi, off, on, rows

from arranger.files import FileError, read_bytes, write_bytes
from arranger.files.document import meta

_HURTFUL = (b"\xff" * 4, b"\0" * 4, b"\x80", b"\x7f", b"MTrk", b"\xff\x2f\0", b"-1", b"1e99", b"[")
SLOWEST = 10.0
"""Seconds that a small file may take on a busy machine."""


def seeds() -> Iterator[tuple[str, bytes]]:
    """Suffix and content of the files to start from."""
    notes = [on(0, 60), off(480, 60), on(480, 64, 90, 1), off(700, 64, 3, 1), on(500, 36, 64, 9)]
    texts = [(0, meta(0x58, b"\4\2\x18\x08")), (0, meta(0x51, b"\7\xa1\x20")), (3, b"\xf0\1\xf7")]
    yield (
        ".mid",
        midi([*texts, *notes], [control(0, 64, 127), on(7, 50), (9, meta(5, b"la")), off(99, 50)]),
    )
    yield ".mid", header(0) + chunk(b"\0\x90\x3c\x40\x60\x3c\0\0\x3e\x41\x83\x60\x3e\0\0\xff\x2f\0")
    note = {"time": 0, "pitch": 60, "duration": 9, "velocity": 64}
    music = {"resolution": 24, "tempos": [{"time": 0, "qpm": 90.0}], "tracks": [{"notes": [note]}]}
    yield ".json", json.dumps(music).encode()


def mutated(data: bytes, random: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(random.randint(1, 6)):
        if not out:
            break
        at, until = random.randrange(len(out)), random.randrange(len(out) + 1)
        match random.randrange(6):
            case 0:
                out[at] ^= 1 << random.randrange(8)
            case 1:
                out[at] = random.randrange(256)
            case 2:
                del out[at : at + random.randint(1, 8)]
            case 3:
                out[at:at] = out[at:until]
            case 4:
                out[at:at] = random.choice(_HURTFUL)
            case 5:
                del out[max(at, until) :]
    return bytes(out)


def check(suffix: str, data: bytes) -> bool:
    """Whether ``data`` could be read. Raises where anything goes wrong."""
    began = time.perf_counter()
    try:
        score = read_bytes(data, suffix, "fuzz" + suffix)
        result = arranged(score, [i % 2 for i in range(len(score.notes))])
        for output in (".mid", ".json", ".musicxml"):
            written = write_bytes(output, score, result, "out" + output)
            if output != ".musicxml":
                assert rows(read_bytes(written, output, "out")) == rows(score), "notes changed"
    except FileError as error:
        if "\n" in str(error):
            raise RuntimeError("not one sentence") from error
        return False
    finally:
        assert time.perf_counter() - began < SLOWEST, "too slow"
    return True


def run(count: int, seed: int) -> int:
    """Check ``count`` mutations; gives how many could be read."""
    files = list(seeds())
    readable = 0
    for i in range(count):
        suffix, data = files[i % len(files)]
        chance = random.Random(f"{seed}-{i}")
        data = mutated(data, chance)
        try:
            readable += check(suffix, data)
        except BaseException:
            print(f"seed {seed}, mutation {i}, {suffix}: {data!r}", file=sys.stderr)
            raise
    return readable


if __name__ == "__main__":
    amount = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    print(f"{run(amount, start)} of {amount} mutations could be read; none broke anything")
