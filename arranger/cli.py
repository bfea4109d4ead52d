"""The command ``arranger``: parses, calls one function, prints.

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
from typing import TYPE_CHECKING

from . import __version__
from .configuration import VIEW_OF_MODE

if TYPE_CHECKING:
    from .offline import ArrangedScore

MODES = tuple(VIEW_OF_MODE)
HINTS = ("none", "entry", "pitch", "both")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with one sentence on stderr for what a person can mend."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what nobody can print
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arranger", description="Give every note of a piece to an instrument."
    )
    parser.add_argument("--version", action="version", version=f"arranger {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    arrange = commands.add_parser("arrange", help="arrange a file, or a folder of files")
    arrange.add_argument("input", type=Path, help=".mid .musicxml .mxl .abc .json, or a folder")
    arrange.add_argument(
        "-o", "--output", type=Path, required=True, help=".mid .musicxml .json .png, or a folder"
    )
    arrange.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    arrange.add_argument(
        "--mode",
        choices=MODES,
        default="offline",
        help="what is known of the piece: all (offline, the default), or what has been played, "
        "key by key (live) or chord by chord (chord-live)",
    )
    arrange.add_argument("--model", help="a shipped checkpoint's name, or a folder")
    arrange.add_argument(
        "--hints", type=Path, metavar="FILE.yaml", help="entries, mean_pitch and locks you know"
    )
    arrange.add_argument("--picture", type=Path, metavar="OUT.png", help="also draw a piano roll")
    arrange.add_argument("--report", type=Path, metavar="OUT.json", help="also say what was done")
    arrange.add_argument(
        "--alternatives",
        type=int,
        default=1,
        metavar="N",
        help="also write the next best arrangements, as OUTPUT-2, OUTPUT-3 and so on",
    )
    arrange.add_argument(
        "--workers", type=int, metavar="N", help="processes for a folder (as many as cores)"
    )
    arrange.add_argument(
        "--ray",
        action="store_true",
        help="share a folder with Ray Data: on this machine, or the cluster of RAY_ADDRESS",
    )
    arrange.set_defaults(run=_arrange)

    go_on = commands.add_parser("continue", help="go on from a piece, or begin one")
    go_on.add_argument(
        "input", type=Path, nargs="?", help="as for arrange; without it, begin from nothing"
    )
    go_on.add_argument("-o", "--output", type=Path, required=True, help=".mid .musicxml .json")
    extent = go_on.add_mutually_exclusive_group()
    extent.add_argument("--bars", type=int, help="how many bars to add (8)")
    extent.add_argument("--seconds", type=float, help="how many seconds to add")
    extent.add_argument(
        "--until-silence",
        type=float,
        metavar="P",
        help="stop when the model ends with this probability",
    )
    go_on.add_argument("--model", help="a shipped generator's name, or a folder")
    go_on.add_argument("--seed", type=int, default=0, help="the same seed gives the same notes (0)")
    go_on.add_argument("--temperature", type=float, default=1.0, help="0: the likeliest token (1)")
    go_on.add_argument("--top-k", type=int, help="choose among so many tokens")
    go_on.add_argument("--top-p", type=float, default=1.0, help="and among so much probability (1)")
    go_on.add_argument(
        "--min-p", type=float, default=0.0, help="and above this share of the likeliest one's (0)"
    )
    go_on.add_argument("--tempo", type=float, help="quarters a minute of what is new")
    go_on.add_argument("--style", help="one that the model knows")
    go_on.add_argument("--alternatives", type=int, default=1, metavar="N", help="write N of them")
    go_on.add_argument("--arrange", metavar="ENSEMBLE", help="arrange the whole for an ensemble")
    go_on.set_defaults(run=_continue)

    evaluate = commands.add_parser("evaluate", help="measure accuracy on reference scores")
    evaluate.add_argument("references", type=Path, nargs="+", help="files or folders")
    evaluate.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    evaluate.add_argument(
        "--mode", choices=("live", "stage", "chord-live", "offline"), default="offline"
    )
    evaluate.add_argument("--hints", choices=HINTS, default="none")
    evaluate.add_argument("--model", help="a shipped checkpoint's name, or a folder")
    evaluate.add_argument(
        "--split", help="only these pieces of a prepared corpus: valid, test, test_as_published"
    )
    evaluate.add_argument("--baselines", action="store_true", help="add the rows of the baselines")
    evaluate.add_argument(
        "--corrections",
        action="store_true",
        help="also the accuracy on the rest after 1, 2 and 5 %% of the notes have been set right",
    )
    evaluate.add_argument(
        "--look-ahead",
        type=int,
        default=0,
        metavar="MS",
        help="live and stage: for how many milliseconds an answer may wait (0)",
    )
    evaluate.add_argument("--workers", type=int, default=1, help="processes (1)")
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
    data.add_argument("corpus", choices=("chorales", "quartets", "game", "pop"))
    data.add_argument(
        "--source",
        type=Path,
        metavar="DIR",
        help="the downloaded files to prepare it from; the chorales need none",
    )
    data.add_argument("--out", type=Path, required=True, metavar="DIR")
    data.set_defaults(run=_data)

    fit = commands.add_parser("fit", help="fit the baselines to a prepared corpus")
    fit.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    fit.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    fit.add_argument("--out", type=Path, help="a folder (where the shipped ones are)")
    fit.set_defaults(run=_fit)

    measure = commands.add_parser("measure", help="measure the runs of a config, seed by seed")
    measure.add_argument("checkpoints", type=Path, nargs="+", help="folders of training runs")
    measure.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    measure.add_argument("--split", default="test", help="valid or test (the default)")
    _add_results(measure)
    measure.set_defaults(run=_measure)

    report = commands.add_parser("report", help="measure what is shipped; write docs/RESULTS.md")
    report.add_argument(
        "--data",
        type=Path,
        help="a folder with the prepared corpora chorales, quartets, game and pop, or some of "
        "them; without it, and for those that are missing, what has been measured before is told",
    )
    report.add_argument("--fresh", action="store_true", help="measure what is known already too")
    report.add_argument("-o", "--output", type=Path, default=Path("docs/RESULTS.md"))
    _add_results(report)
    report.set_defaults(run=_report)

    serve = commands.add_parser("serve", help="serve HTTP and live sessions on this machine")
    serve.add_argument("--config", type=Path, help="settings in place of configs/serve.yaml")
    serve.add_argument("--host", help="the address to listen at (127.0.0.1)")
    serve.add_argument("--port", type=int, help="the port to listen at (8000)")
    serve.add_argument("--check", action="store_true", help="only check the settings")
    serve.set_defaults(run=_serve)

    models = commands.add_parser("models", help="the shipped checkpoints and their cards")
    models.add_argument("name", nargs="?", help="print the whole card of one")
    models.set_defaults(run=_models)
    return parser


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    command.add_argument("--results", type=Path, metavar="DIR", help="rows (those of the package)")


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
    from .sampling import Sampling

    bars = arguments.bars
    if bars is None and arguments.seconds is None and arguments.until_silence is None:
        bars = 8
    request = Request(
        source=arguments.input,
        output=arguments.output,
        extent=Extent(bars, arguments.seconds, arguments.until_silence),
        model=arguments.model,
        sampling=Sampling(arguments.temperature, arguments.top_k, arguments.top_p, arguments.min_p),
        seed=arguments.seed,
        style=arguments.style,
        tempo=arguments.tempo,
        alternatives=arguments.alternatives,
        ensemble=arguments.arrange,
    )
    for continued in run(request):
        print("\n".join(continued.lines(request.source)))
    return 0


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


def _train(arguments: argparse.Namespace) -> int:
    from training.configuration import read_yaml
    from training.runs import train
    from training.token_runs import train_tokens

    generates = "tokenizer" in (read_yaml(arguments.config) or ())
    begin = train_tokens if generates else train
    folder = begin(arguments.config, arguments.data, arguments.out, arguments.seed)
    print(f"checkpoint: {folder}")
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    from evaluation.command import fit

    print(f"baselines: {fit(arguments.ensemble, arguments.data, arguments.out)}")
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    from evaluation.measuring import measure_runs

    runs, data, split = arguments.checkpoints, arguments.data, arguments.split
    for seeds in measure_runs(runs, data, split, arguments.results, arguments.workers):
        shown = ", ".join(f"{100 * accuracy:.2f} %" for accuracy in seeds.accuracies.values())
        print(f"{' '.join(seeds.key)}: {shown}")
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
    from evaluation.results import accuracies_of

    from .checkpoints import load, shipped

    if arguments.name:
        card = load(arguments.name).card
        print(json.dumps(asdict(card), indent=2, ensure_ascii=False))
        return 0
    names = shipped()
    if not names:
        print("no checkpoint is shipped; train one with: arranger train CONFIG --data DIR")
    for name in names:
        checkpoint = load(name)
        card = checkpoint.card
        print(f"{name}  ({card.mode}; {card.data}; {card.licence})")
        for split, numbers in {**card.metrics, **accuracies_of(checkpoint)}.items():
            shown = ", ".join(f"{kind} {100 * value:.2f} %" for kind, value in numbers.items())
            print(f"  {split}: {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
