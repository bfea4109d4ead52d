"""Training a committee of token models: each member by a config of its own, then all in one
checkpoint.

Knows the runs of its members, and how good they are together; not how one learns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from arranger.checkpoints import save
from arranger.token_checkpoints import TokenCheckpoint, load_tokens
from evaluation.generation.likelihood import likelihood
from evaluation.generation.pieces import load_token_pieces

from .configuration import read_config
from .token_configuration import TokenRunConfig, load_token_run
from .token_runs import train_tokens


def train_committee(
    config: str | Path,
    data: str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
    start: str | Path | None = None,
    also: str | Path | None = None,
) -> Path:
    """Train the ``members`` that ``config`` names, configs beside it, on the corpus in ``data``
    and what is learnt from in ``also``.

    Each has a run of its own in the folder of the committee (``out``, or runs/NAME-SEED), under
    its name; what is done there already is not done again. The folder itself holds the checkpoint
    of all. ``start`` is refused: members begin each from nothing. Returns the folder.
    """
    if start is not None:
        raise ValueError(f"{config}: a committee begins with no other checkpoint")
    name, runs = load_committee(config)
    first = next(iter(runs.values()))
    begun = first.training.seed if seed is None else seed
    folder = Path(out) if out else Path("runs") / f"{name}-{begun}"
    trained = [
        load_tokens(train_tokens(path, data, folder / run.name, seed, quiet, also=also))
        for path, run in runs.items()
    ]
    committee = assembled(name, trained)
    card, tokens = committee.card, committee.tokenizer
    if first.valid_share:
        pieces = load_token_pieces(data, "valid", tokens, first.valid_share)
        nats = likelihood(committee, pieces)["nats_a_token"]
        card = replace(card, metrics={"valid": {"nats": nats}})
    halves = {key: weight.astype(np.float16) for key, weight in committee.weights.items()}
    save(folder, card, halves)
    return folder


def assembled(name: str, trained: Sequence[TokenCheckpoint]) -> TokenCheckpoint:
    """One checkpoint of what has been trained on the same pieces, in the same tokens."""
    cards, first = [one.card for one in trained], trained[0]
    members = tuple(member for one in trained for member in one.members)
    together = {
        "members": [card.name for card in cards],
        **{key: sum(card.training[key] for card in cards) for key in ("steps", "seconds")},
        **{key: first.card.training[key] for key in ("seed", "pieces")},
    }
    config = {"members": [asdict(member.config) for member in members]}
    card = replace(first.card, name=name, config=config, training=together, metrics={})
    return TokenCheckpoint(card, members, first.tokenizer)


def load_committee(path: str | Path) -> tuple[str, dict[Path, TokenRunConfig]]:
    """A committee's name and the runs of its members by their files, from a YAML file; ValueError,
    in one sentence, for whatever is wrong in it."""
    document = read_config(path)
    if not isinstance(document, Mapping) or {*document} != {"name", "members"}:
        raise ValueError(f"{path}: not the config of a committee: it has a name and members")
    files = document["members"]
    if not isinstance(files, list) or len(files) < 2:
        raise ValueError(f"{path}: a committee has 2 members or more, configs beside its own")
    runs = {one: load_token_run(one) for one in (Path(path).parent / str(file) for file in files)}
    first = next(iter(runs.values()))
    if len({run.name for run in runs.values()}) < len(files):
        raise ValueError(f"{path}: the members of a committee have different names")
    for what in ("tokenizer", "learn_words", "windows", "transpositions", "valid_share"):
        if any(getattr(run, what) != getattr(first, what) for run in runs.values()):
            raise ValueError(f"{path}: the members of a committee have the same {what}")
    if first.windows.last_only:
        raise ValueError(f"{path}: models of the last token of a window are no committee")
    return str(document["name"]), runs
