"""What the config of a token model's run says; unknown keys are errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from arranger.configuration import section
from arranger.token_checkpoints import check_transpositions
from arranger.token_configuration import TokenModelConfig
from arranger.tokenizers import Tokenizer, tokenizer
from evaluation.generation.pieces import VALID_SHARE

from .configuration import TrainingConfig, read_config


@dataclass(frozen=True)
class WindowConfig:
    """What a model is shown: ``length`` tokens that follow each other, the last of them only to be
    foretold. ``transpose`` and ``stretch`` bound how a piece is varied, in semitones and as a
    factor of time, the latter for tokens that count in seconds. ``last_only``: only the last token
    of a window is to be foretold. ``weights``: how many times the windows of pieces of a style
    count, where not once. ``align``: windows begin at multiples of so many tokens."""

    length: int = 257
    transpose: tuple[int, int] = (0, 0)
    stretch: tuple[float, float] = (1.0, 1.0)
    last_only: bool = False
    weights: Mapping[str, int] = field(default_factory=dict)
    align: int = 1

    def __post_init__(self) -> None:
        if self.length < 2:
            raise ValueError(f"windows must be 2 tokens long or longer, not {self.length}")
        if self.align < 1:
            raise ValueError(f"windows must align to 1 token or more, not {self.align}")


@dataclass(frozen=True)
class TokenRunConfig:
    """A whole training run. ``tokenizer`` holds a name and options; ``learn_words``: tokens that
    are words (chords) are those that occur so often in the training pieces, 0: those given.
    ``transpositions``: in which a model hears a piece when it is used (``TokenCard``).
    ``valid_share`` of the training files are kept for validation where a corpus has none; 0: all
    are learnt, to the last step."""

    name: str
    tokenizer: Mapping[str, Any]
    data: str
    licence: str
    model: TokenModelConfig
    windows: WindowConfig = field(default_factory=WindowConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    learn_words: int = 0
    valid_share: float = VALID_SHARE
    transpositions: tuple[int, ...] = (0,)

    def with_seed(self, seed: int) -> TokenRunConfig:
        """The same run from another seed."""
        return replace(self, training=replace(self.training, seed=seed))

    def with_words(self, words: list[str]) -> TokenRunConfig:
        """The same run with the words that its tokenizer has learnt."""
        described = {**self.tokenizer, "words": words}
        model = replace(self.model, tokens=tokenizer(**described).size)
        return replace(self, tokenizer=described, model=model, learn_words=0)

    def make_tokenizer(self) -> Tokenizer[Any]:
        """The tokenizer that the config describes."""
        return tokenizer(**self.tokenizer)


def load_token_run(path: str | Path) -> TokenRunConfig:
    """A run from a YAML file; ValueError, in one sentence, for whatever is wrong in it."""
    document = read_config(path)
    try:
        return _parse(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a training config: {error}") from error


def _parse(document: Mapping[str, Any]) -> TokenRunConfig:
    described = document.get("tokenizer")
    if isinstance(described, str):
        described = {"name": described}
    if not isinstance(described, Mapping) or "name" not in described:
        raise ValueError(f"tokenizer must be a name, or keys with a name, not {described!r}")
    windows = dict(document.get("windows") or {})
    for key in ("transpose", "stretch"):
        if key in windows:
            windows[key] = tuple(windows[key])
    tokens = tokenizer(**described)
    model = TokenModelConfig.from_dict({"tokens": tokens.size, **(document.get("model") or {})})
    model.check(tokens)
    sections = {
        **document,
        "tokenizer": dict(described),
        "model": model,
        "windows": section(WindowConfig, windows, "windows"),
        "transpositions": tuple(document.get("transpositions") or (0,)),
        "training": section(TrainingConfig, document.get("training") or {}, "training"),
    }
    run: TokenRunConfig = section(TokenRunConfig, sections, "run")
    check_transpositions(run.transpositions, tokens, run.windows.last_only)
    return run
