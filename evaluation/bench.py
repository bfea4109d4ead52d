"""``make bench``: how fast it is, on this machine, in one run.

Three things that people wait for: a file arranged from a cold start, notes a second once it is
warm, and the answer to one key while both cores are busy. Absolute times drift from machine to
machine; the base work's figures beside them (Dong et al. 2021, run on two CPU cores) give a ratio.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import arranger
from arranger.checkpoints import load
from arranger.files import read
from arranger.hints import Hints
from arranger.notes import NoteSequence
from arranger.offline import Arranger
from arranger.online import LiveArranger
from arranger.performance import as_played, as_written

PIECE = Path(arranger.__file__).parent / "examples" / "tegner-betlehems-stjarna.mid"
BASE_SECONDS, BASE_NOTES_A_SECOND, BASE_LIVE_MILLISECONDS = 16.0, 4500, 34.0


def main() -> None:
    """Print the three tables."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    notes = read(PIECE).notes
    print(f"{PIECE.name}: {len(notes)} notes\n")
    seconds, megabytes = cold_start()
    print(f"file to file, cold   {seconds:8.2f} s      base work {BASE_SECONDS:.0f} s", end="")
    print(f"   {BASE_SECONDS / seconds:6.0f} x   memory {megabytes:.0f} MB")
    from arranger.accelerated import AcceleratedEngine  # after the cold start's memory is read

    for name in ("chorale-bilstm-offline", "chorale-offline"):
        checkpoint = load(name)
        for engine in (checkpoint.engine(), AcceleratedEngine(checkpoint)):
            rate = notes_a_second(Arranger(checkpoint, engine=engine), notes)
            label = f"{name} ({'torch' if isinstance(engine, AcceleratedEngine) else 'numpy'})"
            print(
                f"warm, {label:32s} {rate:8.0f} notes/s   base work {BASE_NOTES_A_SECOND}", end=""
            )
            print(f"   {rate / BASE_NOTES_A_SECOND:6.1f} x")
    for stage in (False, True):
        median, late = key_latency(notes, stage)
        label = "stage" if stage else "live"
        print(f"one key, {label:5s}, cores busy: median {1e6 * median:5.0f} us, p99", end="")
        print(f" {1e6 * late:5.0f} us   base work {BASE_LIVE_MILLISECONDS:.0f} ms or more")


def cold_start(runs: int = 5) -> tuple[float, float]:
    """Median seconds of ``arranger arrange`` from file to file, and its largest memory in MB."""
    import resource

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "arranger.cli", "arrange", str(PIECE)]
        command += ["-o", str(Path(folder) / "out.mid")]
        times = []
        for _ in range(runs):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return float(np.median(times)), peak / 1024


def notes_a_second(arranger: Arranger, notes: NoteSequence, seconds: float = 3.0) -> float:
    """Notes arranged in a second, one piece after the other."""
    arranger.label(notes, Hints())
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        arranger.label(notes, Hints())
        done += len(notes)
    return done / (time.perf_counter() - began)


def key_latency(notes: NoteSequence, stage: bool, rounds: int = 5) -> tuple[float, float]:
    """Median and 99th percentile of the seconds from a key to its part, other cores busy."""
    player = LiveArranger.from_pretrained("chorale-live", stage)
    gridded, _ = notes.on_grid()
    times = []
    with busy_cores():
        for turn in range(rounds):
            rng = np.random.default_rng(turn)
            events = as_played(gridded, rng) if stage else as_written(gridded)
            session = player.session(metrical=not stage)
            for event in events:
                time.sleep(0.002)  # a player's hands give the machine time to do other things
                pitch = int(gridded.pitch[event.note])
                began = time.perf_counter()
                if event.is_on:
                    session.note_on(pitch, event.time)
                    times.append(time.perf_counter() - began)
                else:
                    session.note_off(pitch, event.time)
    return float(np.median(times)), float(np.quantile(times, 0.99))


@contextmanager
def busy_cores() -> Iterator[None]:
    """Every core but the one that answers has a process that only counts."""
    spin = [sys.executable, "-c", "while True: sum(range(10000))"]
    others = [subprocess.Popen(spin) for _ in range(max(1, (os.cpu_count() or 2) - 1))]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
