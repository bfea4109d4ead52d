from __future__ import annotations

import io
import json
import socket
import time
import zipfile
from pathlib import Path

import httpx
import pytest

from serve.problems import ProblemError
from serve.settings import Limits
from serve.uploads import plain_name, unzipped, upload
from tests.services import MIDI, said, serving, settings

AT = "/v1/arrangements"


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "data", "suffix"),
    [
        ("a.MID", "text/plain", b"", ".mid"),
        ("a", "audio/midi", b"", ".mid"),
        ("a.txt", "application/octet-stream", b"MThd\0\0", ".mid"),
        ("a", "", b"\xef\xbb\xbf  <?xml version='1.0'?>", ".musicxml"),
        ("a", "", b"PK\3\4", ".mxl"),
        ("a", "", b"X:1\n", ".abc"),
        ("a", "application/octet-stream", b'{"tracks": []}', ".json"),
    ],
)
def test_a_name_says_the_format_or_else_the_type_or_else_the_content(
    name: str, kind: str, data: bytes, suffix: str
) -> None:
    assert upload(name, kind, data).suffix == suffix


def test_what_is_no_music_is_refused() -> None:
    with pytest.raises(ProblemError, match=r"cat.gif: neither its name nor its type"):
        upload("cat.gif", "image/gif", b"GIF89a")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("%2e%2e%2fsecret.mid", "secret.mid"),
        ("/", "upload"),
        ("..", "upload"),
        ("a\n\0b\u202e.mid", "ab.mid"),
        ("x" * 500 + ".mid", "x" * 120 + ".mid"),
    ],
)
def test_names_lose_folders_and_what_nobody_can_print(sent: str, kept: str) -> None:
    assert plain_name(sent) == kept


def test_a_zip_gives_its_music_alone() -> None:
    data = zipped({"a/one.mid": b"1", "two.abc": b"2", "__MACOSX/._one.txt": b"3", "notes.md": b""})
    assert [(u.name, u.data) for u in unzipped(data, 10, 100)] == [
        ("one.mid", b"1"),
        ("two.abc", b"2"),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped({"bomb.mid": bytes(5_000_000)}), "larger than 1,000 bytes"),
        (zipped({f"{n}.mid": bytes(300) for n in range(5)}), "larger than 1,000 bytes"),
        (zipped({f"{n}.mid": b"" for n in range(30)}), "more than 10 files"),
        (zipped({"readme.txt": b""}), "no file with a suffix"),
        (b"PK\3\4 and then nothing", "damaged"),
        (zipped({"a.mid": b"abc"})[:-30], "damaged"),
    ],
    ids=["a bomb", "together too large", "too many", "no music", "no zip", "truncated"],
)
def test_a_hostile_zip_is_refused_before_it_is_unpacked(data: bytes, words: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ProblemError, match=words):
        unzipped(data, 10, 1_000)
    assert time.perf_counter() - began < 1


def test_a_body_over_the_limit_is_refused_by_what_it_declares(service: httpx.Client) -> None:
    request = service.build_request("POST", AT, headers={**MIDI, "Content-Length": "999999999"})
    with socket.create_connection((request.url.host, request.url.port or 0)) as line:
        line.sendall(b"POST /v1/arrangements HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        line.sendall(b"Content-Type: audio/midi\r\nContent-Length: 999999999\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_over_the_limit_is_refused_while_it_arrives(tmp_path: Path) -> None:
    def endless() -> object:
        while True:
            yield bytes(1000)

    with serving(settings(tmp_path, limits=Limits(body_bytes=10_000))) as (client, _):
        for form in ({"content": endless(), "headers": MIDI}, {"files": {"file": bytes(20_000)}}):
            try:
                sentence = said(client.post(AT, **form), 413)
            except (httpx.WriteError, httpx.ReadError):  # it hung up while we went on sending
                continue
            assert "larger than 10,000 bytes" in sentence
        assert client.get("/healthz").status_code == 200


def test_a_body_that_trickles_in_is_not_waited_for(tmp_path: Path) -> None:
    chosen = settings(tmp_path, limits=Limits(body_seconds=0.3))
    with serving(chosen) as (client, _):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", client.base_url.port)) as line:
            line.sendall(b"POST /v1/arrangements HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            line.sendall(b"Content-Type: audio/midi\r\nContent-Length: 1000\r\n\r\nMThd")
            answer = b"".join(iter(lambda: line.recv(4096), b""))  # until the service hangs up
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not arrive within 0.3 seconds" in answer
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "the document: invalid JSON"),
        (b"[]", "the document: input should be an object"),
        (b"\xff\xfe", "invalid JSON"),
        (b'{"notes": [' + b"[" * 100_000, "invalid JSON"),
        (b'{"notes": [{"onset": NaN, "pitch": 1, "duration": 1}]}', "onset"),
        (b'{"notes": [{"onset": 1e400, "pitch": 1, "duration": 1}]}', "onset"),
        (
            b'{"notes": [{"onset": 1' + b"0" * 5000 + b', "pitch": 1, "duration": 1}]}',
            "out of range",
        ),
    ],
)
def test_hostile_json_is_refused(service: httpx.Client, body: bytes, words: str) -> None:
    answer = service.post(AT, content=body, headers={"Content-Type": "application/json"})
    assert words.lower() in said(answer, 422).lower()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n\r\n--x--",
        b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
    ],
)
def test_a_broken_form_is_refused(service: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = service.post(AT, content=body, headers=headers)
    assert answer.status_code in {400, 422}
    said(answer, answer.status_code)


def test_a_form_without_a_boundary_is_refused(service: httpx.Client) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    assert "form cannot be read" in said(service.post(AT, content=b"x", headers=headers), 400)


def test_options_that_are_no_object_are_refused(service: httpx.Client, piece: Path) -> None:
    for text in ("[1]", "{", "7"):
        answer = service.post(AT, files={"file": piece.read_bytes()}, data={"options": text})
        assert "options:" in said(answer, 422)


def test_several_files_are_work_for_a_job(service: httpx.Client, piece: Path) -> None:
    files = [("file", (f"{n}.mid", piece.read_bytes())) for n in range(2)]
    assert "/v1/jobs" in said(service.post(AT, files=files), 422)


def test_nothing_sent_is_nothing_to_arrange(service: httpx.Client) -> None:
    assert "expected one file, not 0" in said(service.post(AT), 422)


def test_fields_too_many_or_too_long_are_refused(service: httpx.Client, piece: Path) -> None:
    file = {"file": piece.read_bytes()}
    many = service.post(AT, files=file, data={f"f{n}": "1" for n in range(60)})
    said(many, 400)
    said(service.post(AT, files=file, data={"options": json.dumps("x" * 2_000_000)}), 400)
