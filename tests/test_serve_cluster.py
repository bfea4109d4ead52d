"""The whole service, as ``arranger serve`` starts it, on a real Ray cluster: one for all tests."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import httpx
import pytest
import yaml

import arranger
from arranger.files import read_bytes
from arranger.jobs import Desk, Job, Order
from serve.bench import descendants
from serve.settings import DEFAULT
from tests.music import write_chorale
from tests.services import MIDI

SONG = Path(arranger.__file__).parent / "examples" / "tegner-betlehems-stjarna.mid"
ROOT = Path(__file__).parent.parent
PATIENCE = 240
"""Seconds that a busy machine may take."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def process(folder: Path, generator: Path) -> Iterator[subprocess.Popen[str]]:
    settings = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    settings["applications"] = [one for one in settings["applications"] if one["name"] == "api"]
    [api] = settings["applications"]
    api["args"]["folder"] = str(folder / "kept")
    api["args"]["models"]["folders"] = [str(generator)]
    api["args"]["jobs"] |= {"lease_seconds": 2.0, "poll_seconds": 0.1}
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "arranger.cli", "serve"]
    with subprocess.Popen(
        [*command, "--config", str(path), "--port", str(port)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as found:
        assert found.stdout is not None
        try:
            wait_for_line(found.stdout, f"http://127.0.0.1:{port}/")
            wait_for_line(found.stdout, "Ctrl-C")
            found.args = [str(port)]
            yield found
        finally:
            found.send_signal(signal.SIGINT)
            rest, _ = found.communicate(timeout=PATIENCE)
    assert found.returncode == 0, rest


@pytest.fixture(scope="module")
def client(process: subprocess.Popen[str]) -> Iterator[httpx.Client]:
    url = f"http://127.0.0.1:{process.args[0]}"  # type: ignore[index]
    with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as found:
        yield found


def wait_for_line(output: IO[str], words: str) -> None:
    for line in output:
        if words in line:
            return
    pytest.fail(f"the service ended before it said {words!r}")


def replicas(service: subprocess.Popen[str], deployment: str) -> set[int]:
    """The processes of a deployment of this service, by their titles."""
    found = set()
    for entry in descendants(service.pid):
        with contextlib.suppress(OSError):
            title = (entry / "cmdline").read_bytes().decode(errors="replace")
            if f"ServeReplica:api:{deployment}" in title:
                found.add(int(entry.name))
    return found


def kill(service: subprocess.Popen[str], deployment: str) -> None:
    """End the one replica of a deployment, as soon as there is one."""
    end = time.monotonic() + PATIENCE
    while not (found := replicas(service, deployment)):
        assert time.monotonic() < end, f"no {deployment} was started"
        time.sleep(0.1)
    [replica] = found
    os.kill(replica, signal.SIGKILL)


def arranged_again(client: httpx.Client) -> httpx.Response:
    """An arrangement, asked for until somebody answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            answer = client.post("/v1/arrangements", content=SONG.read_bytes(), headers=MIDI)
            if answer.status_code == 200:
                return answer
            assert answer.status_code in {404, 500, 502, 503}, answer.text
            assert "a fault" not in answer.text, "a 500 of ours, not of the proxy"
        time.sleep(0.2)
    pytest.fail("nobody answered")


def test_an_arrangement_is_what_the_command_gives(client: httpx.Client) -> None:
    told = client.post("/v1/arrangements", content=SONG.read_bytes(), headers=MIDI).json()
    done = Desk(Order()).arrange(Job(SONG, Path("out.mid"))).result.arrangement
    names = done.ensemble.names
    assert [names.index(note["part"]) for note in told["notes"]] == done.parts.tolist()


def test_notes_are_streamed_one_by_one_through_the_proxy(client: httpx.Client) -> None:
    wish = {"bars": 20, "seed": 1}
    headers = {"Accept": "text/event-stream"}
    with client.stream("POST", "/v1/continuations", json=wish, headers=headers) as answer:
        arrived = [time.monotonic() for line in answer.iter_lines() if line == "event: note"]
    assert len(arrived) > 3
    assert arrived[-1] > arrived[0]


def test_two_hundred_requests_at_once_are_all_answered(client: httpx.Client) -> None:
    def ask(_: int) -> tuple[int, bool]:
        with httpx.Client(base_url=client.base_url, timeout=PATIENCE, trust_env=False) as one:
            answer = one.post("/v1/arrangements", content=SONG.read_bytes(), headers=MIDI)
        return answer.status_code, "retry-after" in answer.headers

    with ThreadPoolExecutor(200) as pool:
        found = Counter(pool.map(ask, range(200)))
    assert set(found) <= {(200, False), (503, True), (429, True)}
    assert found[200, False] >= 32
    assert client.get("/readyz").status_code == 200


def test_a_killed_runner_is_replaced_and_its_job_ends_once(
    client: httpx.Client, process: subprocess.Popen[str], tmp_path: Path
) -> None:
    paths = [write_chorale(tmp_path / f"{n}.mid", 200, n) for n in range(12)]
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    at = client.post("/v1/jobs", files=files, data={"output": "musicxml"}).headers["location"]
    end = time.monotonic() + PATIENCE
    while (job := client.get(at).json())["done"] < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert job["state"] == "running", "the job was too short to be killed"
    kill(process, "JobRunner")
    while (job := client.get(at).json())["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (job["state"], job["done"], job["failed"]) == ("done", 12, 0)


def test_a_replica_killed_within_a_stream_ends_it_and_another_serves(
    client: httpx.Client, process: subprocess.Popen[str]
) -> None:
    wish, headers = {"bars": 1000}, {"Accept": "text/event-stream"}
    heard = []
    with (
        contextlib.suppress(httpx.TransportError),
        client.stream("POST", "/v1/continuations", json=wish, headers=headers) as answer,
    ):
        for line in answer.iter_lines():
            if not heard:
                kill(process, "Api")
            heard.append(line)
    assert heard
    assert "event: finished" not in heard
    arranged_again(client)


def test_a_replica_killed_within_a_request_loses_that_request_alone(
    client: httpx.Client, process: subprocess.Popen[str]
) -> None:
    outcomes: list[int | None] = []

    def ask() -> None:
        body = {"notes": [{"onset": 60 * n, "pitch": 60, "duration": 50} for n in range(19_000)]}
        try:
            outcomes.append(client.post("/v1/arrangements", json=body).status_code)
        except httpx.TransportError:
            outcomes.append(None)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    kill(process, "Api")
    thread.join(PATIENCE)
    assert outcomes[0] in {None, 500, 503}  # as the proxy finds it; 500 is Ray's own proxy
    answer = arranged_again(client)
    assert len(answer.json()["notes"]) == len(read_bytes(SONG.read_bytes(), ".mid", "x").notes)


def test_a_redeploy_under_load_loses_no_request(
    client: httpx.Client, process: subprocess.Popen[str]
) -> None:
    arranged_again(client)
    found: Counter[int] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            found[client.get("/v1/ensembles").status_code] += 1
            time.sleep(0.01)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        before = replicas(process, "Api")
        process.send_signal(signal.SIGHUP)
        assert process.stdout is not None
        wait_for_line(process.stdout, "deployed anew")
        over.set()
        for one in asking:
            one.result()
    assert replicas(process, "Api").isdisjoint(before)
    assert set(found) == {200}, found
