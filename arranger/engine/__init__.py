"""The trained models run with numpy alone, so that no command waits for torch."""

from .model import Engine

__all__ = ["Engine"]
