"""Scores in MusicXML as a corpus wants them: with their repeats written out."""

from __future__ import annotations

from pathlib import Path

from arranger.files import FileError, Score, from_muspy


def read_unfolded(path: Path) -> Score:
    """A MusicXML score with its repeats written out; FileError if it cannot be read."""
    import muspy

    try:
        return from_muspy(muspy.read_musicxml(path))
    except Exception as error:  # muspy raises whatever its parser meets
        raise FileError(f"{path}: not a readable score ({type(error).__name__})") from error
