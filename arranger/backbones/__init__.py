"""Vectors to vectors: the part of a model that knows neither notes nor tokens."""

from .recurrent import Recurrent
from .transformer import Transformer

__all__ = ["Recurrent", "Transformer"]
