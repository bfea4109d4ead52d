"""Where torch computes, and how precisely. Knows torch; nothing of ours."""

from __future__ import annotations

import torch

PRECISIONS = ("auto", "fp32", "bf16")


def device(name: str) -> torch.device:
    """Torch's device of that name; ValueError where torch sees none."""
    try:
        found = torch.device(name)
        torch.zeros(1, device=found).item()
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"device {name!r}: torch {torch.__version__} sees no such device here, but "
            f"{', '.join(_seen())}"
        ) from error
    return found


def precision(name: str, at: torch.device) -> torch.dtype:
    """The type of numbers that ``name``, one of PRECISIONS, means on a device."""
    if name not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {name!r}")
    half = name == "bf16" or (name == "auto" and at.type == "cuda")
    return torch.bfloat16 if half else torch.float32


def _seen() -> list[str]:
    return ["cpu", *(f"cuda:{n}" for n in range(torch.cuda.device_count()))]
