"""The command ``arranger``: parses, calls one function, prints.

The one file that may reach up into the programs that use the library, each only when its command
is given.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checkpoints import CheckpointError
from .files.score import FileError

if TYPE_CHECKING:
    from .offline import ArrangedScore

MODES = ("offline", "live", "chord-live")
HINTS = ("none", "entry", "pitch", "both")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with one sentence on stderr for what a person can mend."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (FileError, CheckpointError, ValueError) as error:
        print(f"arranger: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("arranger: stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arranger", description="Give every note of a piece to an instrument."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    arrange = commands.add_parser("arrange", help="arrange a file, or a folder of files")
    arrange.add_argument("input", type=Path, help=".mid .musicxml .mxl .abc .json, or a folder")
    arrange.add_argument(
        "-o", "--output", type=Path, required=True, help=".mid .musicxml .json .png, or a folder"
    )
    arrange.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    arrange.add_argument("--mode", choices=MODES, default="offline")
    arrange.add_argument("--model", help="a shipped checkpoint's name, or a folder")
    arrange.add_argument("--hints", type=Path, metavar="FILE.yaml")
    arrange.add_argument("--picture", type=Path, metavar="OUT.png", help="also draw a piano roll")
    arrange.add_argument("--report", type=Path, metavar="OUT.json", help="also say what was done")
    arrange.set_defaults(run=_arrange)

    evaluate = commands.add_parser("evaluate", help="measure accuracy on reference scores")
    evaluate.add_argument("references", type=Path, nargs="+", help="files or folders")
    evaluate.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    evaluate.add_argument(
        "--mode", choices=("live", "stage", "chord-live", "offline"), default="offline"
    )
    evaluate.add_argument("--hints", choices=HINTS, default="none")
    evaluate.add_argument("--model", help="a shipped checkpoint's name, or a folder")
    evaluate.add_argument("--split", help="only these pieces of a prepared corpus: valid, test")
    evaluate.add_argument("--baselines", action="store_true", help="add the rows of the baselines")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON")
    evaluate.add_argument("--plot", type=Path, metavar="DIR", help="draw what went right and wrong")
    evaluate.set_defaults(run=_evaluate)

    train = commands.add_parser("train", help="train a model from a config")
    train.add_argument("config", type=Path, help="for example configs/models/chorale-live.yaml")
    train.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    train.add_argument("--out", type=Path, help="the run's folder (runs/NAME-SEED)")
    train.add_argument("--seed", type=int)
    train.set_defaults(run=_train)

    data = commands.add_parser("data", help="prepare a corpus")
    data.add_argument("corpus", choices=("chorales",))
    data.add_argument("--out", type=Path, required=True)
    data.set_defaults(run=_data)

    models = commands.add_parser("models", help="the shipped checkpoints and their cards")
    models.add_argument("name", nargs="?", help="print the whole card of one")
    models.set_defaults(run=_models)
    return parser


def _arrange(arguments: argparse.Namespace) -> int:
    from .jobs import Desk, Outcome, plan, run, write_report

    jobs = plan(arguments.input, arguments.output)
    desk = Desk(arguments.ensemble, arguments.mode, arguments.model, arguments.hints)
    outcomes, failed = [], 0
    for result in _progress(run(desk, jobs, _draw), len(jobs)):
        if not isinstance(result, Outcome):
            failed += 1
            print(f"arranger: {result}", file=sys.stderr)
            continue
        outcomes.append(result)
        print("\n".join(result.lines()))
    if arguments.picture and outcomes:
        _draw(outcomes[0].result, outcomes[0].job.source.stem, arguments.picture)
    if arguments.report and outcomes:
        write_report(outcomes, arguments.report)
    return 2 if failed else 0


def _draw(result: ArrangedScore, title: str, path: Path) -> None:
    from evaluation.figures import piano_roll

    path.parent.mkdir(parents=True, exist_ok=True)
    piano_roll(result.arrangement, title, path)


def _progress(results: Iterator[Any], count: int) -> Iterator[Any]:
    """A progress bar where there is more than one thing to wait for."""
    if count == 1:
        return results
    from tqdm import tqdm

    return iter(tqdm(results, total=count, unit="file"))


def _evaluate(arguments: argparse.Namespace) -> int:
    from evaluation.command import Question, answer

    question = Question(
        references=tuple(arguments.references),
        ensemble=arguments.ensemble,
        mode=arguments.mode,
        hints=arguments.hints,
        model=arguments.model,
        split=arguments.split,
        baselines=arguments.baselines,
    )
    print(answer(question, arguments.json, arguments.plot))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from training.runs import train

    folder = train(arguments.config, arguments.data, arguments.out, arguments.seed)
    print(f"checkpoint: {folder}")
    return 0


def _data(arguments: argparse.Namespace) -> int:
    from training.corpora import prepare_chorales

    prepare_chorales(arguments.out)
    return 0


def _models(arguments: argparse.Namespace) -> int:
    from .checkpoints import load, shipped

    if arguments.name:
        card = load(arguments.name).card
        print(json.dumps(asdict(card), indent=2, ensure_ascii=False))
        return 0
    for name in shipped():
        card = load(name).card
        print(f"{name}  ({card.mode}; {card.data}; {card.licence})")
        for split, numbers in card.metrics.items():
            shown = ", ".join(f"{kind} {100 * value:.2f} %" for kind, value in numbers.items())
            print(f"  {split}: {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
