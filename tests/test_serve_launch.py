from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from serve import launch


def test_the_proxy_is_given_an_answer_that_says_when_to_ask_again(tmp_path: Path) -> None:
    file = tmp_path / "a-node" / "500.http"
    file.parent.mkdir()
    file.write_text("HTTP/1.1 500 Internal Server Error\r\n\r\n", encoding="ascii")
    launch._excuse_proxy(tmp_path)
    head, _, body = file.read_bytes().partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert headers["content-type"] == "application/problem+json"
    assert int(headers["retry-after"]) >= 1
    assert int(headers["content-length"]) == len(body)
    assert json.loads(body)["status"] == 503


@pytest.mark.parametrize(("most", "refused"), [(1024, True), (20_000, False), (-1, False)])
def test_a_machine_that_allows_few_open_files_is_refused_in_a_sentence(
    most: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch.resource, "getrlimit", lambda _: (1024, most))
    sentence = r"open 1024 files, and the proxy needs 10300: raise the limit"
    with pytest.raises(ValueError, match=sentence) if refused else nullcontext():
        launch._check_open_files()


def test_where_the_proxy_has_no_such_file_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a-node").mkdir()
    launch._excuse_proxy(tmp_path)
    assert list((tmp_path / "a-node").iterdir()) == []
