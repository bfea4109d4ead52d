"""A folder of files arranged with Ray Data, here or on the cluster that RAY_ADDRESS names.

All machines of a cluster must see the same folders. Knows the jobs of ``arranger arrange``; not
how a command line is parsed.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from arranger.files import FileError
from arranger.jobs import Desk, Draw, Job, Order, Outcome, carry_out

from .launch import quiet

_BLOCKS_A_WORKER = 4
"""Into how many parcels each worker's share is cut, so that none has long to wait for the last."""


class Worker:
    """One of the processes that share in the work."""

    def __init__(self, order: Order, draw: Draw) -> None:
        self._desk = Desk(order)
        self._draw = draw

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        job = Job(Path(row["source"]), Path(row["output"]))
        return {"outcome": pickle.dumps(carry_out(self._desk, self._draw, job))}


def run(
    order: Order, jobs: Sequence[Job], draw: Draw, workers: int | None = None
) -> Iterator[Outcome | FileError]:
    """As ``jobs.run``: the outcome of each job, in order; ``workers``: all that the cluster has."""
    Desk(order)  # refuses at once what cannot be carried out
    return _run(order, jobs, draw, workers)


def _cluster() -> dict[str, float]:
    import ray

    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return found


def _run(
    order: Order, jobs: Sequence[Job], draw: Draw, workers: int | None
) -> Iterator[Outcome | FileError]:
    quiet()
    import ray
    import ray.data

    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        more: dict[str, Any] = {} if address else {"include_dashboard": False}
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **more)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        size = min(len(jobs), workers or int(_cluster().get("CPU", 1)))
        rows = [
            {"source": str(job.source.resolve()), "output": str(job.output.resolve())}
            for job in jobs
        ]
        blocks = min(len(rows), _BLOCKS_A_WORKER * size)
        done = ray.data.from_items(rows, override_num_blocks=blocks).map(
            Worker,  # type: ignore[arg-type]  # made once in each process, then called
            fn_constructor_args=(order, draw),
            compute=ray.data.ActorPoolStrategy(size=size),
            num_cpus=0.5,  # the reading of rows needs some too
        )
        for row in done.iter_rows():
            yield pickle.loads(row["outcome"])
    finally:
        ray.shutdown()
