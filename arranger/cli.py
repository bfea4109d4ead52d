"""The command ``arranger``: calls one function for what was typed, and prints.

The one file that may reach up into the programs that use the library, each only when its command
is given.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import parser

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .arrangement import Arrangement
    from .offline import ArrangedScore
    from .sampling import Sampling


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with one sentence on stderr for what a person can mend."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what nobody can print
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(argv)
    try:
        return COMMANDS[arguments.command](arguments)
    except ValueError as error:  # FileError and CheckpointError are of this kind
        print(f"arranger: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"arranger: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("arranger: stopped", file=sys.stderr)
        return 130


def _sampling(arguments: argparse.Namespace) -> Sampling:
    from .sampling import Sampling

    return Sampling(arguments.temperature, arguments.top_k, arguments.top_p, arguments.min_p)


def _question(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the options of a question about a generator say."""
    names = ("data", "split", "samples", "bars", "before", "tunes", "seed")
    asked = {name: getattr(arguments, name) for name in names}
    return {**asked, "sampling": _sampling(arguments)}


def _arrange(arguments: argparse.Namespace) -> int:
    from .jobs import Order, Outcome, plan, run, write_report

    is_folder = arguments.input.is_dir()
    jobs = plan(arguments.input, arguments.output, arguments.picture)
    order = Order(
        arguments.ensemble,
        arguments.mode,
        arguments.model,
        arguments.hints,
        arguments.alternatives,
    )
    if arguments.ray:
        from serve.batch import run as share

        results = share(order, jobs, _draw, arguments.workers)
    else:
        results = run(order, jobs, _draw, arguments.workers or os.cpu_count() or 1)
    say: Callable[..., None] = print
    if is_folder:
        from tqdm import tqdm

        results = iter(tqdm(results, total=len(jobs), unit="file", disable=None))
        say = tqdm.write  # above the bar
    reports, failed = [], 0
    for result in results:
        if isinstance(result, Outcome):
            say("\n".join(result.lines()))
            if arguments.report:
                reports.append(result.report())
        else:
            failed += 1
            say(f"arranger: {result}", file=sys.stderr)
    if reports:
        write_report(reports if is_folder else reports[0], arguments.report)
    return 2 if failed else 0


def _draw(result: ArrangedScore, title: str, path: Path) -> None:
    from evaluation.figures import piano_roll

    path.parent.mkdir(parents=True, exist_ok=True)
    piano_roll(result.arrangement, title, path)


def _continue(arguments: argparse.Namespace) -> int:
    from .continuation import Extent
    from .continue_jobs import Request, run

    bars = arguments.bars
    if bars is None and arguments.seconds is None and arguments.until_silence is None:
        bars = 8
    request = Request(
        source=arguments.input,
        output=arguments.output,
        extent=Extent(bars, arguments.seconds, arguments.until_silence),
        model=arguments.model,
        sampling=_sampling(arguments),
        seed=arguments.seed,
        style=arguments.style,
        tempo=arguments.tempo,
        alternatives=arguments.alternatives,
        ensemble=arguments.arrange,
        picture=arguments.picture,
    )
    for continued in run(request, _draw_continuation):
        print("\n".join(continued.lines(request.source)))
    return 0


def _draw_continuation(
    arrangement: Arrangement, given: NDArray[np.bool_], title: str, path: Path
) -> None:
    from evaluation.figures import continuation

    path.parent.mkdir(parents=True, exist_ok=True)
    continuation(arrangement, given, title, path)


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
        corrections=arguments.corrections,
        workers=arguments.workers,
        look_ahead=arguments.look_ahead,
    )
    print(answer(question, arguments.json, arguments.plot))
    return 0


def _evaluate_generation(arguments: argparse.Namespace) -> int:
    from evaluation.generation.command import BASELINES, Question, answer

    asked = arguments.baselines or BASELINES
    baselines = tuple(name for name in asked if name != "none")
    question = Question(**_question(arguments), baselines=baselines)
    print(answer(arguments.model, question, arguments.json))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from training.committees import train_committee
    from training.configuration import read_config
    from training.runs import train
    from training.token_runs import train_tokens

    said = read_config(arguments.config) or ()
    begin = train_tokens if "tokenizer" in said else train
    begin = train_committee if "members" in said else begin
    wanted = arguments.config, arguments.data, arguments.out, arguments.seed
    folder = begin(*wanted, start=arguments.start, also=arguments.also)
    print(f"checkpoint: {folder}")
    return 0


def _calibrate(arguments: argparse.Namespace) -> int:
    from training.runs import calibrate

    for model in arguments.models:
        for line in calibrate(model, arguments.data, arguments.notes, arguments.workers):
            print(line, flush=True)
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    from evaluation.command import fit

    folder = fit(arguments.ensemble, arguments.data, arguments.out, arguments.resolution)
    print(f"baselines: {folder}")
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    from evaluation.measuring import measure_runs

    runs, data, split = arguments.checkpoints, arguments.data, arguments.split
    for seeds in measure_runs(runs, data, split, arguments.results, arguments.workers):
        shown = ", ".join(f"{100 * accuracy:.2f} %" for accuracy in seeds.accuracies.values())
        print(f"{' '.join(seeds.key)}: {shown}")
    return 0


def _measure_generation(arguments: argparse.Namespace) -> int:
    from evaluation.generation.command import Question, shown
    from evaluation.generation.measuring import measure_checkpoints

    question = Question(**_question(arguments))
    for row in measure_checkpoints(arguments.checkpoints, question, arguments.results):
        print(shown(row.measured))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from evaluation.report import write_report

    folder, workers, fresh = arguments.results, arguments.workers, arguments.fresh
    write_report(arguments.output, arguments.data, folder, workers, fresh)
    print(f"results: {arguments.output}")
    return 0


def _data(arguments: argparse.Namespace) -> int:
    from training.corpora import prepare

    done = prepare(arguments.corpus, arguments.out, arguments.source)
    print("\n".join(done.lines()))
    print(f"{arguments.out}: {len(done.notes):,} pieces, {sum(done.notes.values()):,} notes")
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from serve.settings import DEFAULT, Service, load

    path = arguments.config or DEFAULT

    def read() -> Service:
        return load(path).at(arguments.host, arguments.port)

    if arguments.check:
        read()
        print(f"{path}: nothing is wrong")
        return 0
    from serve.launch import run

    run(read)
    return 0


def _models(arguments: argparse.Namespace) -> int:
    from evaluation.generation.results import measured_of
    from evaluation.results import accuracies_of

    from .checkpoints import find, load, read_card, shipped
    from .token_checkpoints import load_tokens

    if arguments.name:
        generates = "tokenizer" in read_card(find(arguments.name))
        card = load_tokens(arguments.name).card if generates else load(arguments.name).card
        print(json.dumps(asdict(card), indent=2, ensure_ascii=False))
        return 0
    arrangers, generators = shipped(), shipped("tokenizer")
    if not arrangers and not generators:
        print("no checkpoint is shipped; train one with: arranger train CONFIG --data DIR")
    for name in arrangers:
        checkpoint = load(name)
        card = checkpoint.card
        print(f"{name}  ({card.mode}; {card.data}; {card.licence})")
        for split, numbers in {**card.metrics, **accuracies_of(checkpoint)}.items():
            shown = ", ".join(f"{kind} {100 * value:.2f} %" for kind, value in numbers.items())
            print(f"  {split}: {shown}")
    for name in generators:
        generator = load_tokens(name)
        made = f"generates {generator.tokenizer.name} tokens"
        print(f"{name}  ({made}; {generator.card.data}; {generator.card.licence})")
        for split, numbers in {**generator.card.metrics, **measured_of(generator)}.items():
            shown = ", ".join(f"{value:.3f} {kind}" for kind, value in numbers.items())
            print(f"  {split}: {shown}")
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "arrange": _arrange,
    "continue": _continue,
    "evaluate": _evaluate,
    "evaluate-generation": _evaluate_generation,
    "train": _train,
    "calibrate": _calibrate,
    "data": _data,
    "fit": _fit,
    "measure": _measure,
    "measure-generation": _measure_generation,
    "report": _report,
    "serve": _serve,
    "models": _models,
}


if __name__ == "__main__":
    sys.exit(main())
