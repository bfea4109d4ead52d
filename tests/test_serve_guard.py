from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from serve.guard import Guard, Rates
from serve.settings import Access, Limits
from tests.services import said, serving, settings


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def asked(
    guard: Guard, headers: Mapping[str, str], path: str = "/v1/models", kind: str = "http"
) -> list[dict[str, Any]]:
    """What is sent to a client with these headers."""
    answers: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        answers.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
    scope = {"type": kind, "path": path, "headers": raw, "client": ("10.0.0.1", 1), "method": "GET"}
    await guard(scope, receive, send)
    return answers


def status(guard: Guard, headers: Mapping[str, str], path: str = "/v1/models") -> int:
    found: int = asyncio.run(asked(guard, {"Host": "localhost:8000", **headers}, path))[0]["status"]
    return found


def test_on_the_loopback_nothing_is_asked_for() -> None:
    assert status(Guard(inside, Access(), token=""), {}) == 204


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[", "127.0.0.1.nip.io"]
)
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    assert status(Guard(inside, Access(), token=""), {"Host": host}) == 421


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", 204), ("/studio/studio.js", 204), ("/studio", 401), ("/v1/models", 401), ("//", 401)],
)
def test_the_page_is_shown_without_a_token_and_may_ask_for_it(path: str, expected: int) -> None:
    assert status(Guard(inside, Access(), token="secret"), {}, path) == expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:8000", "music.example"])
def test_names_that_are_ours_are_let_through(host: str) -> None:
    assert status(Guard(inside, Access(hosts=("music.example",)), token=""), {"Host": host}) == 204


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:8000", 204),
        ("https://studio.example", 204),
        ("http://localhost:9999", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_from_elsewhere_may_not_use_the_service(origin: str, expected: int) -> None:
    guard = Guard(inside, Access(origins=("https://studio.example",)), token="")
    assert status(guard, {"Origin": origin}) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Bearer secret", 204),
        ("bearer secret", 204),
        ("Bearer wrong", 401),
        ("Basic secret", 401),
        ("", 401),
    ],
)
def test_a_token_is_asked_for_where_there_is_one(given: str, expected: int) -> None:
    assert status(Guard(inside, Access(), token="secret"), {"Authorization": given}) == expected


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARRANGER_TOKEN", "secret")
    assert status(Guard(inside, Access()), {}) == 401


def test_a_load_balancer_needs_no_token() -> None:
    guard = Guard(inside, Access(), token="secret")
    assert status(guard, {"Host": "10.1.2.3"}, "/healthz") == 204


def test_a_socket_that_may_not_be_is_closed_with_a_reason() -> None:
    guard = Guard(inside, Access(), token="secret")
    [close] = asyncio.run(asked(guard, {"Host": "localhost"}, kind="websocket"))
    assert (close["type"], close["code"]) == ("websocket.close", 1008)
    assert "token" in close["reason"]


def test_a_client_that_asks_too_often_waits_and_others_do_not() -> None:
    rates = Rates(6)
    assert [rates.wait("a", 0.0) for _ in range(6)] == [0.0] * 6
    assert rates.wait("a", 0.0) == pytest.approx(10)
    assert rates.wait("b", 0.0) == 0.0
    assert rates.wait("a", 10.1) == 0.0


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path) -> None:
    with serving(settings(tmp_path, limits=Limits(requests_a_minute=2))) as (client, _):
        answers = [client.get("/v1/ensembles") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "more than 2 requests a minute" in said(answers[-1], 429)
        assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_refusal_is_a_problem_too(service: httpx.Client) -> None:
    answer = service.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert "pages of https://evil.example" in said(answer, 403)
