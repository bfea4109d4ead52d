from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

import arranger
from arranger.checkpoints import shipped
from arranger.ensembles import built_in, load_ensemble
from serve import schemas
from serve.metrics import Metrics
from tests.services import said, serving, settings


def test_every_built_in_ensemble_is_listed_with_its_parts(service: httpx.Client) -> None:
    found = [schemas.Ensemble.model_validate(one) for one in service.get("/v1/ensembles").json()]
    assert [one.name for one in found] == built_in()
    for one in found:
        assert tuple(part.name for part in one.parts) == load_ensemble(one.name).names


def test_models_that_arrange_and_that_continue_are_listed(service: httpx.Client) -> None:
    found = {one["name"]: one for one in service.get("/v1/models").json()}
    assert set(shipped()) < set(found)
    assert found["chorale-live"]["mode"] == "live"
    assert found["tiny-metrical"]["kind"] == "continues"
    assert found["chorale-live"]["ensemble"] == "chorale"
    assert found["any-live"]["ensemble"] is None


def test_every_bundled_piece_can_be_fetched(service: httpx.Client) -> None:
    folder = Path(arranger.__file__).parent / "examples"
    found = service.get("/v1/examples").json()
    assert {one["name"] for one in found} == {
        path.name for path in folder.iterdir() if path.suffix in {".mid", ".abc"}
    }
    for one in found:
        assert service.get(one["url"]).content == (folder / one["name"]).read_bytes()
        assert one["ensemble"] in built_in()


@pytest.mark.parametrize("name", ["none.mid", "..%2fREADME.md", "README.md"])
def test_nothing_else_can_be_fetched(service: httpx.Client, name: str) -> None:
    said(service.get(f"/v1/examples/{name}"), 404)


def test_a_service_that_runs_is_alive_and_ready(service: httpx.Client) -> None:
    for path in ("/healthz", "/readyz"):
        answer = service.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_requests_and_notes_are_counted(tmp_path: Path, piece: Path) -> None:
    with serving(settings(tmp_path)) as (client, _):
        client.post("/v1/arrangements", files={"file": ("a.mid", piece.read_bytes())})
        client.post("/v1/arrangements", content=b"")
        text = client.get("/metrics").text
    labels = 'method="POST",route="/v1/arrangements"'
    assert f'arranger_requests_total{{{labels},status="200"}} 1.0' in text
    assert f'arranger_requests_total{{{labels},status="422"}} 1.0' in text
    assert re.search(r'arranger_notes_total\{work="arrangement"\} [1-9]', text)
    assert 'arranger_request_seconds_count{route="/v1/arrangements"} 2.0' in text


def test_counts_begin_with_nothing() -> None:
    assert b"arranger_requests_total{" not in Metrics().text()


def test_a_path_that_is_not_there_is_told_as_a_problem(service: httpx.Client) -> None:
    said(service.get("/v2/arrangements"), 404)
    said(service.get("/v1/arrangements"), 405)


def test_the_reference_needs_nothing_from_elsewhere(service: httpx.Client) -> None:
    answer = service.get("/docs")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text
    assert not re.search(r"""(src|href)=['"]?https?:""", answer.text)
    for path in ("/v1/arrangements", "/v1/continuations", "/v1/jobs/{job_id}"):
        assert path in answer.text


def test_openapi_describes_every_form_and_its_examples_are_valid(service: httpx.Client) -> None:
    document = service.get("/openapi.json").json()
    forms = document["components"]["schemas"]
    referred = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert referred <= set(forms)
    for form in (schemas.ArrangementRequest, schemas.ContinuationRequest):
        [example] = forms[form.__name__]["examples"]
        form.model_validate(example)
    for path, methods in document["paths"].items():
        for route in methods.values():
            assert route["summary"], path


def test_the_example_of_the_reference_can_be_arranged(service: httpx.Client) -> None:
    document = service.get("/openapi.json").json()
    [example] = document["components"]["schemas"]["ArrangementRequest"]["examples"]
    told = service.post("/v1/arrangements", json=example).json()
    assert told["notes"][3]["part"] == "Bass"
