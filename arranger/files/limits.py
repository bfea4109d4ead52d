"""How much a file may hold before it is refused, so that no upload can exhaust the machine.

Knows numbers only.
"""

from __future__ import annotations

MAX_MIDI_BYTES = 10_000_000
MAX_JSON_BYTES = 6_000_000
MAX_TEXT_BYTES = 16_000_000
"""MusicXML (also once unpacked from ``.mxl``) and ABC."""

MAX_PACKED_BYTES = 5_000_000
"""An ``.mxl`` file as it lies on disk."""

MAX_TUNE_BYTES = 20_000
"""One tune of an ABC file; music21's time for it grows with its square."""

MAX_NOTES = 200_000
MAX_EVENTS = 500_000
"""Events of a MIDI file; a note takes two."""

MAX_NOTATED_NOTES = 30_000
"""Notes of a MusicXML or ABC file, which take a hundred times longer to read than MIDI's."""

MAX_XML_ELEMENTS = 1_000_000
MAX_XML_DEPTH = 50

MAX_NOTATED_MEASURES = 2_000
"""Bars of a part of a MusicXML file; music21's time for them grows with their square."""

MAX_MIDI_TRACKS = 4_096

MAX_TICKS = 0x0FFFFFFF
"""The longest time between two events that a MIDI file can express."""

MAX_NOTATED_BARS = 20_000
"""Bars that are written as a score."""

MAX_VOICES = 128
"""Notes of different lengths that sound at once on a staff of a written score."""

MAX_SYMBOLS = 300_000
"""Notes of a staff of a written score, where a note counts once in each bar that it sounds in."""
