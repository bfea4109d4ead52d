"""What there is to choose from: ensembles, models, bundled pieces."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse

import arranger
from arranger.ensembles import built_in, load_ensemble

from .. import answers, schemas
from ..problems import ProblemError
from ..services import Services
from . import describing

router = APIRouter(tags=["catalogue"])
FOLDER = Path(arranger.__file__).parent / "examples"
EXAMPLES = {
    "tegner-betlehems-stjarna.mid": ("Alice Tegnér, Betlehems stjärna", "chorale"),
    "brahms-vergangen-ist-mir.mid": (
        "Johannes Brahms, Vergangen ist mir Glück und Heil",
        "chorale",
    ),
    "old-hundredth.abc": ("Old Hundredth", "chorale"),
    "haydn-op1-no1-menuetto.mid": ("Joseph Haydn, menuetto from op. 1 no. 1", "quartet"),
    "chip-loop.mid": ("Chip loop", "game"),
    "pop-sketch.mid": ("Pop sketch", "pop"),
}
"""The bundled pieces, each with its title and the ensemble that it was chosen for."""


@router.get("/v1/ensembles", summary="The built-in ensembles")
async def ensembles() -> list[schemas.Ensemble]:
    """Each with its parts, the highest first."""
    return [schemas.Ensemble(**answers.ensemble(load_ensemble(name))) for name in built_in()]


def _made_for(card: Mapping[str, Any]) -> str | None:
    """The ensemble of a model for one; None for one of described parts, or that continues."""
    if "ensemble" not in card or card["config"].get("described"):
        return None
    return str(card["ensemble"]["name"])


@router.get("/v1/models", summary="The models")
async def models(request: Request) -> list[schemas.ModelOut]:
    """Those that arrange and those that continue, with what their cards say."""
    services: Services = request.app.state.services
    return [
        schemas.ModelOut(
            name=name,
            kind="arranges" if "ensemble" in card else "continues",
            mode=card.get("mode"),
            ensemble=_made_for(card),
            data=card["data"],
            licence=card["licence"],
            metrics=card.get("metrics", {}),
        )
        for name, card in services.models.cards()
    ]


@router.get("/v1/examples", summary="The bundled pieces")
async def examples() -> list[schemas.Example]:
    """Pieces to try things on, each with the ensemble that it was chosen for."""
    return [
        schemas.Example(name=name, title=title, ensemble=made_for, url=f"/v1/examples/{name}")
        for name, (title, made_for) in EXAMPLES.items()
    ]


@router.get(
    "/v1/examples/{name}",
    summary="A bundled piece",
    response_class=FileResponse,
    responses={
        200: {"description": "The file.", "content": {answers.MIDI: describing.BINARY}},
        **describing.refusals(404),
    },
)
async def example(name: Annotated[str, InPath(max_length=100)]) -> FileResponse:
    """The file itself, MIDI or ABC."""
    if name not in EXAMPLES:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no bundled piece {name!r}")
    kind = answers.MIDI if name.endswith(".mid") else "text/vnd.abc"
    return FileResponse(FOLDER / name, media_type=kind)
