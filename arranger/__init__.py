"""Arranger gives every note of a piece to a part of an ensemble, offline or live."""

from .hints import Hints
from .offline import ArrangedScore, Arranger
from .online import LiveArranger, Session

__version__ = "0.1.0"
__all__ = ["ArrangedScore", "Arranger", "Hints", "LiveArranger", "Session", "__version__"]
