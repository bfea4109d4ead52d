from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from arranger.files import read_bytes
from serve import schemas, work
from serve.models import Models
from serve.settings import ApiSettings
from tests.services import MIDI, said, serving, settings

AT = "/v1/continuations"
THREE = [{"onset": 480 * n, "pitch": 60 + n, "duration": 480} for n in range(3)]
EVENTS = {"Accept": "text/event-stream"}


def events_of(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    found, name = [], ""
    for line in answer.iter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            found.append((name, json.loads(value)))
    return found


def test_the_notes_given_stay_and_new_ones_follow(service: httpx.Client) -> None:
    answer = service.post(AT, json={"notes": THREE, "bars": 2, "tempo": 90})
    told = schemas.Continuation.model_validate(answer.json())
    old = [(n.onset, n.pitch, n.duration) for n in told.notes if not n.new]
    assert old == [(n["onset"], n["pitch"], n["duration"]) for n in THREE]
    assert told.new == sum(n.new for n in told.notes) > 0
    assert min(n.onset for n in told.notes if n.new) >= 3 * 480
    assert told.tempos[-1].quarters == pytest.approx(90, abs=1e-3)


def test_notes_are_streamed_as_they_are_decided_and_then_the_whole(service: httpx.Client) -> None:
    wish = {"notes": THREE, "bars": 2, "seed": 3, "arrange": "chorale"}
    with service.stream("POST", AT, json=wish, headers=EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        *decided, (last, told) = events_of(answer)
    assert {name for name, _ in decided} == {"note"}
    assert last == "finished"
    whole = schemas.Continuation.model_validate(told)
    assert len(decided) == whole.new
    new = {(n.onset, n.pitch, n.duration) for n in whole.notes if n.new}
    assert {(n["onset"], n["pitch"], n["duration"]) for _, n in decided} == new
    assert whole.arrangement is not None
    assert len(whole.arrangement.notes) == len(whole.notes)
    assert told["notes"] == service.post(AT, json=wish).json()["notes"]


def test_a_file_is_continued_as_a_file(service: httpx.Client, piece: Path) -> None:
    headers = {**MIDI, "Accept": "audio/midi"}
    answer = service.post(AT, params={"bars": 1}, content=piece.read_bytes(), headers=headers)
    assert answer.headers["content-type"] == "audio/midi"
    grown = read_bytes(answer.content, ".mid", "answer")
    assert grown.tracks[-1].name == "Continuation"


def test_without_music_it_begins_from_nothing(service: httpx.Client) -> None:
    told = service.post(AT, params={"bars": 4}).json()
    assert told["new"] == len(told["notes"]) > 0
    assert any("nothing to go on from" in warning for warning in told["warnings"])


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"bars": 0}, "bars"),
        ({"bars": 2, "seconds": 1}, "give one of bars, seconds and until-silence"),
        ({"temperature": 1e6}, "temperature"),
        ({"style": "polka"}, "polka"),
        ({"model": "bach"}, "unknown generator 'bach': known are tiny-metrical"),
        ({"arrange": "choir"}, "unknown ensemble 'choir'"),
        ({"tempo": 5000}, "tempo"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_what_cannot_be_wished_for_is_refused_before_anything_is_streamed(
    service: httpx.Client, wish: dict[str, Any], words: str, accept: str
) -> None:
    answer = service.post(AT, json={"notes": THREE, **wish}, headers={"Accept": accept})
    assert words in said(answer, 422)


def test_without_a_generator_the_service_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Models, "continuing", lambda _: [])
    with serving(settings(tmp_path)) as (client, _):
        assert "there is no generator" in said(client.post(AT, json={"bars": 1}), 503)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_who_goes_away_stops_the_work(
    tmp_path: Path, generator: Path, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, ended = threading.Event(), threading.Event()
    real = work.continue_

    def watched(models: Any, source: Any, wish: Any, tell: Any) -> Any:
        def slowly(note: Any) -> None:
            told.set()
            time.sleep(0.02)
            tell(note)

        try:
            return real(models, source, wish, slowly)
        finally:
            ended.set()

    monkeypatch.setattr(work, "continue_", watched)
    with serving(settings(tmp_path, generator)) as (client, services):
        impatient = httpx.Timeout(0.5)
        began = time.monotonic()
        wish = {"notes": THREE, "bars": 1000}
        if accept == "application/json":
            with pytest.raises(httpx.ReadTimeout):
                client.post(AT, json=wish, timeout=impatient)
        else:
            with client.stream("POST", AT, json=wish, headers=EVENTS) as answer:
                next(answer.iter_lines())
        assert told.is_set()
        assert ended.wait(5), "the work went on"
        assert time.monotonic() - began < 10
        assert wait_until(lambda: services.generating.taken == 0)


def wait_until(true: Any, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False


def test_a_fault_within_the_stream_is_told_as_an_event(
    tmp_path: Path, generator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = work.continue_

    def breaks(models: Any, source: Any, wish: Any, tell: Any) -> Any:
        real(models, source, wish, tell)
        raise ValueError("the piece has no end")

    monkeypatch.setattr(work, "continue_", breaks)
    chosen: ApiSettings = settings(tmp_path, generator)
    with (
        serving(chosen) as (client, _),
        client.stream("POST", AT, json={"notes": THREE, "bars": 1}, headers=EVENTS) as answer,
    ):
        name, told = events_of(answer)[-1]
    assert name == "problem"
    assert told["detail"] == "the piece has no end"
