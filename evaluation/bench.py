"""``make bench``: how fast it is, on this machine, in one run.

Four things that people wait for: a file arranged from a cold start, notes a second once it is
warm, the answer to one key, and what goes on from a piece. Absolute times drift from machine to
machine; the figures of the base work beside them (Dong et al. 2021, run on two CPU cores) give a
ratio. What is said to be of one core is processor time, which other work on the machine disturbs
least.

Two bundled pieces: in one the likeliest parts break rules in most places, so that much is
searched; the other is, in this, like the chorales (3 % of its notes are searched, 6 % of theirs).
A long piece is made up. Beside the shipped models there are two of the largest size that is planned
for a default, with random weights: they say nothing about music, but take as long. So do the
generators, which have the published size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import arranger
from arranger.checkpoints import Card, describe_ensemble, load, save
from arranger.configuration import VIEW_OF_MODE, ModelConfig
from arranger.continuation import Generator
from arranger.engine.shapes import weight_shapes
from arranger.ensembles import load_ensemble
from arranger.files import read
from arranger.files.document import Event
from arranger.files.midi import encode
from arranger.hints import Hints
from arranger.notes import NoteSequence
from arranger.offline import Arranger
from arranger.online import LiveArranger
from arranger.performance import as_played, as_written
from arranger.sampling import NextToken
from arranger.token_checkpoints import predictor_for
from arranger.token_configuration import TokenModelConfig
from arranger.tokenizers import tokenizer

from .generation.speed import first_note, tokens_a_second

EXAMPLES = Path(arranger.__file__).parent / "examples"
SONG, SMOOTH = EXAMPLES / "tegner-betlehems-stjarna.mid", EXAMPLES / "brahms-vergangen-ist-mir.mid"
VALUES = {
    "live": ("velocity", "timing", "keys", "hints"),
    "offline": ("velocity", "timing", "keys", "chord", "span", "hints", "locks"),
}
GENERATORS: dict[str, dict[str, Any]] = {
    "lstm": {"units": 560, "layers": 2},
    "rotary": {"units": 256, "layers": 6, "heads": 8, "feed_forward": 512},
}
BASE_SECONDS, BASE_NOTES_A_SECOND, BASE_LIVE_MILLISECONDS = 16.0, 4500, 34


def main() -> None:
    """Print the four tables."""
    with tempfile.TemporaryDirectory() as folder:
        large = {mode: untrained(Path(folder) / f"untrained-{mode}", mode) for mode in VALUES}
        long = Path(folder) / "made-up.mid"
        long.write_bytes(made_up(1000))
        cold: list[tuple[Path, str | Path]] = [
            (SONG, "chorale-offline"),
            (long, "chorale-offline"),
            (long, large["offline"]),
        ]
        print_cold(cold)
        print_warm((SONG, SMOOTH), ("chorale-bilstm-offline", "chorale-offline", large["offline"]))
        print_live(read(SONG).notes, ("chorale-live", large["live"]))
    print_generation(read(SONG).notes)


def print_cold(runs: list[tuple[Path, str | Path]]) -> None:
    """Files from a cold start."""
    print("file to file, from a cold start")
    for path, model in runs:
        count = len(read(path).notes)
        seconds, core, megabytes = cold_start(path, model)
        print(f"  {Path(model).name:24s} {path.name}, {count} notes: {seconds:.2f} s", end="")
        print(f" ({core:.2f} s of one core), {megabytes:.0f} MB", end="")
        print(f"; base work {BASE_SECONDS:.0f} s ({BASE_SECONDS / seconds:.0f} x)")


def print_warm(pieces: tuple[Path, ...], models: tuple[str | Path, ...]) -> None:
    """Notes a second, with numpy and with torch."""
    from arranger.accelerated import AcceleratedEngine  # after the cold starts' memory is read

    print(f"notes a second of one core, warm; base work {BASE_NOTES_A_SECOND}")
    for model in models:
        checkpoint = load(model)
        engines = {"numpy": checkpoint.engine(), "torch": AcceleratedEngine(checkpoint)}
        for path in pieces:
            notes, said = read(path).notes, []
            for name, engine in engines.items():
                rate = notes_a_second(Arranger(checkpoint, engine=engine), notes)
                said.append(f"{name} {rate:6.0f} ({rate / BASE_NOTES_A_SECOND:4.1f} x)")
            print(
                f"  {checkpoint.card.name:24s} {path.name}, {len(notes)} notes: {', '.join(said)}"
            )


def print_live(notes: NoteSequence, models: tuple[str | Path, ...]) -> None:
    """From a key to its part."""
    print(f"one key, in us, with all cores busy; base work {1000 * BASE_LIVE_MILLISECONDS} or more")
    for model in models:
        for stage in (False, True):
            player = LiveArranger(load(model), stage)
            said = []
            for label, pause in (("back to back", 0.0), ("after pauses of 2 ms", 0.002)):
                median, late = key_latency(player, notes, pause)
                said.append(f"{label} {1e6 * median:4.0f} (99 %: {1e6 * late:4.0f})")
            mode = "stage" if stage else "as written"
            print(f"  {player.name:24s} {mode}: {', '.join(said)}")


def print_generation(notes: NoteSequence) -> None:
    """Tokens one by one, and the first note."""
    print("tokens a second of one core; goal 250, and 150 ms to the first note")
    tokens = tokenizer("bar")
    for kind, shape in GENERATORS.items():
        model, size = untrained_generator(tokens.size, kind, shape)
        rates = tokens_a_second(model, np.arange(tokens.size))
        said = ", ".join(f"{rate:.0f} behind {context}" for context, rate in rates.items())
        waited = first_note(Generator(kind, tokens, model, 256), notes)
        print(f"  {kind}, {size / 1e6:.1f} M parameters: {said}; first note {1000 * waited:.0f} ms")


def untrained_generator(tokens: int, kind: str, shape: Mapping[str, Any]) -> tuple[NextToken, int]:
    """A model of that kind of backbone, and its number of parameters."""
    from arranger.token_models import weight_shapes

    config = TokenModelConfig.from_dict(
        {"tokens": tokens, "embedding": 256, "backbone": {"kind": kind, **shape}}
    )
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(0.0, 0.02, shape).astype(np.float32)
        for name, shape in weight_shapes(config).items()
    }
    return predictor_for(config, weights), sum(weight.size for weight in weights.values())


def untrained(folder: Path, mode: str) -> Path:
    """A checkpoint of 2 layers of 192 units, with all that a memory can recall."""
    ensemble = load_ensemble("chorale")
    config = ModelConfig.from_dict(
        {
            "view": VIEW_OF_MODE[mode],
            "parts": len(ensemble),
            "codes": {"pitch": 32, "position": 8},
            "values": VALUES[mode],
            "backbone": {"kind": "lstm", "units": 192, "layers": 2, "residual": True},
            "head": {"kind": "memory", "units": 128, "recalls": ["touch", "keys"]},
        }
    )
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(0.0, 0.1, shape).astype(np.float32)
        for name, shape in weight_shapes(config).items()
    }
    described = describe_ensemble(ensemble)
    save(folder, Card(folder.name, mode, described, config.to_dict(), "none", "none"), weights)
    return folder


def made_up(beats: int) -> bytes:
    """A MIDI file of four voices, each wandering about its own middle, some 4 notes a beat."""
    rng = np.random.default_rng(0)
    tracks: list[list[Event]] = []
    for middle in (71, 65, 59, 50):
        tick, events = 0, []
        while tick < 24 * beats:
            length, pitch = int(rng.choice([12, 24, 24, 36])), middle + int(rng.integers(-3, 4))
            events.append((tick, bytes((0x90, pitch, 64))))
            tick += length
            events.append((tick, bytes((0x80, pitch, 64))))
        tracks.append(events)
    return encode(24, tracks)


def cold_start(path: Path, model: str | Path, runs: int = 5) -> tuple[float, float, float]:
    """``arranger arrange`` from file to file: median seconds by the clock and of one core, and the
    most memory in MB."""
    command = [sys.executable, "-m", "arranger.cli", "arrange", str(path), "--model", str(model)]
    command += ["--ensemble", "chorale", "-o"]
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            began = time.perf_counter()
            process = subprocess.Popen([*command, f"{folder}/out.mid"], stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            measured.append((seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
    seconds, core, megabytes = np.median(measured, axis=0).tolist()
    return seconds, core, megabytes


def notes_a_second(arranger: Arranger, notes: NoteSequence, seconds: float = 2.0) -> float:
    """Notes arranged in a second of one core, one piece after the other."""
    arranger.label(notes, Hints())
    began, done = time.process_time(), 0
    while time.process_time() - began < seconds:
        arranger.label(notes, Hints())
        done += len(notes)
    return done / (time.process_time() - began)


def key_latency(
    player: LiveArranger, notes: NoteSequence, pause: float, rounds: int = 5
) -> tuple[float, float]:
    """Median and 99th percentile of the seconds from a key to its part, all other cores busy.

    After a ``pause``, as a player's hands make, the machine has done other things.
    """
    gridded, _ = notes.on_grid()
    pitch, velocity = gridded.pitch.tolist(), gridded.velocity.tolist()
    times = []
    with busy_cores():
        for turn in range(rounds):
            rng = np.random.default_rng(turn)
            session = player.session(metrical=not player.stage)
            for now, is_on, note in (
                as_played(gridded, rng) if player.stage else as_written(gridded)
            ):
                if pause:
                    time.sleep(pause)
                began = time.perf_counter()
                if is_on:
                    session.note_on(pitch[note], now, velocity[note])
                    times.append(time.perf_counter() - began)
                else:
                    session.note_off(pitch[note], now)
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
