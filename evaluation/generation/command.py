"""What ``arranger evaluate-generation`` does: a question about a model, answered as tables.

Knows checkpoints, corpora and everything that is measured of them; not how a command line is
parsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arranger.continuation import Generator
from arranger.sampling import Sampling
from arranger.token_checkpoints import TokenCheckpoint, load_tokens
from arranger.tokenizers.folk import FolkTokens

from .continuers import Continuer, Copy, Model, Random
from .copying import KnownRuns
from .excerpts import excerpts
from .likelihood import likelihood
from .pieces import TokenPiece, TunePiece, load_token_pieces
from .results import plain
from .runner import evaluate_continuers, table
from .tunes import evaluate_tunes

BASELINES = ("copy", "random")


@dataclass(frozen=True)
class Question:
    """What to measure of a checkpoint on a split of the corpus in ``data``: its likelihood, and
    ``samples`` continuations by ``bars`` bars of the first ``before`` bars of pieces, beside
    ``baselines`` and the truth; for a model of folk tunes also ``tunes`` whole ones. Tokens are
    drawn as likely as the model finds them unless ``sampling`` says otherwise."""

    data: Path
    split: str = "test"
    samples: int = 32
    bars: int = 8
    before: int = 8
    baselines: tuple[str, ...] = BASELINES
    sampling: Sampling = field(default_factory=lambda: Sampling(min_p=0.0))
    tunes: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("samples", 1), ("bars", 2), ("before", 1), ("tunes", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be {least} or more, not {getattr(self, name)}")
        for name in self.baselines:
            if name not in BASELINES:
                raise ValueError(f"baselines are {', '.join(BASELINES)}, not {name!r}")


def answer(model: str | Path, question: Question, json_path: Path | None = None) -> str:
    """The tables of a question's answers; also as JSON, if asked."""
    measured = measure(load_tokens(model), question)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(measured, indent=1, ensure_ascii=False)
        json_path.write_text(text + "\n", encoding="utf-8")
    return shown(measured)


def measure(checkpoint: TokenCheckpoint, question: Question) -> dict[str, Any]:
    """Everything that is asked for, as plain data."""
    tokens = checkpoint.tokenizer
    pieces = load_token_pieces(question.data, question.split, tokens)
    train = load_token_pieces(question.data, "train", tokens)
    measured: dict[str, Any] = plain(
        {
            "model": checkpoint.card.name,
            "tokenizer": tokens.name,
            "data": question.data.name,
            "split": question.split,
            "likelihood": likelihood(checkpoint, pieces),
            "sampled": _sampled(checkpoint, question, pieces, train),
            "tunes": _tunes(checkpoint, question, pieces),
        }
    )
    return measured


def _sampled(
    checkpoint: TokenCheckpoint,
    question: Question,
    pieces: Sequence[TokenPiece],
    train: Sequence[TokenPiece],
) -> list[dict[str, Any]]:
    card = checkpoint.card
    predictor = checkpoint.predictor()
    generator = Generator(card.name, checkpoint.tokenizer, predictor, card.context)
    known = [piece.notes for piece in train]
    continuers: list[Continuer] = [Model(generator, question.sampling)]
    continuers += [Copy() if name == "copy" else Random(known) for name in question.baselines]
    chosen = excerpts(pieces, question.before, question.bars, question.samples)
    return evaluate_continuers(continuers, chosen, KnownRuns(known), question.seed)


def _tunes(
    checkpoint: TokenCheckpoint, question: Question, pieces: Sequence[TokenPiece]
) -> dict[str, float] | None:
    """The share of sound tunes, for models that make tunes; in the styles of ``pieces``."""
    if not isinstance(checkpoint.tokenizer, FolkTokens) or not question.tunes:
        return None
    styles = [piece.head for piece in pieces if isinstance(piece, TunePiece)]
    return evaluate_tunes(checkpoint, styles, question.tunes, question.sampling, question.seed)


def shown(measured: Mapping[str, Any]) -> str:
    """What was measured, for a person to read."""
    found = measured["likelihood"]
    name, pieces = measured["model"], f"{measured['split']} pieces of {measured['data']}"
    said = [
        f"{name}, {pieces}: {found['pieces']} pieces, {found['notes']} notes, "
        f"{found['tokens']} {measured['tokenizer']} tokens",
        f"{found['nats_a_token']:.3f} nats a token, {found['nats_a_note']:.3f} nats a note, "
        f"{found['bits_a_second']:.2f} bits a second",
    ]
    if measured["sampled"]:
        said += ["", f"{measured['sampled'][0]['excerpts']} continuations:"]
        said.append(table(measured["sampled"]))
    if measured["tunes"]:
        tunes = measured["tunes"]
        said += [
            "",
            f"{tunes['sound']:.1%} of {tunes['tunes']} tunes are read by music21 with bars",
        ]
        said[-1] += f" of the right length; a tune has {tunes['words']:.0f} words"
    return "\n".join(said)
