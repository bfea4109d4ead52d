from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serve.app import make_app
from serve.routes.studio import BUILT
from serve.settings import ApiSettings, Models
from tests.studio import running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = ApiSettings(folder=str(tmp_path_factory.mktemp("service")), models=Models(warm=()))
    with running(make_app(settings)) as address, httpx.Client(base_url=address) as client:
        yield client


def test_the_page_and_all_that_it_names_are_served(service: httpx.Client) -> None:
    page = service.get("/")
    assert page.headers["content-type"].startswith("text/html")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 3
    for path in named:
        assert service.get(f"/{path}").status_code == 200


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(service: httpx.Client) -> None:
    page = service.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy and "unsafe-eval'" not in policy.replace("wasm-unsafe", "")
    assert "http" not in policy
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|https?://", page.text)


def test_the_styles_and_scripts_of_the_page_ask_for_nothing_elsewhere() -> None:
    styles = (BUILT / "styles.css").read_text(encoding="utf-8")
    assert "url(" not in styles and "@import" not in styles
    script = (BUILT / "studio.js").read_text(encoding="utf-8")
    schemas = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    schemas |= {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xhtml"}
    assert set(re.findall(r"https?://[^\"'`\s)]+", script)) <= schemas


def test_an_unchanged_file_is_not_sent_again(service: httpx.Client) -> None:
    first = service.get("/studio/studio.js")
    again = service.get("/studio/studio.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "%2e%2e%2f%2e%2e%2fapp.py"])
def test_only_files_of_the_build_are_served(service: httpx.Client, name: str) -> None:
    answer = service.get(f"/studio/{name}")
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_the_licences_of_what_is_bundled_are_told() -> None:
    told = (BUILT / "LICENCES.txt").read_text(encoding="utf-8")
    lock = (Path(BUILT).parent / "package-lock.json").read_text(encoding="utf-8")
    for name in ("preact", "@preact/signals", "verovio"):
        assert f'"node_modules/{name}"' in lock
        assert re.search(rf"^{name} \d", told, re.MULTILINE)
