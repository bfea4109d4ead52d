"""Reading and writing by the suffix of a file.

Knows which format a suffix means and how large a file may be. Does not know the formats; their
modules are imported when a file needs them.
"""

from __future__ import annotations

from pathlib import Path

from ..arrangement import Arrangement
from . import midi
from .limits import MAX_JSON_BYTES, MAX_MIDI_BYTES, MAX_TEXT_BYTES
from .parts import arranged_tracks
from .score import FileError, Score

READABLE = (".mid", ".midi", ".musicxml", ".xml", ".mxl", ".abc", ".json")
WRITABLE = (".mid", ".midi", ".musicxml", ".xml", ".json")
_LIMITS = {".mid": MAX_MIDI_BYTES, ".midi": MAX_MIDI_BYTES, ".json": MAX_JSON_BYTES}


def read(path: str | Path) -> Score:
    """The score in a file.

    Repeats in MusicXML and ABC are not written out: the piece is what stands on the page.
    Raises FileError, with one sentence that names the file and the fault.
    """
    path = Path(path)
    suffix = _suffix(path, READABLE, "read")
    limit = _LIMITS.get(suffix, MAX_TEXT_BYTES)
    if path.is_dir():
        raise FileError(f"{path}: a folder, expected a file")
    if not path.is_file():
        raise FileError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from error
    return read_bytes(data, suffix, str(path))


def read_bytes(data: bytes, suffix: str, name: str) -> Score:
    """The score in ``data``, whose format ``suffix`` tells; errors call it ``name``."""
    suffix = _suffix(Path("x" + suffix), READABLE, "read", name)
    limit = _LIMITS.get(suffix, MAX_TEXT_BYTES)
    if len(data) > limit:
        raise FileError(
            f"{name}: larger than {limit // 1_000_000} MB, the most that a {suffix} file may have"
        )
    if not data:
        raise FileError(f"{name}: the file is empty")
    if suffix in {".mid", ".midi"}:
        return Score.from_document(*midi.decode(data, name))
    if suffix == ".json":
        from . import muspy_json

        return Score.from_document(*muspy_json.decode(data, name))
    from .notation import decode

    return Score.from_document(*decode(data, suffix, name))


def write(path: str | Path, score: Score, arrangement: Arrangement) -> None:
    """Write ``score`` as ``arrangement`` gives its notes to parts.

    MIDI keeps everything of the source; MusicXML shows the notes in readable values; JSON holds
    what a muspy.Music holds. Raises FileError where the suffix means none of these or the file
    cannot be written.
    """
    path = Path(path)
    write_file(path, write_bytes(_suffix(path, WRITABLE, "written"), score, arrangement, str(path)))


def write_file(path: str | Path, data: bytes) -> None:
    """Write ``data``; FileError where that cannot be done."""
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror})") from error


def write_bytes(suffix: str, score: Score, arrangement: Arrangement, name: str) -> bytes:
    """What ``write`` writes; errors call it ``name``."""
    suffix = _suffix(Path("x" + suffix), WRITABLE, "written", name)
    if suffix in {".mid", ".midi"}:
        tracks = arranged_tracks(score, arrangement)
        if len(tracks) > 0xFFFF:
            raise FileError(f"{name}: would need {len(tracks):,} tracks, MIDI has at most 65,535")
        return midi.encode(score.document.resolution, tracks)
    if suffix == ".json":
        from . import muspy_json

        return muspy_json.encode(score, arrangement)
    from . import engraving

    return engraving.encode(score, arrangement, name)


def _suffix(path: Path, known: tuple[str, ...], verb: str, name: str | None = None) -> str:
    suffix = path.suffix.lower()
    if suffix not in known:
        found = suffix or "no suffix"
        raise FileError(
            f"{name or path}: {found} cannot be {verb}, expected one of {', '.join(known)}"
        )
    return suffix
