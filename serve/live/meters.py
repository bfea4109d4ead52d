"""What the live service tells those who watch over it, in Prometheus' terms."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)


class Meters:
    """One set for each app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.note_seconds = Histogram(
            "arranger_live_note_seconds",
            "From a key's arrival to its answer; answers that wait are left out",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.sessions = Gauge(
            "arranger_live_sessions", "Sessions that are open", registry=self._registry
        )
        self.refused = Counter(
            "arranger_live_refused",
            "Sessions that were not begun, or ended by the service",
            ["reason"],
            registry=self._registry,
        )

    def page(self) -> bytes:
        """All of it as text."""
        return generate_latest(self._registry)
