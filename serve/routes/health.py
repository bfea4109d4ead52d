"""Whether the service lives, whether it is ready, and what it has counted."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from .. import schemas
from ..jobs.store import StoreError
from ..services import Services

router = APIRouter(tags=["watching"])


@router.get("/healthz", summary="Whether the service lives")
async def alive() -> schemas.Health:
    """Answered by a process that answers at all."""
    return schemas.Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether the service is ready",
    responses={503: {"model": schemas.Health, "description": "What is not ready, and why."}},
)
async def ready(request: Request, response: Response) -> schemas.Health:
    """Whether models are loaded and jobs can be kept."""
    services: Services = request.app.state.services
    reasons = list(services.not_ready)
    try:
        await asyncio.to_thread(services.jobs.waiting)
    except StoreError as error:
        reasons.append(str(error))
    if reasons:
        response.status_code = 503
        return schemas.Health(status="not ready", reasons=reasons)
    return schemas.Health(status="ok")


@router.get("/metrics", summary="Counts for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus' text form, of all processes of this machine."""
    counts = request.app.state.services.metrics
    return Response(await asyncio.to_thread(counts.text), media_type=counts.content_type)
