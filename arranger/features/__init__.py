"""The only feature code anywhere: what a model sees of notes, hints and decided parts.

``listening`` turns key events into what is known at each note, ``table`` lays that out as
arrays for a view (note, chord or piece), ``memory`` remembers what each part has played.
"""

from .listening import Listener
from .memory import RECALLS, PartMemory, memory_width
from .table import FeatureSpec, FeatureTable, describe, rows, transpose

__all__ = [
    "RECALLS",
    "FeatureSpec",
    "FeatureTable",
    "Listener",
    "PartMemory",
    "describe",
    "memory_width",
    "rows",
    "transpose",
]
