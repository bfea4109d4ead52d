"""Reading and writing music: MIDI without loss, MusicXML, ABC, and muspy's JSON and Music."""

from .formats import read, read_bytes, write, write_bytes
from .music import from_muspy, to_muspy
from .score import FileError, Score, Track

__all__ = [
    "FileError",
    "Score",
    "Track",
    "from_muspy",
    "read",
    "read_bytes",
    "to_muspy",
    "write",
    "write_bytes",
]
