"""Imports run one way: DESIGN's rules, read off the import statements.

To add a module, give it a place in LAYERS; to let a library in somewhere new, say so in LIBRARIES.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = (
    ("notes",),
    ("clock", "certainty", "agreement"),
    ("ensembles", "hints", "arrangement", "files", "tokenizers"),
    ("performance", "casting", "naming", "features", "backbones", "decoding"),
    ("configuration", "devices", "passes", "tailoring"),
    (
        "models",
        "engine",
        "token_configuration",
        "token_models",
        "sampling",
        "transposing",
        "committee",
    ),
    ("checkpoints", "token_checkpoints"),
    ("accelerated", "offline", "speaking", "online", "continuation"),
    ("jobs", "continue_jobs", "client"),
    ("__init__",),
    ("arguments",),
    ("cli",),
)
"""The modules of arranger/: each may import those of its own line and of the lines above it."""

PROGRAMS = {
    "arranger": (),
    "evaluation": ("arranger",),
    # Training reads its pieces and chooses its checkpoints with the code that reports them.
    "training": (
        "arranger",
        *(f"evaluation.{m}" for m in ("metrics", "pieces", "splits", "runner")),
        *(f"evaluation.generation.{m}" for m in ("likelihood", "pieces", "tune_books")),
    ),
    "serve": ("arranger", "evaluation"),
}
"""What each package may import of the other packages. arranger.cli may import them all, lazily."""

ALONE = {"arranger.backbones", "arranger.devices", "arranger.notes", "arranger.passes"}
"""These import nothing of ours outside themselves."""

LIBRARIES = {
    "torch": (
        *("arranger.accelerated", "arranger.backbones", "arranger.devices", "arranger.models"),
        *("arranger.token_models", "evaluation.generation.likelihood", "training"),
    ),
    "matplotlib": ("evaluation",),
    "pypianoroll": ("evaluation",),
    "sklearn": ("evaluation",),
    "ray": ("serve",),
    "httpx": ("arranger.client", "serve"),
    "websockets": ("arranger.client", "serve"),
    "prometheus_client": ("serve",),
    "starlette": ("serve",),
    "uvicorn": ("serve",),
    "fastapi": ("serve",),
    "pydantic": ("serve",),
}
"""The packages and modules in which a library may be imported; others may be imported anywhere."""

QUICK = ("arranger", *(f"arranger.{m}" for m in ("files", "decoding", "engine")))
QUICK += ("arranger.offline", "arranger.online", "arranger.continuation")
QUICK += ("arranger.tokenizers", "arranger.token_checkpoints")
SLOW_LIBRARIES = {"torch", "muspy", "music21", "matplotlib", "scipy", "sklearn", "pypianoroll"}
"""A command must not wait for these, so that importing QUICK must not load them."""


class Import(NamedTuple):
    """``source`` imports ``target``, both as dotted names; ``lazy``: inside a function."""

    source: str
    target: str
    line: int
    lazy: bool


def imports_of(root: Path) -> Iterator[Import]:
    """Every import statement of the packages under ``root``; of ours, the module it means."""
    paths = sorted(path for package in PROGRAMS for path in (root / package).rglob("*.py"))
    modules = {".".join(path.relative_to(root).with_suffix("").parts) for path in paths}
    for path in paths:
        source = ".".join(path.relative_to(root).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = source.split(".")[: -node.level] if node.level else []
                stem = ".".join([*package, *([node.module] if node.module else [])])
                targets = []
                for alias in node.names:
                    longer = f"{stem}.{alias.name}"
                    is_module = longer in modules or f"{longer}.__init__" in modules
                    targets.append(longer if is_module else stem)
            else:
                continue
            for target in targets:
                yield Import(source, target, node.lineno, id(node) in inside)


def faults(root: Path) -> list[str]:
    """One sentence for each import, and each module without a place, that breaks the rules."""
    found = []
    for path in sorted((root / "arranger").glob("*")):
        is_module = path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
        if is_module and _layer(path.stem) is None:
            found.append(f"arranger.{path.stem} has no place in LAYERS")
    for statement in imports_of(root):
        fault = _fault(statement)
        if fault:
            found.append(f"{statement.source}:{statement.line} {fault}")
    return found


def _fault(statement: Import) -> str | None:
    source, target = statement.source, statement.target
    package, library = source.split(".")[0], target.split(".")[0]
    if library in LIBRARIES:
        if not any(_within(source, home) for home in LIBRARIES[library]):
            return f"imports {library}, which only {', '.join(LIBRARIES[library])} may"
        return None
    if library not in PROGRAMS:
        return None
    for lonely in ALONE:
        if _within(source, lonely) and not _within(target, lonely):
            return f"imports {target}, and {lonely} imports nothing of ours"
    if library != package:
        if source == "arranger.cli":
            return None if statement.lazy else f"imports {target} before it is needed"
        if not any(_within(target, allowed) for allowed in PROGRAMS[package]):
            return f"imports {target}, which {package} may not"
    elif package == "arranger":
        own, other = _layer(_room(source)), _layer(_room(target))
        if own is not None and other is not None and other > own:
            return f"imports {target}, which lies above it"
    return None


def _within(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


def _room(module: str) -> str:
    """The module or package directly under arranger/ to which ``module`` belongs."""
    return [*module.split("."), "__init__"][1]


def _layer(room: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) if room in layer), None)


def test_the_imports_of_the_project_run_one_way() -> None:
    assert list(imports_of(ROOT)), "no import statement was read"
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("arranger/notes.py", "from .hints import Hints", "arranger.notes imports nothing of ours"),
        ("arranger/hints.py", "from . import decoding", "arranger.decoding, which lies above"),
        ("arranger/files/midi.py", "from ..engine import run", "engine, which lies above it"),
        ("arranger/hints.py", "import arranger.cli", "arranger.cli, which lies above it"),
        ("arranger/hints.py", "from arranger import load", "arranger, which lies above it"),
        ("arranger/backbones/cell.py", "from ..notes import Meter", "nothing of ours"),
        ("arranger/decoding.py", "def f():\n    import torch.nn", "imports torch, which only"),
        ("arranger/engine/run.py", "from torch import nn", "imports torch, which only"),
        ("arranger/offline.py", "def f():\n    import evaluation.metrics", "arranger may not"),
        ("arranger/cli.py", "from training import corpora", "before it is needed"),
        ("arranger/offline.py", "import matplotlib.pyplot as plt", "imports matplotlib, which"),
        ("evaluation/runner.py", "from training.loop import fit", "evaluation may not"),
        ("evaluation/runner.py", "import serve.live", "imports serve.live, which evaluation may"),
        (
            "training/loop.py",
            "from evaluation import figures",
            "evaluation.figures, which training",
        ),
        ("training/loop.py", "import sklearn", "imports sklearn, which only evaluation may"),
        ("training/loop.py", "import pydantic", "imports pydantic, which only serve may"),
        ("arranger/misc.py", "x = 1", "arranger.misc has no place in LAYERS"),
    ],
)
def test_an_import_against_the_rules_is_found(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    write(tmp_path, file, text)
    [fault] = faults(tmp_path)
    assert message in fault


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("arranger/files/midi.py", "import struct\nfrom ..notes import NoteSequence"),
        ("arranger/files/midi.py", "from .document import Document"),
        ("arranger/backbones/cell.py", "import torch\nfrom .recurrent import Recurrent"),
        (
            "arranger/cli.py",
            "def f():\n    import training.loop, serve.live\n    import evaluation",
        ),
        ("training/loop.py", "import torch\nfrom evaluation.metrics import accuracy"),
        ("serve/live.py", "import ray, pydantic, arranger, evaluation.metrics\nfrom . import page"),
    ],
)
def test_an_import_within_the_rules_passes(tmp_path: Path, file: str, text: str) -> None:
    write(tmp_path, file, text)
    assert faults(tmp_path) == []


def test_importing_the_library_loads_no_slow_library() -> None:
    names = [name for name in QUICK if exists(name)]
    assert "arranger.files" in names
    program = f"import {', '.join(names)}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & SLOW_LIBRARIES == set()


def exists(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def write(root: Path, file: str, text: str) -> None:
    """A tree in which ``file`` alone may be wrong."""
    for neighbour in ("notes", "hints", "decoding", "offline", "cli", "__init__"):
        path = root / "arranger" / f"{neighbour}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    for neighbour in (
        "evaluation/figures",
        "evaluation/runner",
        "evaluation/metrics",
        "training/loop",
        "training/corpora",
    ):
        path = root / f"{neighbour}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
