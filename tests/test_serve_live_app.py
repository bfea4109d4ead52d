"""The live service behind a real socket: what a client may do to it, and what it must survive."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_RDWR
from time import monotonic, sleep

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from serve.live.app import go_first
from serve.live.connection import Allowance
from serve.live.protocol import NOTE_ON, binary_event, read_binary_answer
from serve.live.settings import LiveSettings
from tests.generators import save_tiny_generator
from tests.live import Service, hear, running, tell


@pytest.fixture(scope="module")
def service(models: Path) -> Iterator[Service]:
    with running(models) as service:
        yield service


def closed(socket: ClientConnection) -> tuple[int, list[str]]:
    """The code with which the service closed, and what it complained of before."""
    said = []
    try:
        while True:
            message = hear(socket)
            if message["type"] == "error":
                said.append(message["message"])
    except ConnectionClosed as end:
        return (end.rcvd.code if end.rcvd else 1006), said


def is_well(service: Service) -> None:
    """Another player is served, and nothing is left of those who have gone."""
    with service.player() as socket:
        tell(socket, type="note_on", pitch=60)
        assert hear(socket)["note"] == 0
    until = monotonic() + 10
    while health(service)["sessions"]:
        assert monotonic() < until
        sleep(0.01)


def health(service: Service) -> dict[str, int]:
    with urllib.request.urlopen(f"{service.http}/health", timeout=10) as response:
        found: dict[str, int] = json.load(response)
        return found


def test_a_key_is_answered_and_bye_brings_the_recording(service: Service) -> None:
    with service.player(ensemble="chorale") as socket:
        tell(socket, type="note_on", pitch=60, velocity=80)
        note = hear(socket)
        assert note["type"] == "note" and note["part"] in {"Soprano", "Alto", "Tenor", "Bass"}
        tell(socket, type="note_off", pitch=60)
        assert hear(socket)["type"] == "end"
        tell(socket, type="bye")
        farewell = hear(socket)
        assert farewell["notes"] == 1 and farewell["recording"].startswith("TVRoZ")
        assert closed(socket) == (1000, [])


def test_who_wants_no_recording_gets_none(service: Service) -> None:
    with service.player(recording=False) as socket:
        tell(socket, type="bye")
        assert hear(socket) == {"type": "bye", "notes": 0, "recording": None}


def test_keys_may_be_sent_and_answered_as_bytes(service: Service) -> None:
    with service.player(form="binary") as socket:
        socket.send(binary_event(NOTE_ON, 60, 80) + binary_event(NOTE_ON, 64, 81))
        frames = [socket.recv(10) for _ in range(2)]
        assert all(isinstance(frame, bytes) for frame in frames)
        notes = [read_binary_answer(frame) for frame in frames if isinstance(frame, bytes)]
        assert [(n[1], n[3], n[4]) for n in notes] == [(60, 80, 0), (64, 81, 1)]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ("{", "not JSON"),
        ('{"type": "note_on", "pitch": 128}', "note_on.pitch"),
        ('{"type": "note_on", "pitch": 60, "time": NaN}', "a finite number"),
        ('{"type": "lock", "note": 3, "part": "Bass"}', "there is no note 3"),
        ('{"type": "ensemble", "ensemble": "circus"}', "unknown ensemble 'circus'"),
        ('{"type": "hello"}', "a second hello is one too many"),
        (b"123", "12 bytes an event, this one 3 bytes"),
    ],
)
def test_a_mistake_gives_a_sentence_and_the_session_goes_on(
    service: Service, frame: str | bytes, sentence: str
) -> None:
    with service.player() as socket:
        socket.send(frame)
        error = hear(socket)
        assert error["type"] == "error" and sentence in error["message"]
        tell(socket, type="note_on", pitch=60)
        assert hear(socket)["note"] == 0


def test_a_hello_that_cannot_be_met_may_be_followed_by_one_that_can(service: Service) -> None:
    with connect(service.url) as socket:
        tell(socket, type="hello", ensemble="circus")
        assert "unknown ensemble 'circus'" in hear(socket)["message"]
        tell(socket, type="hello", duet={})
        assert "this service has no generator" in hear(socket)["message"]
        tell(socket, type="hello")
        assert hear(socket)["type"] == "welcome"


@pytest.mark.parametrize("frame", ['{"type": "note_on", "pitch": 60}', bytes(12)])
def test_what_comes_before_hello_ends_the_connection(service: Service, frame: str | bytes) -> None:
    with connect(service.url) as socket:
        socket.send(frame)
        code, [sentence] = closed(socket)
        assert code == 1002 and "a session begins with hello" in sentence
    is_well(service)


def test_absurd_times_do_no_harm(service: Service) -> None:
    with service.player() as socket:
        for n, time in enumerate((5.0, 1e9, 0.0, 3e5, 2.0, 0.0)):
            tell(socket, type="note_on", pitch=60 + n, time=time)
            assert hear(socket)["note"] == n
        tell(socket, type="bye")
        while (said := hear(socket))["type"] != "bye":
            assert said["time"] < 100
        assert len(said["recording"]) < 2000


def test_messages_in_any_order_end_in_a_recording(service: Service) -> None:
    with service.player() as socket:
        for kind in ("note_off", "note_on", "note_on", "note_off", "note_off", "note_off"):
            tell(socket, type=kind, pitch=60)
        tell(socket, type="bye")
        said = [hear(socket)["type"] for _ in range(5)]
        assert said == ["note", "note", "end", "end", "bye"]


def test_a_message_that_is_too_big_ends_the_connection(models: Path) -> None:
    with running(models, max_message_bytes=1000) as service:
        with service.player() as socket:
            socket.send("x" * 1001)
            code, [sentence] = closed(socket)
            assert code == 1009 and "at most 1,000 bytes" in sentence
        is_well(service)


def test_who_makes_nothing_but_mistakes_is_sent_away(models: Path) -> None:
    with running(models, max_errors=3) as service:
        with service.player() as socket:
            for _ in range(4):
                socket.send("nonsense")
            code, said = closed(socket)
            assert code == 1002 and len(said) == 4 and "4 mistakes are too many" in said[-1]
        is_well(service)


def test_who_comes_when_all_sessions_are_taken_is_told_to_come_back(models: Path) -> None:
    with running(models, max_sessions=2) as service:
        with service.player(), service.player():
            with connect(service.url) as third:
                assert closed(third) == (1013, ["all 2 sessions are taken: try again later"])
            assert health(service)["sessions"] == 2
        is_well(service)


def test_who_says_nothing_is_not_waited_for(models: Path) -> None:
    with running(models, hello_seconds=0.2, idle_seconds=0.3) as service:
        with connect(service.url) as socket:
            assert closed(socket) == (1008, ["no hello came within 0.2 s"])
        with service.player() as socket:
            tell(socket, type="note_on", pitch=60)
            assert [hear(socket)["type"] for _ in range(2)] == ["note", "end"]
            assert hear(socket)["message"] == "nothing was played for 0.3 s"
            assert hear(socket)["recording"]
            assert closed(socket) == (1000, [])


def test_a_flood_is_slowed_down_and_no_note_is_lost(models: Path) -> None:
    with running(models, messages_a_second=200.0, burst=10) as service:
        with service.player() as flood, service.player() as other:
            for n in range(60):
                tell(flood, type="note_on", pitch=n)
            slowest = 0.0
            for _ in range(10):
                began = monotonic()
                tell(other, type="note_on", pitch=60)
                hear(other)
                slowest = max(slowest, monotonic() - began)
                sleep(0.1)
            assert [hear(flood)["note"] for _ in range(60)] == list(range(60))
            assert slowest < 1.0
        is_well(service)


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    allowance = Allowance(rate=10.0, burst=3, now=0.0)
    assert [allowance.wait(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert allowance.wait(0.0) == pytest.approx(0.1)
    assert allowance.wait(10.0, 3) == 0.0
    assert allowance.wait(10.0, 2) == pytest.approx(0.2)


def test_a_client_that_vanishes_leaves_nothing_behind(service: Service) -> None:
    with service.player(look_ahead=500) as socket:
        tell(socket, type="note_on", pitch=60)
        socket.socket.shutdown(SHUT_RDWR)
    is_well(service)


def test_two_may_resume_the_same_session_and_do_not_meet(service: Service) -> None:
    sent = [{"type": "note_on", "pitch": 60, "time": 1.0, "part": "Bass"}]
    with service.player() as one, service.player() as two:
        for socket in (one, two):
            tell(socket, type="replay", events=sent)
            assert hear(socket) == {"type": "replayed", "notes": 1, "time": 1.0}
        tell(one, type="note_off", pitch=60)
        assert hear(one)["note"] == 0
        tell(two, type="note_on", pitch=64)
        assert hear(two)["note"] == 1


@pytest.fixture(scope="module")
def guarded(models: Path) -> Iterator[Service]:
    with running(models, token="secret", origins=("https://friend.example",)) as service:
        yield service


@pytest.mark.parametrize(
    ("headers", "token"),
    [({}, None), ({}, "wrong"), ({}, "ü"), ({"Authorization": "Bearer wrong"}, None)],
)
def test_without_the_token_nobody_plays(
    guarded: Service, headers: dict[str, str], token: str | None
) -> None:
    with connect(guarded.url, additional_headers=headers) as socket:
        tell(socket, type="hello", token=token)
        assert closed(socket) == (1008, ["the token is missing or wrong"])


@pytest.mark.parametrize(
    ("headers", "token"), [({}, "secret"), ({"Authorization": "Bearer secret"}, None)]
)
def test_the_token_may_come_in_hello_or_in_a_header(
    guarded: Service, headers: dict[str, str], token: str | None
) -> None:
    with connect(guarded.url, additional_headers=headers) as socket:
        tell(socket, type="hello", token=token)
        assert hear(socket)["type"] == "welcome"


def test_a_page_from_elsewhere_may_open_no_session(guarded: Service) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(guarded.url, origin="https://stranger.example")  # type: ignore[arg-type]
    for origin in ("https://friend.example", f"http://127.0.0.1:{guarded.port}"):
        with connect(guarded.url, origin=origin) as socket:  # type: ignore[arg-type]
            tell(socket, type="hello", token="secret")
            assert hear(socket)["type"] == "welcome"


def test_a_fault_of_our_own_is_said_and_others_play_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service.player() as unlucky, service.player() as other:
        with monkeypatch.context() as patch:
            patch.setattr("serve.live.session.LiveSession._play", lambda *_: 1 / 0)
            tell(unlucky, type="note_on", pitch=60)
            assert closed(unlucky) == (1011, ["the service has failed: begin another session"])
        tell(other, type="note_on", pitch=60)
        assert hear(other)["note"] == 0


def test_a_duet_is_played_from_phrase_to_answer(models: Path, tmp_path: Path) -> None:
    generator = str(save_tiny_generator(tmp_path / "generator", "performance"))
    with running(models, generator=generator) as service, service.player(duet={}) as socket:
        tell(socket, type="note_on", pitch=60)
        tell(socket, type="note_off", pitch=60)
        said = []
        while not said or said[-1] != {"type": "duet", "state": "done"}:
            said.append(hear(socket))
        assert [each["type"] for each in said[:3]] == ["note", "end", "duet"]
        notes = [each for each in said[3:] if each["type"] == "note"]
        ends = [each for each in said[3:] if each["type"] == "end"]
        assert notes and {each["by"] for each in notes} == {"duet"}
        assert sorted(n["note"] for n in notes) == sorted(e["note"] for e in ends)


def test_what_is_measured_can_be_read(service: Service) -> None:
    with service.player() as socket:
        tell(socket, type="note_on", pitch=60)
        hear(socket)
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=10) as response:
        page = response.read().decode()
    assert 'arranger_live_note_seconds_bucket{le="0.001"}' in page
    assert "arranger_live_sessions" in page and "process_cpu_seconds_total" in page


def test_a_service_may_ask_to_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda *call: asked.append(call))
    go_first()
    [(process, policy, _)] = asked
    assert (process, policy) == (0, os.SCHED_RR | os.SCHED_RESET_ON_FORK)


def test_a_system_that_lets_nobody_go_first_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*call: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(RuntimeError, match="real_time: the system does not let this process go"):
        go_first()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_sessions": 0}, "max_sessions must be a whole number above 0, not 0"),
        ({"max_notes": 1.5}, "max_notes must be a whole number above 0, not 1.5"),
        ({"burst": True}, "burst must be a whole number above 0, not True"),
        ({"idle_seconds": float("nan")}, "idle_seconds must be a number above 0, not nan"),
        ({"hello_seconds": "5"}, "hello_seconds must be a number above 0, not '5'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LiveSettings(**settings)
