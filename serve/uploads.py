"""Bodies of requests: counted while they arrive, taken apart, and their kind told.

Knows HTTP bodies, multipart forms and zips; not music.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote

import pydantic
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from arranger.files.formats import READABLE

from .problems import ProblemError, unprocessable
from .schemas import Form

Wishes = TypeVar("Wishes", bound=Form)

JSON, MULTIPART = "application/json", "multipart/form-data"
ZIP = "application/zip"
SUFFIXES = {
    "audio/midi": ".mid",
    "audio/x-midi": ".mid",
    "audio/mid": ".mid",
    "application/vnd.recordare.musicxml+xml": ".musicxml",
    "application/vnd.recordare.musicxml": ".mxl",
    "application/xml": ".musicxml",
    "text/xml": ".musicxml",
    "text/vnd.abc": ".abc",
}
_BEGINNINGS = {b"MThd": ".mid", b"RIFF": ".mid", b"PK\3\4": ".mxl", b"<": ".musicxml"}
_BEGINNINGS |= {b"X:": ".abc", b"%abc": ".abc", b"{": ".json"}
_NAME_LENGTH = 120


@dataclass(frozen=True)
class Upload:
    """A file as it was sent. ``suffix`` says its format."""

    name: str
    suffix: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Parcel:
    """What a request brought: files, and its fields or its JSON document as text."""

    uploads: tuple[Upload, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    document: bytes | None = None


@dataclass(frozen=True)
class BodyLimits:
    """The most bytes of a body, the seconds that it may take to arrive, and its most files."""

    bytes: int
    seconds: float
    files: int


async def receive(request: Request, limits: BodyLimits, unpacked: int | None = None) -> Parcel:
    """What ``request`` brings: a JSON document, a form with files, or one file as it is.

    ``unpacked`` is the most bytes that a zip may hold; by default, what a body may.
    """
    try:
        async with asyncio.timeout(limits.seconds):
            return await _receive(request, limits, unpacked or limits.bytes)
    except TimeoutError as error:
        raise ProblemError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body did not arrive within {limits.seconds:g} seconds",
            {"Connection": "close"},
        ) from error


async def _receive(request: Request, limits: BodyLimits, most: int) -> Parcel:
    kind = media_type(request.headers.get("content-type", ""))
    if kind == MULTIPART:
        return await _form(request, limits, most)
    body = b"".join([chunk async for chunk in _counted(request, limits.bytes)])
    if kind == JSON:
        return Parcel(fields=dict(request.query_params), document=body)
    fields = dict(request.query_params)
    name = plain_name(fields.pop("name", "") or "upload")
    if not body:
        return Parcel(fields=fields)
    if kind == ZIP and not name.lower().endswith(".mxl"):
        return Parcel(unzipped(body, limits.files, most), fields)
    return Parcel((upload(name, kind, body),), fields)


async def _form(request: Request, limits: BodyLimits, most: int) -> Parcel:
    parser = MultiPartParser(
        request.headers,
        _counted(request, limits.bytes),
        max_files=limits.files,
        max_fields=50,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error.message}"
        ) from error
    uploads: list[Upload] = []
    fields = dict(request.query_params)
    try:
        for key, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields[key] = value
                continue
            name, data = plain_name(value.filename or "upload"), await value.read()
            if media_type(value.content_type or "") == ZIP or name.lower().endswith(".zip"):
                uploads += unzipped(data, limits.files - len(uploads), most)
            else:
                uploads.append(upload(name, media_type(value.content_type or ""), data))
    finally:
        await form.close()
    return Parcel(tuple(uploads), fields)


async def _counted(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body as it arrives; a ProblemError as soon as there is too much of it."""
    declared = request.headers.get("content-length", "")
    arrived = int(declared) if declared.isascii() and declared.isdigit() else 0
    _within(arrived, limit)
    arrived = 0
    async for chunk in _stream(request):
        arrived += len(chunk)
        _within(arrived, limit)
        yield chunk


async def _stream(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


def _within(arrived: int, limit: int) -> None:
    if arrived > limit:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body is larger than {limit:,} bytes, the most that is taken",
            {"Connection": "close"},
        )


def upload(name: str, kind: str, data: bytes) -> Upload:
    """A file of the media type ``kind``; its name decides first, then its type, then how it
    begins."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in READABLE:
        found = SUFFIXES.get(kind) or _by_beginning(data)
        if found is None:
            raise ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"{name}: neither its name nor its type nor its content is that of music; "
                f"expected a file with a suffix among {', '.join(READABLE)}",
            )
        suffix = found
    return Upload(name, suffix, data)


def _by_beginning(data: bytes) -> str | None:
    start = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((suffix for sign, suffix in _BEGINNINGS.items() if start.startswith(sign)), None)


def unzipped(data: bytes, files: int, limit: int) -> tuple[Upload, ...]:
    """The music files in a zip, at most so many and together no larger than ``limit`` bytes."""
    found: list[Upload] = []
    left = limit
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for entry in packed.infolist():
                name = plain_name(entry.filename)
                if entry.is_dir() or PurePosixPath(name).suffix.lower() not in READABLE:
                    continue
                if len(found) == files:
                    raise unprocessable(f"the zip holds more than {files} files of music")
                with packed.open(entry) as file:
                    content = file.read(left + 1)  # what the zip says of its size may be a lie
                left -= len(content)
                _within(limit - left, limit)
                found.append(upload(name, "", content))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise unprocessable("the zip cannot be unpacked: it is damaged or encrypted") from error
    except ValueError as error:
        raise unprocessable("the zip cannot be unpacked: it is damaged") from error
    if not found:
        raise unprocessable(f"the zip holds no file with a suffix among {', '.join(READABLE)}")
    return tuple(found)


def plain_name(name: str) -> str:
    """A file's name without folders or characters that nobody can print."""
    last = unquote(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    printable = "".join(c for c in last if c.isprintable()).strip(". ")
    stem, suffix = PurePosixPath(printable or "upload").stem, PurePosixPath(printable).suffix
    return stem[:_NAME_LENGTH] + suffix[:16]


def media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def wishes(kind: type[Wishes], document: bytes | str | dict[str, Any]) -> Wishes:
    """A document of the form ``kind``; a ProblemError that names the first key that is wrong."""
    try:
        if isinstance(document, dict):
            return kind.model_validate(document)
        return kind.model_validate_json(document)
    except pydantic.ValidationError as error:
        raise unprocessable(_sentence(error)) from error


def options(kind: type[Wishes], fields: dict[str, str]) -> Wishes:
    """Options that came as fields of a form or of a query: each by itself, or all of them as one
    JSON document in the field ``options``."""
    known = dict(fields)
    document: dict[str, Any] = {}
    if "options" in known:
        document = _object(known.pop("options"))
    for key, text in known.items():
        document[key] = _value(kind, key, text)
    return wishes(kind, document)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unprocessable(f"options: not a JSON document ({error})") from error
    if not isinstance(found, dict):
        raise unprocessable("options: expected a JSON object")
    return found


def _value(kind: type[Wishes], key: str, text: str) -> Any:
    """What a field says: JSON where it looks like an object, else the text."""
    if key in kind.model_fields and text.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise unprocessable(f"{key}: not a JSON document ({error})") from error
    return text


_FORMS = {"str", "Ensemble"}
"""What pydantic calls the forms that an ensemble may have, which is no place in a document."""


def _sentence(error: pydantic.ValidationError) -> str:
    found = error.errors(include_url=False)
    alike = [one for one in found if one["loc"][:1] == found[0]["loc"][:1]]
    first = max(alike, key=lambda one: len(one["loc"]))  # of several forms, the one meant
    count = len({one["loc"][:1] for one in found})
    places = [str(place) for place in first["loc"] if place not in _FORMS]
    where = ".".join(places) or "the document"
    said = first["msg"][:1].lower() + first["msg"][1:]
    given = first.get("input")
    if isinstance(given, str | int | float | bool) or given is None:
        shown = repr(given)
        said += f", not {shown if len(shown) <= 80 else shown[:80] + '…'}"
    more = f" ({count - 1} more like this)" if count > 1 else ""
    return f"{where}: {said}{more}"
