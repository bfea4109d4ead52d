"""The part of docs/RESULTS.md that is about generators, rendered from the rows of ``results``.

Knows rows and published numbers; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from arranger.checkpoints import shipped
from arranger.token_checkpoints import load_tokens

from .results import Row, checkpoint_digest
from .runner import COLUMNS, cells


class Published(NamedTuple):
    """What others report: nats a token on a split of the same data, and how it was measured."""

    who: str
    nats: float
    note: str


PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "ff_piano": (
        Published("LSTM", 1.425, "stopped early on the test set"),
        Published("Transformer", 1.237, "stopped early on the test set"),
    ),
    "jsb_json": (
        Published("Music Transformer", 0.335, "valid pieces, a token a voice and 16th"),
        Published("TonicNet", 0.220, "valid pieces, a chord before the voices of each 16th"),
    ),
}
"""By the name of the corpus' folder. FF: "Symbolic Music Generation with Deep Learning Techniques";
JSB: Huang et al. 2018 and Peracha 2019."""


def generation_sections(rows: Mapping[Any, Row]) -> Iterator[str]:
    """The sections, nothing without rows."""
    if not rows:
        return
    current = {
        checkpoint_digest(checkpoint): checkpoint.card.name
        for checkpoint in map(load_tokens, shipped("tokenizer"))
    }
    yield _INTRODUCTION
    for data in dict.fromkeys(key.data for key in rows):
        of_data = [row for row in rows.values() if row.key.data == data]
        yield f"### {data}: likelihood and speed"
        yield _likelihood_table(data, of_data, current)
        yield f"### {data}: continuations"
        yield "\n\n".join(_sampled(row) for row in of_data if row.measured["sampled"])
        tunes = [_tunes(row) for row in of_data if row.measured["tunes"]]
        if tunes:
            yield "\n".join(tunes)
    yield _NOTES


def _likelihood_table(data: str, rows: Sequence[Row], current: Mapping[str, str]) -> str:
    contexts = list(rows[0].speed["tokens_a_second"])
    columns = ["model", "tokens", "parameters", "split", "nats a token", "nats a note"]
    columns += ["bits a second", "steps", "minutes", *(f"tokens/s at {n}" for n in contexts)]
    columns += ["first note", ""]
    lines = [columns, ["---"] * len(columns)]
    for row in rows:
        found, speed, training = row.measured["likelihood"], row.speed, row.training
        line = [row.key.model, row.measured["tokenizer"], f"{row.parameters:,}", row.key.split]
        line += [f"{found[name]:.3f}" for name in ("nats_a_token", "nats_a_note")]
        line += [f"{found['bits_a_second']:.1f}", str(training.get("steps", "–"))]
        line.append(f"{training['seconds'] / 60:.0f}" if "seconds" in training else "–")
        line += [f"{speed['tokens_a_second'][n]:.0f}" for n in contexts]
        line += [f"{1000 * speed['first_note']:.0f} ms"]
        line.append("shipped" if row.checkpoint in current else f"`{row.command}`, not shipped")
        lines.append(line)
    for they in PUBLISHED.get(data, ()):
        line = [f"{they.who}, published", *["–"] * (len(columns) - 1)]
        line[4], line[-1] = f"{they.nats:.3f}", they.note
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sampled(row: Row) -> str:
    """The metrics of a model's continuations and of what it is held against."""
    heads = [name or "continuation" for name in COLUMNS.values()]
    lines = [heads, ["---"] * len(heads), *map(cells, row.measured["sampled"])]
    count = row.measured["sampled"][0]["excerpts"]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{row.key.model}, {count} {row.key.split} pieces:\n\n{shown}"


def _tunes(row: Row) -> str:
    tunes = row.measured["tunes"]
    return (
        f"{row.key.model}: {100 * tunes['sound']:.1f} % of {tunes['tunes']} whole tunes are read "
        f"by music21 with bars of the right length (goal: 98 %)."
    )


_INTRODUCTION = """## Generation

```
arranger train configs/models/NAME.yaml --data DIR
arranger measure-generation runs/NAME-0 --data DIR      # a row; then: arranger report
arranger evaluate-generation runs/NAME-0 --data DIR     # the same numbers, only shown
```

Checkpoints are chosen on valid pieces. One that is not shipped was trained here by the command in
its row; its data do not allow it to be passed on, or a better one is shipped."""

_NOTES = """### How to read the tables of generation

- **nats a token** in windows as long as those of the training, each but its first token foretold
  once. Likelihoods compare only under the same tokens and pieces; **nats a note** and **bits a
  second** spread the same sum over the notes and the time of the pieces.
- **tokens/s at N**: one by one behind N tokens, in seconds of one core; **first note**: after
  the model has been loaded, behind the bundled Old Hundredth.
- **entropy** of pitch classes in bits, **scale**, **groove** consistency and **empty** beats are
  muspy's metrics, groove in 16ths; **similar**: mean cosine of two bars, as pitch classes at 16ths;
  **overlap**: the mean of the five overlap areas with the densities of the truth.
- **key**: what pitch classes, by their time, have in common with the prompt; **meter**: the same of
  the 16ths of a bar at which notes begin; **motif**: the share of bars in which a figure of the
  upper line begins (four notes: intervals and 16ths) that the prompt has; **true key**: as key, but
  with what really followed.
- **run**: how many notes in a row stand so in a training piece, in any key, by intervals and
  16ths: the mean over the continuations, and the **longest**.
- **copy** repeats the last bars of the prompt; **random** draws pitch, duration and distance of
  each note from the training set.
- **JSB chorales**: the tokens are those that Music Transformer describes: soprano, alto, tenor,
  bass of each 16th in turn. A token here also says its voice, which costs nothing, since voices
  come in turn; the end of a piece is one token more. Both published numbers are of the valid
  pieces. That of TonicNet is, by its public code, a mean of the pieces' means over five tokens a
  16th, of which the first is a chord that its authors derived; spread over the four voices it is
  at most 0.275."""
