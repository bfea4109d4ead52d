"""Gives every note of a keyboard piece to a part of an ensemble, offline or live."""

__version__ = "0.1.0"
