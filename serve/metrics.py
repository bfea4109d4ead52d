"""What is counted, for Prometheus.

Where PROMETHEUS_MULTIPROC_DIR names a folder, all processes of a machine count together and any
of them can tell the sum. Knows prometheus_client; not what is counted.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The counts of one process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter(
            "arranger_requests", "Requests answered.", labels, registry=self._registry
        )
        self.seconds = Histogram(
            "arranger_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.notes = Counter(
            "arranger_notes", "Notes arranged or added.", ("work",), registry=self._registry
        )
        self.job_files = Counter(
            "arranger_job_files", "Files of jobs done.", ("outcome",), registry=self._registry
        )

    def text(self) -> bytes:
        """All counts in Prometheus' text form."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self._registry)
        everywhere = CollectorRegistry()
        MultiProcessCollector(everywhere)  # type: ignore[no-untyped-call]
        return generate_latest(everywhere)
