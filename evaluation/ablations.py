"""The effect of one thing changed: input features, time encoding, transposition.

Knows the runs of ``configs/ablations`` by their names, and how to show them beside the published
model they change. Does not train them.
"""

from __future__ import annotations

from collections.abc import Sequence

from .results import Key, Results

PREFIX = "ablation-"

ABLATIONS = {
    "Input features": (
        ("chorale-lstm-live", "as published"),
        ("ablation-lstm-live-frequency", "pitch as a frequency only, not embedded"),
        ("ablation-lstm-live-unhinted", "never given hints"),
        ("chorale-bilstm-offline", "as published"),
        ("ablation-bilstm-offline-lengthless", "without the length of notes"),
    ),
    "Time encoding and transposition": (
        ("chorale-lstm-live", "beat and position in it, as published"),
        ("ablation-lstm-live-intervals", "time since the previous note instead"),
        ("ablation-lstm-live-timeless", "without any time"),
        ("ablation-lstm-live-untransposed", "training pieces never transposed"),
        ("chorale-bilstm-offline", "as published"),
        ("ablation-bilstm-offline-untransposed", "training pieces never transposed"),
    ),
}
"""Tables 3 and 4 of Dong et al. 2021 in kind: the model, and what is changed in it."""

_COMMANDS = """```
for config in configs/ablations/*.yaml; do arranger train $config --data DIR/chorales; done
arranger measure runs/ablation-* --data DIR/chorales
```"""


def is_ablation(model: str) -> bool:
    """Whether a model was trained only to show the effect of something."""
    return model.startswith(PREFIX)


def ablations_section(everything: Sequence[Results]) -> str:
    """The tables of what has been run, on the test chorales; or that nothing has."""
    chorales = next((results for results in everything if results.ensemble == "chorale"), None)
    if chorales is None or not any(is_ablation(key.model) for key in chorales.seeds):
        return "These runs have not been made. They are small, some four minutes each:\n\n" + (
            _COMMANDS
        )
    sections = [f"The published models with one thing changed, test chorales.\n\n{_COMMANDS}"]
    for title, rows in ABLATIONS.items():
        lines = ["| model | what | runs | none | entry |", "|---|---|---|---|---|"]
        for model, what in rows:
            mode = "live" if "live" in model else "offline"
            keys = (Key(model, "test", mode, hints) for hints in ("none", "entry"))
            found = [chorales.runs(key) for key in keys]
            cells = " | ".join(one.shown() if one else "–" for one in found)
            runs = found[0].runs if found[0] else "not run"
            lines.append(f"| {model} | {what} | {runs} | {cells} |")
        sections += [f"### {title}", "\n".join(lines)]
    return "\n\n".join(sections)
