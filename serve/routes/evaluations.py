"""POST /v1/evaluations: how right a model is on reference scores."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from .. import answers, schemas, uploads, work
from ..http import accepted, while_waiting
from ..problems import refusals, unprocessable
from ..services import Services
from . import describing
from .taking import several_pieces

router = APIRouter(tags=["measuring"])


@router.post(
    "/v1/evaluations",
    summary="Measure a model on reference scores",
    response_class=Response,
    responses=describing.answers(schemas.Evaluation),
    openapi_extra=describing.files_body(schemas.EvaluationOptions),
)
async def evaluate(request: Request) -> Response:
    """Send scores whose tracks are named as the parts of the ensemble. Their parts are hidden, the
    notes arranged, and both compared: the metrics of `arranger evaluate`, and every note with its
    part and the true one."""
    services: Services = request.app.state.services
    accepted(request, (answers.JSON,))
    parcel = await uploads.receive(request, services.body)
    return await while_waiting(request, _evaluated(services, parcel))


async def _evaluated(services: Services, parcel: uploads.Parcel) -> Response:
    if parcel.document is not None:
        raise unprocessable("expected scores as files, not JSON")
    sources, wish, warnings = await several_pieces(services, parcel, schemas.EvaluationOptions)
    with refusals():
        if not sources:
            raise ValueError("; ".join(warnings))
        body = await services.arranging.run(_do, services, sources, wish, warnings)
    return Response(body, media_type=answers.JSON)


def _do(
    services: Services,
    sources: list[work.Source],
    wish: schemas.EvaluationOptions,
    warnings: list[str],
) -> bytes:
    report, more = work.evaluate(services.models, sources, wish)
    return answers.dumped(answers.evaluation(report, [*warnings, *more]))
