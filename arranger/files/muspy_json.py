"""muspy's JSON: its fields to a Document, and an arranged score to its fields.

Knows muspy 0.5's names of things, not muspy itself. JSON has no place for controllers, bends,
aftertouch and the like, so what MIDI knows of them is not written. Annotations come in and go
out as text, markers and cues by their group; those of a track become the piece's. Beats and
barlines follow from the meter and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..arrangement import Arrangement
from ..notes import DEFAULT_VELOCITY, Note
from .building import DocumentBuilder
from .document import CUE, KEY, LYRIC, MARKER, TEMPO, TEXT, Document, Event, decoded, meta
from .limits import MAX_NOTES, MAX_TICKS
from .parts import checked_parts
from .score import FileError, Score

_GROUPS = {"text": TEXT, "marker": MARKER, "cue": CUE}
_METADATA = ("title", "creators", "copyright", "collection")
_FIFTHS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)
"""Sharps (flats below 0) of the major key on each pitch class."""
_ROOTS = "FCGDAEB"


def decode(data: bytes, name: str) -> tuple[Document, tuple[str, ...]]:
    """The document in a JSON file, and sentences on what had to change."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name}: not a JSON file ({error})") from error
    return document_of(fields, name)


def encode(score: Score, arrangement: Arrangement) -> bytes:
    """The arranged score as a JSON file that muspy.load reads."""
    return json.dumps(fields_of(score, arrangement), ensure_ascii=False).encode()


def document_of(fields: object, name: str) -> tuple[Document, tuple[str, ...]]:
    """The document that the fields of a muspy.Music describe."""
    try:
        return _document(_mapping(fields, "the file"))
    except _ShapeError as error:
        raise FileError(f"{name}: not the JSON of a muspy.Music: {error}") from error


def fields_of(score: Score, arrangement: Arrangement) -> dict[str, Any]:
    """The arranged score as the fields of a muspy.Music."""
    document = score.document
    tracks: list[dict[str, Any]] = [
        {"program": part.program, "is_drum": False, "name": part.name, "notes": []}
        for part in arrangement.ensemble.parts
    ]
    drums: dict[int, dict[str, Any]] = {}
    part_of = dict(zip(score.handle.tolist(), checked_parts(score, arrangement), strict=True))
    for handle, (t, start, end) in enumerate(document.notes):
        onset, (_, pitch, velocity) = document.tracks[t][start]
        duration = document.tracks[t][end][0] - onset
        note = {"time": onset, "pitch": pitch, "duration": duration, "velocity": velocity}
        track = (
            tracks[part_of[handle]]
            if handle in part_of
            else drums.setdefault(t, {"program": 0, "is_drum": True, "name": "Drums", "notes": []})
        )
        track["notes"].append(note)
    tracks += drums.values()
    for track in tracks:
        track["notes"].sort(key=lambda note: (note["time"], note["pitch"]))
    metadata = {key: document.metadata[key] for key in _METADATA if document.metadata.get(key)}
    if document.title:
        metadata["title"] = document.title
    return {
        "metadata": {"schema_version": "0.2", **metadata},
        "resolution": document.resolution,
        "tempos": [
            {"time": tick, "qpm": _qpm(int.from_bytes(payload))}
            for tick, payload in document.metas(TEMPO)
            if any(payload)
        ],
        "key_signatures": _keys(document),
        "time_signatures": [
            {"time": meter.tick, "numerator": meter.numerator, "denominator": meter.denominator}
            for meter in score.notes.meters
        ],
        "lyrics": [
            {"time": tick, "lyric": decoded(payload) or ""}
            for tick, payload in document.metas(LYRIC)
        ],
        "annotations": [
            {"time": tick, "annotation": decoded(payload) or "", "group": group}
            for group, kind in _GROUPS.items()
            for tick, payload in document.metas(kind)
        ],
        "tracks": tracks,
    }


class _ShapeError(Exception):
    """What is wrong, and where."""


def _document(fields: Mapping[str, Any]) -> tuple[Document, tuple[str, ...]]:
    resolution = _number(fields, "resolution", "the file", 1, 0x7FFF)
    metadata = _mapping(fields.get("metadata") or {}, "metadata")
    builder = DocumentBuilder(resolution, {k: metadata[k] for k in _METADATA if metadata.get(k)})
    for tick, entry, where in _timed(fields, "tempos"):
        builder.add_tempo(tick, _real(entry, "qpm", where))
    for tick, entry, where in _timed(fields, "time_signatures"):
        numerator = _number(entry, "numerator", where, 1, 255)
        builder.add_meter(tick, numerator, _number(entry, "denominator", where, 1, 128))
    for tick, entry, where in _timed(fields, "key_signatures"):
        fifths = _fifths(entry, where)
        if fifths is not None:
            builder.add_key(tick, fifths, entry.get("mode"))
    for tick, message in _texts(fields, ""):
        builder.add_event(tick, message[1], message[2:])
    silent = total = 0
    for i, track in enumerate(_entries(fields, "tracks", "")):
        where = f"tracks[{i}]"
        notes = list(_notes(track, where))
        total += len(notes)
        if total > MAX_NOTES:
            raise _ShapeError(f"more than {MAX_NOTES:,} notes, too many to arrange")
        silent += sum(note.velocity == 0 for note in notes)
        name = track.get("name")
        builder.add_track(
            None if name is None else str(name),
            _number(track, "program", where, 0, 127, 0),
            bool(track.get("is_drum")),
            [note._replace(velocity=max(1, note.velocity)) for note in notes],
            list(_texts(track, where + ".")),
        )
    were = "note of velocity 0 was" if silent == 1 else "notes of velocity 0 were"
    warnings = (f"{silent:,} {were} given velocity 1",) if silent else ()
    return builder.document(), warnings


def _notes(track: Mapping[str, Any], where: str) -> Iterator[Note]:
    for tick, entry, place in _timed(track, "notes", where + "."):
        pitch = _number(entry, "pitch", place, 0, 127)
        duration = _number(entry, "duration", place, 0, MAX_TICKS - tick)
        velocity = _number(entry, "velocity", place, 0, 127, DEFAULT_VELOCITY)
        yield Note(tick, pitch, duration, velocity)
    for tick, entry, place in _timed(track, "chords", where + "."):
        duration = _number(entry, "duration", place, 0, MAX_TICKS - tick)
        velocity = _number(entry, "velocity", place, 0, 127, DEFAULT_VELOCITY)
        pitches = entry.get("pitches")
        if not isinstance(pitches, list):
            raise _ShapeError(f"{place}.pitches must be a list, not {_shown(pitches)}")
        for pitch in pitches:
            pitch = _number({"pitches": pitch}, "pitches", place, 0, 127)
            yield Note(tick, pitch, duration, velocity)


def _texts(fields: Mapping[str, Any], where: str) -> Iterator[Event]:
    """Lyrics and annotations as meta events."""
    for tick, entry, _ in _timed(fields, "lyrics", where):
        yield tick, meta(LYRIC, _text(entry.get("lyric")))
    for tick, entry, _ in _timed(fields, "annotations", where):
        kind = _GROUPS.get(str(entry.get("group")), TEXT)
        yield tick, meta(kind, _text(entry.get("annotation")))


def _text(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace")


def _timed(
    fields: Mapping[str, Any], key: str, where: str = ""
) -> Iterator[tuple[int, Mapping[str, Any], str]]:
    """Time and fields of each entry of a list, and what to call it."""
    for i, entry in enumerate(_entries(fields, key, where)):
        place = f"{where}{key}[{i}]"
        yield _number(entry, "time", place, 0, MAX_TICKS), entry, place


def _entries(fields: Mapping[str, Any], key: str, where: str) -> Iterator[Mapping[str, Any]]:
    entries = fields.get(key) or []
    if not isinstance(entries, list):
        raise _ShapeError(f"{where}{key} must be a list, not {_shown(entries)}")
    for i, entry in enumerate(entries):
        yield _mapping(entry, f"{where}{key}[{i}]")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _ShapeError(f"{where} must be an object, not {_shown(value)}")
    return value


def _number(
    entry: Mapping[str, Any], key: str, where: str, low: int, high: int, default: int | None = None
) -> int:
    """An integer field; a missing one is ``default``, if there is any."""
    value = entry.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _ShapeError(f"{where}: {key} must be in {low}..{high}, not {_shown(value)}")
    return value


def _real(entry: Mapping[str, Any], key: str, where: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise _ShapeError(f"{where}: {key} must be a number above 0, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _fifths(entry: Mapping[str, Any], where: str) -> int | None:
    """The sharps of a key signature (flats below 0), from its root where it does not give them."""
    if entry.get("fifths") is not None:
        return _number(entry, "fifths", where, -14, 14)
    if entry.get("root") is None:
        return None
    root = _number(entry, "root", where, 0, 11)
    return _FIFTHS[(root + 3) % 12 if entry.get("mode") == "minor" else root]


def _keys(document: Document) -> list[dict[str, Any]]:
    keys = []
    for tick, payload in document.metas(KEY):
        if len(payload) < 2:
            continue
        fifths = int.from_bytes(payload[:1], signed=True)
        minor = payload[1] == 1
        place = fifths + 1 + 3 * minor
        keys.append(
            {
                "time": tick,
                "root": (7 * fifths + 9 * minor) % 12,
                "mode": "minor" if minor else "major",
                "fifths": fifths,
                "root_str": _ROOTS[place % 7] + "#" * (place // 7) + "b" * -(place // 7),
            }
        )
    return keys


def _qpm(microseconds: int) -> float:
    """Quarters a minute, in as few digits as give the same microseconds a quarter."""
    exact = 60_000_000 / microseconds
    for digits in range(1, 12):
        if round(60_000_000 / max(round(exact, digits), 1e-9)) == microseconds:
            return round(exact, digits)
    return exact
