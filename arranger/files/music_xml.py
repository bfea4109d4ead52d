"""MusicXML: unpacking and checking a file that may be hostile, and its stream.

Knows zip archives and the shape of XML. Leaves the notation itself to music21, which is slow and
has no limits, so a file is counted and checked before it gets there.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any
from xml.parsers import expat

from .limits import (
    MAX_NOTATED_MEASURES,
    MAX_NOTATED_NOTES,
    MAX_PACKED_BYTES,
    MAX_TEXT_BYTES,
    MAX_XML_DEPTH,
    MAX_XML_ELEMENTS,
)
from .score import FileError


def unpacked(data: bytes, name: str) -> bytes:
    """The score in an ``.mxl`` archive."""
    if len(data) > MAX_PACKED_BYTES:
        raise FileError(
            f"{name}: {len(data):,} bytes, but an .mxl file may have at most {MAX_PACKED_BYTES:,}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _member(archive, _score_in(archive, name), name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{name}: not a readable .mxl archive ({error})") from error


def checked(data: bytes, name: str) -> bytes:
    """``data``, if it is a score of bearable size that declares no entities."""
    notes = elements = measures = 0
    path: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal notes, elements, measures
        if not path and tag != "score-partwise":
            raise FileError(f"{name}: its root is <{tag}>, expected <score-partwise>")
        path.append(tag)
        elements += 1
        notes += tag == "note"
        measures = 0 if tag == "part" else measures + (tag == "measure")
        if measures > MAX_NOTATED_MEASURES:
            raise FileError(
                f"{name}: more than {MAX_NOTATED_MEASURES:,} bars, too many to read from MusicXML"
            )
        if notes > MAX_NOTATED_NOTES:
            raise FileError(
                f"{name}: more than {MAX_NOTATED_NOTES:,} notes, too many to read from MusicXML"
            )
        if elements > MAX_XML_ELEMENTS or len(path) > MAX_XML_DEPTH:
            raise FileError(
                f"{name}: more than {MAX_XML_ELEMENTS:,} elements or {MAX_XML_DEPTH} levels of them"
            )

    def end(tag: str) -> None:
        path.pop()

    _parse(data, name, start, end)
    return data


def stream_of(xml: bytes) -> Any:
    """The music21 score of a checked file, at sounding pitch."""
    from xml.etree import ElementTree

    from music21.musicxml.xmlToM21 import MusicXMLImporter

    importer = MusicXMLImporter()
    importer.xmlRootToScore(ElementTree.fromstring(xml), importer.stream)
    importer.stream.toSoundingPitch(inPlace=True)
    return importer.stream


def _parse(data: bytes, name: str, start: Any, end: Any = None) -> None:
    """Run through XML; FileError where it is not well-formed or declares anything."""

    def refuse(*_: object) -> None:
        raise FileError(f"{name}: it declares XML entities, which no score needs")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{name}: not well-formed XML ({error})") from error


def _score_in(archive: zipfile.ZipFile, name: str) -> str:
    """The member that holds the score: the one the container names, else the first XML."""
    members = archive.namelist()
    found: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "rootfile" and "full-path" in attributes:
            found.append(attributes["full-path"])

    if "META-INF/container.xml" in members:
        _parse(_member(archive, "META-INF/container.xml", name), name, start)
    found += [
        member
        for member in members
        if member.endswith((".xml", ".musicxml")) and not member.startswith("META-INF/")
    ]
    if not found or found[0] not in members:
        raise FileError(f"{name}: the archive holds no score")
    return found[0]


def _member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """A member of the archive, unpacked as far as the limit."""
    info = archive.getinfo(member)
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise FileError(f"{name}: {member} is packed in a way that .mxl does not allow")
    if info.file_size <= MAX_TEXT_BYTES:
        with archive.open(info) as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) <= MAX_TEXT_BYTES:
            return data
    raise FileError(
        f"{name}: {member} unpacks to more than {MAX_TEXT_BYTES // 1_000_000} MB, too large to read"
    )
