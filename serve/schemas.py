"""The forms in which music, wishes and answers travel.

Ticks count from 0, ``resolution`` of them a quarter; pitches, programs and velocities are MIDI's,
programs counted from 0; notes are counted from 0 in the order in which they are listed. Knows
pydantic; not how anything is done.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from arranger.files.limits import MAX_TICKS
from arranger.sampling import MIN_P

Tick = Annotated[int, Field(ge=0, le=MAX_TICKS)]
Pitch = Annotated[int, Field(ge=0, le=127)]
Program = Annotated[int, Field(ge=0, le=127)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
PartName = Annotated[str, Field(description="The name of a part of the ensemble, or an alias.")]
Share = Annotated[float, Field(ge=0, le=1)]
Mode = Literal["offline", "live", "chord-live"]


class Form(BaseModel):
    """What is sent: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class NoteIn(Form):
    onset: Tick
    pitch: Pitch
    duration: Tick
    velocity: Annotated[int, Field(ge=1, le=127)] = 64


class Tempo(Form):
    tick: Tick
    quarters: Annotated[FiniteFloat, Field(ge=4, le=1000, description="Quarters a minute.")]


class Meter(Form):
    tick: Tick
    numerator: Annotated[int, Field(ge=1, le=255)]
    denominator: Literal[1, 2, 4, 8, 16, 32, 64, 128]


class Part(Form):
    """One instrument or voice. ``voices``: how many notes it may hold at once; null: no limit."""

    name: Name
    program: Program
    low: Pitch = 0
    high: Pitch = 127
    voices: Annotated[int, Field(ge=1, le=128)] | None = 1


class Ensemble(Form):
    """Parts in score order, the highest first."""

    name: Name
    parts: Annotated[list[Part], Field(min_length=1, max_length=32)]


class Hints(Form):
    """What is known beforehand, as in a file of hints."""

    entries: Annotated[
        dict[str, Annotated[FiniteFloat, Field(ge=0)]],
        Field(description="Part to the quarter, counted from 0, where it first plays."),
    ] = {}
    mean_pitch: Annotated[
        dict[str, Annotated[FiniteFloat, Field(ge=0, le=127)]],
        Field(description="Part to how high it lies on average."),
    ] = {}
    locks: Annotated[
        dict[Annotated[int, Field(ge=0)], str],
        Field(description="Note to the part that it must have."),
    ] = {}


EnsembleWish = Annotated[
    str | Ensemble, Field(description="The name of a built-in ensemble, or one of your own.")
]
Model = Annotated[
    str | None, Field(description="A model by its name; without one, the best that fits.")
]


class ArrangementOptions(Form):
    """How to arrange."""

    ensemble: EnsembleWish = "chorale"
    mode: Annotated[
        Mode,
        Field(
            description="What is known of the piece: all of it, or what has been played, key by "
            "key (live) or chord by chord (chord-live)."
        ),
    ] = "offline"
    model: Model = None
    hints: Hints = Hints()
    alternatives: Annotated[
        int, Field(ge=1, le=8, description="How many arrangements to find; more than one offline.")
    ] = 1


class Music(Form):
    """Music as notes."""

    notes: list[NoteIn]
    resolution: Annotated[int, Field(ge=1, le=0x7FFF, description="Ticks a quarter.")] = 480
    tempos: Annotated[list[Tempo], Field(max_length=10_000)] = []
    meters: Annotated[list[Meter], Field(max_length=10_000)] = []
    program: Annotated[Program, Field(description="The instrument that plays the notes.")] = 0


class ArrangementRequest(Music, ArrangementOptions):
    """Notes to arrange, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "notes": [
                        {"onset": 0, "pitch": 72, "duration": 480, "velocity": 80},
                        {"onset": 0, "pitch": 64, "duration": 480},
                        {"onset": 0, "pitch": 55, "duration": 480},
                        {"onset": 0, "pitch": 48, "duration": 480},
                    ],
                    "resolution": 480,
                    "ensemble": "chorale",
                    "hints": {"locks": {"3": "Bass"}},
                }
            ]
        }
    )


class ContinuationOptions(Form):
    """How to go on: by exactly one of ``bars``, ``seconds`` and ``until_silence``; eight bars
    where none is given."""

    bars: Annotated[int, Field(ge=1, le=1000)] | None = None
    seconds: Annotated[FiniteFloat, Field(gt=0, le=3600)] | None = None
    until_silence: (
        Annotated[
            FiniteFloat,
            Field(gt=0, le=1, description="Stop when the model would end with this probability."),
        ]
        | None
    ) = None
    model: Model = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    temperature: Annotated[FiniteFloat, Field(ge=0, le=10)] = 1.0
    top_k: Annotated[int, Field(ge=1)] | None = None
    top_p: Annotated[FiniteFloat, Field(gt=0, le=1)] = 1.0
    min_p: Annotated[FiniteFloat, Field(ge=0, le=1)] = MIN_P
    tempo: (
        Annotated[
            FiniteFloat, Field(ge=10, le=400, description="Quarters a minute of what is new.")
        ]
        | None
    ) = None
    style: Annotated[str, Field(max_length=100)] | None = None
    arrange: Annotated[
        str | Ensemble | None,
        Field(description="The ensemble for which to arrange the whole, old and new together."),
    ] = None


class ContinuationRequest(Music, ContinuationOptions):
    """Notes to go on from, which may be none, and how."""

    notes: list[NoteIn] = []
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "notes": [
                        {"onset": 0, "pitch": 67, "duration": 480},
                        {"onset": 480, "pitch": 64, "duration": 480},
                        {"onset": 960, "pitch": 60, "duration": 960},
                    ],
                    "bars": 2,
                    "temperature": 0.9,
                    "arrange": "chorale",
                }
            ]
        }
    )


class EvaluationOptions(Form):
    """What to measure on reference scores, whose tracks are the parts of the ensemble."""

    ensemble: EnsembleWish = "chorale"
    mode: Literal["offline", "live", "stage", "chord-live"] = "offline"
    hints: Annotated[
        Literal["none", "entry", "pitch", "both"],
        Field(description="Which hints to take from the references."),
    ] = "none"
    model: Model = None


class JobOptions(Form):
    """What a job does with each of its files, and the form of its results."""

    work: Literal["arrangement", "continuation", "evaluation"] = "arrangement"
    output: Annotated[
        Literal["mid", "musicxml", "json", "png"],
        Field(description="The form of each result; an evaluation gives JSON."),
    ] = "mid"
    arrangement: ArrangementOptions = ArrangementOptions()
    continuation: ContinuationOptions = ContinuationOptions()
    evaluation: EvaluationOptions = EvaluationOptions()


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(protected_namespaces=())


class RunnerUp(Answer):
    part: PartName
    confidence: Share


class TimedNote(Answer):
    """``onset`` and ``duration`` are in ticks, ``start`` and ``length`` in seconds."""

    onset: int
    duration: int
    start: float
    length: float
    pitch: Pitch
    velocity: int


class SourceNote(TimedNote):
    track: Annotated[int, Field(description="The track it came from, counted from 0.")]


class Note(SourceNote):
    """A note and its part, how sure that is, and the part it would have had otherwise; that is
    null where it is not known."""

    part: PartName
    confidence: Share
    runner_up: RunnerUp | None


class Track(Answer):
    """A named line of the source. ``part``: the part of the ensemble that its name or program
    means; null: none."""

    name: str | None
    program: int | None
    is_drum: bool
    part: PartName | None


class Violation(Answer):
    """A rule of the ensemble that no choice of parts could keep, or that a lock broke."""

    note: int
    kind: Literal["range", "polyphony"]
    reason: str


class Alternative(Answer):
    """Another arrangement of the same notes: the part and confidence of each, in their order.
    ``differs``: how many notes have another part than in the best one."""

    parts: list[PartName]
    confidence: list[Share]
    violations: list[Violation]
    differs: int


class Piece(Answer):
    """Music as it was read. ``seconds``: until the last note ends. ``drums`` pass through."""

    name: str
    resolution: int
    seconds: float
    tempos: list[Tempo]
    meters: list[Meter]
    tracks: list[Track]
    drums: list[SourceNote]
    warnings: list[str]


class Arrangement(Piece):
    """Every note of the source with its part."""

    ensemble: Ensemble
    mode: Mode
    model: str
    notes: list[Note]
    violations: list[Violation]
    alternatives: list[Alternative]
    milliseconds: Annotated[float, Field(description="What arranging took.")]


class ContinuedNote(SourceNote):
    new: Annotated[bool, Field(description="Whether the model added it.")]


class Continuation(Piece):
    """The piece and what was added to it; ``arrangement`` where that was asked for."""

    model: str
    seed: int
    notes: list[ContinuedNote]
    new: Annotated[int, Field(description="How many notes are new.")]
    arrangement: Arrangement | None
    milliseconds: float


class ScoredNote(Note):
    truth: Annotated[str, Field(description="The part that the reference gives the note to.")]


class ScoredPiece(Answer):
    name: str
    accuracy: Share
    mistakes: int
    notes: list[ScoredNote]


class Evaluation(Answer):
    """The metrics of ``arranger evaluate``, and each piece note by note. ``confusion`` counts
    true part by predicted part."""

    metrics: dict[str, Any]
    parts: list[PartName]
    confusion: list[list[int]]
    pieces: list[ScoredPiece]
    warnings: list[str]


class JobItem(Answer):
    """One file of a job. ``problem``: why there is no result."""

    number: int
    name: str
    state: Literal["waiting", "done", "failed"]
    result: Annotated[str | None, Field(description="Where the result is, once there is one.")]
    problem: str | None


class Job(Answer):
    """A piece of long work. ``done`` and ``failed`` count its ``files``."""

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    work: Literal["arrangement", "continuation", "evaluation"]
    files: int
    done: int
    failed: int
    created: Annotated[str, Field(description="ISO 8601, UTC.")]
    finished: str | None
    problem: str | None
    result: Annotated[str | None, Field(description="Where all results are, as a zip.")]
    items: list[JobItem]


class ModelOut(Answer):
    """A checkpoint: what it is for, on what it was trained and how good it is. ``ensemble`` is null
    where it arranges for whatever parts are described, and where it continues."""

    name: str
    kind: Literal["arranges", "continues"]
    mode: Mode | None
    ensemble: str | None
    data: str
    licence: str
    metrics: dict[str, dict[str, float]]


class Example(Answer):
    """A bundled piece; ``url`` gives the file."""

    name: str
    title: str
    ensemble: str
    url: str


class Health(Answer):
    status: Literal["ok", "not ready"]
    reasons: list[str] = []


class Problem(Answer):
    """What went wrong, in one sentence: RFC 9457, ``application/problem+json``."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
