"""Vectors to vectors: the part of a model that knows neither notes nor tokens.

``Recurrent``, ``Transformer`` and ``Pooling`` hear both ways or one, for arranging; the others
are causal.
"""

from .causal import CausalBackbone
from .cells import CELLS, CellStack
from .pooling import Pooling
from .recurrent import Recurrent
from .relative import RelativeTransformer
from .rotary import RotaryTransformer
from .transformer import Transformer
from .xlstm import XLSTM

__all__ = [
    "CELLS",
    "XLSTM",
    "CausalBackbone",
    "CellStack",
    "Pooling",
    "Recurrent",
    "RelativeTransformer",
    "RotaryTransformer",
    "Transformer",
]
