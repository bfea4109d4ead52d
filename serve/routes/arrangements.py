"""POST /v1/arrangements: give every note of a piece to a part of an ensemble."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from .. import answers, schemas, uploads, work
from ..http import accepted, while_waiting
from ..problems import refusals
from ..services import Services
from . import describing
from .taking import one_piece

router = APIRouter(tags=["arranging"])
OFFERED = (answers.JSON, answers.MIDI, answers.MUSICXML, answers.PNG)


@router.post(
    "/v1/arrangements",
    summary="Arrange a piece",
    response_class=Response,
    responses=describing.answers(schemas.Arrangement, *OFFERED[1:]),
    openapi_extra=describing.body(schemas.ArrangementRequest, schemas.ArrangementOptions),
)
async def arrange(request: Request) -> Response:
    """Send a file as it is, a form with a file and options, or notes as JSON; with a file as it
    is, options go into the query. `Accept` chooses the form of the answer: JSON tells the part,
    confidence and runner-up of each note; the others give the best arrangement."""
    services: Services = request.app.state.services
    kind = accepted(request, OFFERED)
    parcel = await uploads.receive(request, services.body)
    return await while_waiting(request, _arranged(services, parcel, kind))


async def _arranged(services: Services, parcel: uploads.Parcel, kind: str) -> Response:
    source, wish = await one_piece(
        services, parcel, schemas.ArrangementRequest, schemas.ArrangementOptions
    )
    with refusals():
        done, body = await services.arranging.run(_do, services, source, wish, kind)
    services.metrics.notes.labels("arrangement").inc(len(done.best.parts))
    return Response(body, media_type=kind)


def _do(
    services: Services, source: work.Source, wish: schemas.ArrangementOptions, kind: str
) -> tuple[work.Arranged, bytes]:
    done = work.arrange(services.models, source, wish)
    return done, answers.arranged_as(kind, done)
