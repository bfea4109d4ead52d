"""What can be typed: the commands of ``arranger`` and their options.

Knows argparse; not how anything is done.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from . import __version__
from .configuration import VIEW_OF_MODE
from .hints import HINT_KINDS
from .sampling import MIN_P

MODES = tuple(VIEW_OF_MODE)
CORPORA = (
    "chorales",
    "quartets",
    "strings",
    "game",
    "pop",
    "lieder",
    "orchestra",
    "pop909",
    "styles",
)


def parser() -> argparse.ArgumentParser:
    """Of the whole command line; ``command`` is the name of what was asked for."""
    whole = argparse.ArgumentParser(
        prog="arranger", description="Give every note of a piece to an instrument."
    )
    whole.add_argument("--version", action="version", version=f"arranger {__version__}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)

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
    _add_sampling(go_on, MIN_P)
    go_on.add_argument("--tempo", type=float, help="quarters a minute of what is new")
    go_on.add_argument("--style", help="one that the model knows")
    go_on.add_argument("--alternatives", type=int, default=1, metavar="N", help="write N of them")
    go_on.add_argument("--arrange", metavar="ENSEMBLE", help="arrange the whole for an ensemble")
    go_on.add_argument(
        "--picture",
        type=Path,
        metavar="OUT.png",
        help="also draw a piano roll: grey what was given, in colour what is new",
    )

    evaluate = commands.add_parser("evaluate", help="measure accuracy on reference scores")
    evaluate.add_argument("references", type=Path, nargs="+", help="files or folders")
    evaluate.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    evaluate.add_argument(
        "--mode", choices=("live", "stage", "chord-live", "offline"), default="offline"
    )
    evaluate.add_argument("--hints", choices=HINT_KINDS, default="none")
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

    generation = commands.add_parser(
        "evaluate-generation", help="measure how well a generator goes on from pieces"
    )
    generation.add_argument("model", help="a shipped generator's name, or a folder")
    _add_question(generation)
    generation.add_argument(
        "--baseline",
        dest="baselines",
        action="append",
        choices=("copy", "random", "none"),
        help="the last bars once more, or notes drawn from the training set (both)",
    )
    generation.add_argument("--json", type=Path, metavar="FILE", help="write the numbers as JSON")

    train = commands.add_parser("train", help="train a model from a config")
    train.add_argument("config", type=Path, help="for example configs/models/chorale-live.yaml")
    train.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    train.add_argument(
        "--also", type=Path, metavar="DIR", help="another prepared corpus that is learnt besides"
    )
    train.add_argument("--out", type=Path, help="the run's folder (runs/NAME-SEED)")
    train.add_argument("--seed", type=int)
    train.add_argument(
        "--start", metavar="MODEL", help="begin with this model: a shipped name, or a folder"
    )

    calibrate = commands.add_parser(
        "calibrate", help="find on valid pieces how sure the answers of a model are"
    )
    calibrate.add_argument(
        "models", nargs="+", metavar="MODEL", help="a shipped checkpoint's name, or a folder"
    )
    calibrate.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    calibrate.add_argument(
        "--notes", type=int, default=20_000, help="about how many notes, from all pieces (20,000)"
    )
    calibrate.add_argument("--workers", type=int, default=1, help="processes (1)")

    data = commands.add_parser("data", help="prepare a corpus")
    data.add_argument("corpus", choices=CORPORA)
    data.add_argument(
        "--source",
        type=Path,
        metavar="DIR",
        help="the downloaded files to prepare it from; the chorales need none",
    )
    data.add_argument("--out", type=Path, required=True, metavar="DIR")

    fit = commands.add_parser("fit", help="fit the baselines to a prepared corpus")
    fit.add_argument("--ensemble", default="chorale", help="a name, or a YAML file")
    fit.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    fit.add_argument("--out", type=Path, help="a folder (where the shipped ones are)")
    fit.add_argument(
        "--resolution", type=int, metavar="TICKS", help="a quarter, of the grid (as written)"
    )

    measure = commands.add_parser("measure", help="measure the runs of a config, seed by seed")
    measure.add_argument("checkpoints", type=Path, nargs="+", help="folders of training runs")
    measure.add_argument("--data", type=Path, required=True, help="a prepared corpus")
    measure.add_argument("--split", default="test", help="valid or test (the default)")
    _add_results(measure)

    measure_more = commands.add_parser(
        "measure-generation", help="measure trained generators for the report"
    )
    measure_more.add_argument("checkpoints", type=Path, nargs="+", help="folders of training runs")
    _add_question(measure_more)
    measure_more.add_argument(
        "--results", type=Path, metavar="DIR", help="rows (those of the package)"
    )

    report = commands.add_parser("report", help="measure what is shipped; write docs/RESULTS.md")
    report.add_argument(
        "--data",
        type=Path,
        help="a folder with the prepared corpora chorales, quartets, game, pop, orchestra and "
        "pop909, or some of them; without it, and for those that are missing, what has been "
        "measured before is told",
    )
    report.add_argument("--fresh", action="store_true", help="measure what is known already too")
    report.add_argument("-o", "--output", type=Path, default=Path("docs/RESULTS.md"))
    _add_results(report)

    serve = commands.add_parser("serve", help="serve HTTP and live sessions on this machine")
    serve.add_argument("--config", type=Path, help="settings in place of configs/serve.yaml")
    serve.add_argument("--host", help="the address to listen at (127.0.0.1)")
    serve.add_argument("--port", type=int, help="the port to listen at (8000)")
    serve.add_argument("--check", action="store_true", help="only check the settings")

    models = commands.add_parser("models", help="the shipped checkpoints and their cards")
    models.add_argument("name", nargs="?", help="print the whole card of one")
    return whole


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    command.add_argument("--results", type=Path, metavar="DIR", help="rows (those of the package)")


def _add_sampling(command: argparse.ArgumentParser, min_p: float) -> None:
    command.add_argument(
        "--temperature", type=float, default=1.0, help="0: the likeliest token (1)"
    )
    command.add_argument("--top-k", type=int, help="choose among so many tokens")
    command.add_argument(
        "--top-p", type=float, default=1.0, help="and among so much probability (1)"
    )
    command.add_argument(
        "--min-p",
        type=float,
        default=min_p,
        help=f"and above this share of the likeliest one's ({min_p:g})",
    )


def _add_question(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, required=True, help="the corpus that it has learnt")
    command.add_argument("--split", default="test", help="valid or test (the default)")
    command.add_argument("--samples", type=int, default=32, help="continuations (32)")
    command.add_argument("--bars", type=int, default=8, help="bars of each (8)")
    command.add_argument("--before", type=int, default=8, help="bars that it goes on from (8)")
    command.add_argument("--tunes", type=int, default=100, help="whole folk tunes (100)")
    command.add_argument("--seed", type=int, default=0)
    _add_sampling(command, 0.0)
