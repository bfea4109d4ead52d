"""How much a file may hold before it is refused, so that no upload can exhaust the machine.

Knows numbers only.
"""

from __future__ import annotations

MAX_MIDI_BYTES = 10_000_000
MAX_TEXT_BYTES = 16_000_000
"""MusicXML (also once unpacked from ``.mxl``), ABC and JSON."""

MAX_NOTES = 200_000
MAX_EVENTS = 600_000
"""Events of a MIDI file; a note takes two."""

MAX_NOTATED_NOTES = 30_000
"""Notes of a MusicXML or ABC file, which take a hundred times longer to read than MIDI's."""

MAX_MIDI_TRACKS = 4_096

MAX_TICKS = 0x0FFFFFFF
"""The longest time between two events that a MIDI file can express."""

MAX_NOTATED_BARS = 20_000
"""Bars that are written as a score."""
