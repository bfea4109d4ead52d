"""muspy.Music in and out.

Knows that a muspy.Music is its JSON in memory. muspy takes seconds to import, so only
``to_muspy`` does it, and only when called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arrangement import Arrangement
from . import muspy_json
from .score import Score

if TYPE_CHECKING:
    import muspy


def from_muspy(music: muspy.Music) -> Score:
    """The score of a muspy.Music; FileError where it holds what no score can."""
    fields = music.to_ordered_dict(skip_missing=True)
    return Score.from_document(*muspy_json.document_of(fields, "this muspy.Music"))


def to_muspy(score: Score, arrangement: Arrangement) -> muspy.Music:
    """The arranged score, with a track for each part and one for each track of drums."""
    import muspy

    return muspy.Music.from_dict(muspy_json.fields_of(score, arrangement))
