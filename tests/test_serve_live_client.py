"""The client, and the one in the documents, against a service behind a real socket."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arranger.client.live import Decision, Duet, End, Heard, LiveClient, LiveError
from arranger.files import read
from serve.live.settings import LiveSettings
from tests.generators import save_tiny_generator
from tests.live import Service, running

DOCUMENT = Path(__file__).parent.parent / "docs" / "LIVE.md"
PHRASE = (60, 64, 67, 72, 71, 67, 62, 55, 48, 60)


@pytest.fixture(scope="module")
def service(models: Path) -> Iterator[Service]:
    with running(models) as service:
        yield service


def pitches(recording: bytes | None, folder: Path) -> list[int]:
    assert recording is not None
    path = folder / "recording.mid"
    path.write_bytes(recording)
    return sorted(read(path).notes.pitch.tolist())


def test_the_client_in_the_documents_works(service: Service, tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(import .*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert program.count("\n") <= 20
    program = program.replace("ws://127.0.0.1:8000/v1/live", service.url)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert re.fullmatch(r"(\d+ (Soprano|Alto|Tenor|Bass) 0\.\d+\n){4}", done.stdout)
    assert pitches((tmp_path / "session.mid").read_bytes(), tmp_path) == [48, 55, 64, 72]


def test_a_session_from_hello_to_recording(service: Service, tmp_path: Path) -> None:
    with LiveClient(service.url, ensemble="chorale", mode="live", tempo=90) as live:
        assert [part.name for part in live.parts] == ["Soprano", "Alto", "Tenor", "Bass"]
        assert live.model == "tiny-note"
        first = live.note_on(60, velocity=80)
        assert isinstance(first, Decision) and (first.note, first.velocity) == (0, 80)
        live.pedal(127)
        live.note_off(60)
        live.tempo(100)
        live.hints(mean_pitch={"Bass": 48})
        assert live.note_on(48, part="Tenor").part == "Tenor"
        assert live.lock(1, "Bass").part == "Bass"
        live.ensemble({"name": "solo", "parts": [{"name": "Piano", "program": 0, "voices": None}]})
        assert live.note_on(50).part == "Piano"
        ends = [heard for heard in live.listen(0.05) if isinstance(heard, End)]
        assert [end.note for end in ends] == [0]
        recording = live.close()
    assert pitches(recording, tmp_path) == [48, 50, 60]
    assert live.recording == recording


def test_with_a_look_ahead_keys_are_pressed_and_heard_later(service: Service) -> None:
    with LiveClient(service.url, look_ahead=30) as live:
        for pitch in PHRASE[:4]:
            live.press(pitch)
        heard = list(live.listen(0.5))
    assert [each.pitch for each in heard if isinstance(each, Decision)] == list(PHRASE[:4])
    assert all(each.waited >= 29 for each in heard if isinstance(each, Decision))


def test_a_lost_connection_loses_and_doubles_nothing(service: Service, tmp_path: Path) -> None:
    played = []
    for breaks in (False, True):
        with LiveClient(service.url, mode="live") as live:
            said = []
            for n, pitch in enumerate(PHRASE):
                if breaks and n in (3, 4, 8):
                    service.break_connections()
                said.append(live.note_on(pitch, time=n / 4))
                live.note_off(pitch, time=n / 4 + 0.2)
            played.append([(each.note, each.pitch, each.part) for each in said])
            assert pitches(live.close(), tmp_path) == sorted(PHRASE)
    assert played[0] == played[1]


def test_a_key_that_was_not_answered_is_answered_after_the_break(service: Service) -> None:
    with LiveClient(service.url, look_ahead=500) as live:
        live.press(60)
        live.press(64, part="Bass")
        service.break_connections()
        heard = [each for each in live.listen(2.0) if isinstance(each, Decision)]
    assert [(each.note, each.pitch) for each in heard] == [(0, 60), (1, 64)]
    assert heard[1].part == "Bass"


def test_a_service_that_comes_back_is_found_again(models: Path) -> None:
    with running(models) as first:
        live = LiveClient(first.url).__enter__()
        live.note_on(60)
        port = first.port
    names = (str(models / "chorale-live"),)
    second = Service(LiveSettings(models=names), port)
    try:
        assert live.note_on(64).note == 1
        live.__exit__(None, None, None)
    finally:
        second.stop()


def test_a_duet_s_answer_survives_a_break(models: Path, tmp_path: Path) -> None:
    generator = str(save_tiny_generator(tmp_path / "generator", "performance"))
    with (
        running(models, generator=generator) as service,
        LiveClient(service.url, duet={"seed": 1}) as live,
    ):
        live.note_on(60)
        live.note_off(60)
        heard: list[Heard] = []
        while Duet("done") not in heard:
            heard += live.listen(0.2)
        answer = [each for each in heard if isinstance(each, Decision) and each.by == "duet"]
        service.break_connections()
        assert live.note_on(62).note == 1 + len(answer)
        recording = live.close()
    assert pitches(recording, tmp_path) == sorted([60, 62, *(note.pitch for note in answer)])


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ({"ensemble": "circus"}, "unknown ensemble 'circus': known are chorale"),
        ({"mode": "offline"}, "hello.mode"),
        ({"volume": 3}, "hello.volume is not known"),
        ({"duet": {}}, "this service has no generator"),
    ],
)
def test_what_the_service_refuses_is_said_in_its_words(
    service: Service, asks: dict, sentence: str
) -> None:
    with pytest.raises(LiveError, match=sentence):
        LiveClient(service.url, **asks)


def test_a_service_that_is_not_there_is_named(service: Service) -> None:
    with pytest.raises(LiveError, match=r"ws://127\.0\.0\.1:1/v1/live: no live service answers"):
        LiveClient("ws://127.0.0.1:1/v1/live")
    with pytest.raises(LiveError, match="no live service answers"):
        LiveClient(service.url + "/nowhere")
    with pytest.raises(LiveError, match="no live service answers"):
        LiveClient("nowhere")


def test_a_full_service_says_so(models: Path) -> None:
    with (
        running(models, max_sessions=1) as service,
        LiveClient(service.url),
        pytest.raises(LiveError, match="all 1 sessions are taken"),
    ):
        LiveClient(service.url)


def test_mistakes_of_the_player_are_found_before_they_are_sent(service: Service) -> None:
    with LiveClient(service.url) as live:
        with pytest.raises(LiveError, match=r"expected a pitch in 0\.\.127"):
            live.note_on(128)
        with pytest.raises(LiveError, match="unknown part 'Kazoo': the parts are Soprano"):
            live.note_on(60, part="Kazoo")
        with pytest.raises(LiveError, match="there is no note 5"):
            live.lock(5, "Bass")
        assert live.note_on(60).note == 0
