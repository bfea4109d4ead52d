"""A reference piece as every prepared corpus holds it: a MIDI file with a track for each part.

Knows notes, parts and what concerns the whole piece. Does not know where a piece comes from.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble
from arranger.files import Score, write
from arranger.files.building import DocumentBuilder
from arranger.files.document import KEY, METER, TEMPO
from arranger.notes import Note, NoteSequence


class MetaEvent(NamedTuple):
    """A tempo, meter or key, as MIDI writes it."""

    tick: int
    kind: int
    payload: bytes


class Reference(NamedTuple):
    """``notes``, in ticks of the source, and the part of each, shape (N,). ``remarks`` are
    sentences on what had to be repaired or was left out.
    """

    notes: NoteSequence
    parts: NDArray[np.int64]
    conductor: tuple[MetaEvent, ...] = ()
    remarks: tuple[str, ...] = ()


def reference_of(score: Score, ensemble: Ensemble) -> Reference:
    """What ``score`` says of ``ensemble``: no drums, no other tracks, no note twice in a part."""
    notes, parts = score.reference(ensemble)
    conductor = [
        MetaEvent(tick, kind, payload)
        for kind in (TEMPO, METER, KEY)
        for tick, payload in score.document.metas(kind)
    ]
    return Reference(notes, parts, tuple(conductor), score.warnings)


def write_reference(path: Path, reference: Reference, ensemble: Ensemble) -> None:
    """Write a MIDI file from which ``Score.reference(ensemble)`` reads the same notes and parts.

    It has the conductor's track and one for each part, in order. A part whose notes overlap on
    one pitch gets a further channel, as in arranged files.
    """
    notes = reference.notes
    columns = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    builder = DocumentBuilder(notes.resolution)
    for event in reference.conductor:
        builder.add_event(*event)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    builder.add_track(None, None, False, [Note(*row) for row in rows])
    score = Score.from_document(builder.document())
    certain = np.ones(len(notes))
    write(path, score, Arrangement(score.notes, ensemble, reference.parts, certain))
