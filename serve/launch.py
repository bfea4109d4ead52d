"""``arranger serve``: everything on this machine, from one command, until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from .guard import LOOPBACK, TOKEN
from .models import check_device
from .problems import busy
from .settings import ApiSettings, Service

if TYPE_CHECKING:
    from ray import serve

_SWITCHES = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_worker_niceness": "0",
    "OMP_NUM_THREADS": "1",
}
"""What Ray and numpy read from the environment before they are imported; what is set already
stays. Ray would have its workers stand back behind all else on the machine."""

_ATTEMPTS = 2
"""Ray gives up when a busy machine keeps one of its processes waiting for half a minute."""

_STORE_BYTES = 80_000_000
"""Ray's shared memory, of which nothing here makes use."""


_OPEN_FILES = 10_300
"""The proxy ends at once where the system does not let it open so many."""

_PROXY_ERROR, _EXCUSED_S = "500.http", 2
"""The name that Ray gives to such a file; seconds after which to ask again."""


_say = partial(print, flush=True)


def run(read: Callable[[], Service], say: Callable[[str], None] = _say) -> None:
    """Serve until interrupted; ValueError for what a person can mend.

    ``read`` gives the settings: at the beginning, and again at SIGHUP, when everything is deployed
    anew, one application after the other.
    """
    service = read()
    wishes: SimpleQueue[int] = SimpleQueue()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serving(service) as seconds:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: wishes.put(number))
        say(f"Arranger listens at http://{service.host}:{service.port}/ ({seconds:.1f} s)")
        say("  /docs       what can be asked")
        say("  /v1/live    WebSocket: play, and every key is answered")
        say("  /metrics    counts for Prometheus")
        say("Ctrl-C ends it.")
        while _next(wishes) == signal.SIGHUP:
            try:
                deploy(read())
                say("deployed anew")
            except ValueError as error:
                say(f"not deployed: {error}")
        say("ending")


@contextmanager
def serving(service: Service) -> Iterator[float]:
    """Ray and both applications, up; gives the seconds that took. All is ended afterwards."""
    _check(service)
    _check_open_files()
    began = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="arranger-serve-"))
    quiet()
    for name, value in {**_SWITCHES, **_own(folder)}.items():
        os.environ.setdefault(name, value)
    import ray
    from ray import serve

    try:
        _start(service)
        _excuse_proxy(folder)
        deploy(service)
        yield time.perf_counter() - began
    finally:
        if ray.is_initialized():
            serve.shutdown()  # type: ignore[no-untyped-call]
            ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def quiet() -> None:
    """Ray tells nobody of its use."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def deploy(service: Service) -> None:
    """Deploy the applications, in place of those that run; ValueError where they cannot run."""
    _check_device(service)
    from ray import serve

    serve.run_many([_target(application) for application in service.applications])


def _start(service: Service) -> None:
    """Ray and its proxy; OSError, with one sentence, where they do not come up."""
    import ray
    from ray import serve

    for attempt in range(_ATTEMPTS):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                num_cpus=max(2, os.cpu_count() or 1),
                object_store_memory=_STORE_BYTES,
                logging_level=logging.ERROR,
                log_to_driver=False,
                configure_logging=False,
            )
            logging.getLogger("ray.serve").setLevel(logging.WARNING)
            http = {"host": service.host, "port": service.port}
            serve.start(proxy_location="HeadOnly", http_options=http)
            return
        except Exception as error:  # Ray raises what it likes
            ray.shutdown()
            if attempt + 1 == _ATTEMPTS:
                reason = str(error).partition("\n")[0]
                raise OSError(f"Ray cannot be started: {reason}") from error


def _excuse_proxy(folder: Path) -> None:
    """Have the proxy tell those whose process has died that they may ask again: Ray's HAProxy
    reads what it says then from files in ``folder``, anew each time that applications change."""
    problem = busy("the process that worked on this has ended: ask again", _EXCUSED_S)
    answer = problem.response()
    headers = [f"{name}: {value}" for name, value in answer.headers.items()]
    status = f"HTTP/1.1 {answer.status_code} {problem.status.phrase}"
    head = "\r\n".join([status, *headers, "", ""]).encode()
    for file in folder.glob(f"*/{_PROXY_ERROR}"):
        file.write_bytes(head + bytes(answer.body))


def _next(wishes: SimpleQueue[int]) -> int:
    """The next signal; waits in short turns, so that handlers get theirs."""
    while True:
        with contextlib.suppress(Empty):
            return wishes.get(timeout=0.5)


def _check_open_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < _OPEN_FILES:
        raise ValueError(
            f"the system lets a process open {most} files, and the proxy needs {_OPEN_FILES}: "
            "raise the limit (ulimit -n 16384; for a container --ulimit nofile=16384)"
        )


def _own(folder: Path) -> dict[str, str]:
    """What would clash with another service on this machine."""
    counts = folder / "counts"
    counts.mkdir()
    metrics, stats, fallback, grpc = _free_ports(4)
    return {
        "PROMETHEUS_MULTIPROC_DIR": str(counts),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(grpc),
    }


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _target(application: Mapping[str, Any]) -> serve.RunTarget:
    """An application with its deployments as the file wants them."""
    from ray import serve

    from .deployments import BUILT

    options = {
        deployment["name"]: {key: value for key, value in deployment.items() if key != "name"}
        for deployment in application.get("deployments") or ()
    }
    name = application["name"]
    built = BUILT[name](application.get("args") or {}, options)
    return serve.RunTarget(target=built, name=name, route_prefix=application["route_prefix"])


def _check(service: Service) -> None:
    _check_device(service)
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


def _check_device(service: Service) -> None:
    """Ray would wait without end for a GPU that this machine has not."""
    for application in service.applications:
        if application["name"] == "api":
            check_device(ApiSettings.from_dict(application.get("args") or {}).models)
