"""How routes that take raw bodies are told of in OpenAPI."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .. import schemas
from ..problems import MEDIA_TYPE
from ..uploads import SUFFIXES

BINARY = {"schema": {"type": "string", "format": "binary"}}
_REFUSED = {
    406: "None of the types in Accept can be answered.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is no music.",
    422: "The music or the wishes cannot be used.",
    429: "This client asks too often.",
    503: "Too many requests wait, or something is missing: ask again later.",
}


def reference(form: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{form.__name__}"}


def body(json_form: type[BaseModel], options: type[BaseModel], required: bool = True) -> Any:
    """A body that is notes as JSON, a form with a file and options, or a file as it is."""
    form = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "options": reference(options),
        },
        **({"required": ["file"]} if required else {}),
    }
    content: dict[str, Any] = {
        "application/json": {"schema": reference(json_form)},
        "multipart/form-data": {"schema": form},
    }
    content |= dict.fromkeys(SUFFIXES, BINARY)
    return {"requestBody": {"required": required, "content": content}}


def files_body(options: type[BaseModel]) -> Any:
    """A body that is a form with files and options, or a zip."""
    form = {
        "type": "object",
        "properties": {
            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
            "options": reference(options),
        },
        "required": ["file"],
    }
    content = {"multipart/form-data": {"schema": form}, "application/zip": BINARY}
    return {"requestBody": {"required": True, "content": content}}


def answers(form: type[BaseModel], *others: str, status: int = 200) -> dict[int | str, Any]:
    """The answers of a route that gives ``form`` as JSON or one of ``others``."""
    content: dict[str, Any] = {"application/json": {"schema": reference(form)}}
    content |= dict.fromkeys(others, BINARY)
    return {status: {"description": form.__doc__ or "", "content": content}, **refusals()}


def refusals(*also: int) -> dict[int | str, Any]:
    """What any route may refuse with."""
    content = {MEDIA_TYPE: {"schema": reference(schemas.Problem)}}
    told = dict(_REFUSED) | dict.fromkeys(also, "There is no such thing.")
    return {status: {"description": why, "content": content} for status, why in told.items()}
