"""Whatever fits the OpenAPI document, or does not, is answered, and never with a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arranger import continuation
from serve.app import make_api
from serve.services import Services
from serve.settings import ApiSettings

API = schemathesis.openapi.from_dict(make_api(Services.start(ApiSettings())).openapi())

API.config.phases.update(phases=["fuzzing"])


@pytest.fixture(scope="module", autouse=True)
def short_continuations() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(continuation, "MAX_TOKENS", 100)
        yield


@API.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_of_the_api_finds_a_fault(case: Any, service: httpx.Client) -> None:
    answer = case.call(base_url=str(service.base_url))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert list(answer.headers["content-type"]) == ["application/problem+json"]


@given(st.binary(max_size=300))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_find_a_fault(service: httpx.Client, data: bytes) -> None:
    for kind in ("audio/midi", "application/json", "application/zip"):
        answer = service.post("/v1/arrangements", content=data, headers={"Content-Type": kind})
        assert answer.status_code < 500, answer.text
