from __future__ import annotations

import json
from pathlib import Path

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


def test_where_the_proxy_has_no_such_file_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a-node").mkdir()
    launch._excuse_proxy(tmp_path)
    assert list((tmp_path / "a-node").iterdir()) == []
