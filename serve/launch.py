"""``arranger serve``: everything on this machine, from one command, until it is told to stop."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .guard import LOOPBACK, TOKEN
from .settings import Service

_SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_worker_niceness": "0",
    "OMP_NUM_THREADS": "1",
}
"""What Ray and numpy read from the environment before they are imported; what is set already
stays. Ray would have its workers stand back behind all else on the machine."""

_STORE_BYTES = 80_000_000
"""Ray's shared memory, of which nothing here makes use."""


def run(service: Service, say: Callable[[str], None] = print) -> None:
    """Serve until interrupted; ValueError for what a person can mend."""
    stopped = threading.Event()
    with serving(service) as seconds:
        say(f"Arranger listens at http://{service.host}:{service.port}/ ({seconds:.1f} s)")
        say("  /docs          what can be asked")
        say("  /v1/live       WebSocket: play, and every key is answered")
        say("  /metrics       counts for Prometheus")
        say("Ctrl-C ends it.")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()
        say("ending …")


@contextmanager
def serving(service: Service) -> Iterator[float]:
    """Ray and both applications, up; gives the seconds that took. All is ended afterwards."""
    _check(service)
    began = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="arranger-serve-"))
    for name, value in {**_SWITCHES, **_own(folder)}.items():
        os.environ.setdefault(name, value)
    import ray
    from ray import serve

    ray.init(
        address="local",
        include_dashboard=False,
        num_cpus=max(2, os.cpu_count() or 1),
        object_store_memory=_STORE_BYTES,
        logging_level=logging.ERROR,
        log_to_driver=False,
        configure_logging=False,
    )
    try:
        serve.start(
            proxy_location="HeadOnly",
            http_options={"host": service.host, "port": service.port},
        )
        serve.run_many(
            [
                serve.RunTarget(
                    target=_built(application),
                    name=application["name"],
                    route_prefix=application["route_prefix"],
                )
                for application in service.applications
            ]
        )
        yield time.perf_counter() - began
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _own(folder: Path) -> dict[str, str]:
    """What would clash with another service on this machine."""
    counts = folder / "counts"
    counts.mkdir()
    metrics, stats = _free_ports(2)
    return {
        "PROMETHEUS_MULTIPROC_DIR": str(counts),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
    }


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _built(application: Mapping[str, Any]) -> Any:
    """An application with its deployments as the file wants them."""
    from .deployments import BUILT

    options = {
        deployment["name"]: {key: value for key, value in deployment.items() if key != "name"}
        for deployment in application.get("deployments") or ()
    }
    return BUILT[application["name"]](application.get("args") or {}, options)


def _check(service: Service) -> None:
    if service.host not in LOOPBACK and not os.environ.get(TOKEN):
        raise ValueError(
            f"host {service.host}: beyond this machine a token is needed: set {TOKEN}, or listen "
            f"at 127.0.0.1"
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((service.host, service.port))
        except OSError as error:
            raise ValueError(
                f"port {service.port} cannot be listened at ({error.strerror}): choose another "
                f"with --port"
            ) from error
