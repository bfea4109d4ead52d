"""The events of a document by what they act on: a channel, the drums, or the whole piece.

Knows which messages are local to a track and in which order they take effect. Does not know
parts.
"""

from __future__ import annotations

