"""What can be set: ``configs/serve.yaml``, in the form that ``serve run`` reads too.

Ray Serve lets a misspelt key of a deployment pass in silence; here it is an error. Knows the keys
of Serve's form; not Ray.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from arranger.configuration import section
from arranger.ensembles import CONFIGS

DEFAULT = CONFIGS / "serve.yaml"

_SERVICE = {"proxy_location", "http_options", "applications"}
_HTTP = {"host", "port", "keep_alive_timeout_s"}
_APPLICATION = {"name", "route_prefix", "import_path", "args", "deployments"}
_DEPLOYMENTS = {"api": {"Api", "JobRunner"}, "live": {"Live"}}
_DEPLOYMENT = {
    *("name", "num_replicas", "max_ongoing_requests", "max_queued_requests", "autoscaling_config"),
    *("ray_actor_options", "graceful_shutdown_timeout_s", "graceful_shutdown_wait_loop_s"),
    *("health_check_period_s", "health_check_timeout_s", "max_replicas_per_node"),
}

_DEVICES = ("numpy", "cpu", "cuda")
_PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and how many may wait.

    A body of more than ``body_bytes``, or one that takes longer than ``body_seconds`` to arrive,
    is refused; so are pieces of more than ``notes``, which are work for a job. ``waiting``
    requests may wait for their turn; each client may make ``requests_a_minute`` (0: any number).
    """

    body_bytes: int = 20_000_000
    body_seconds: float = 30.0
    files: int = 50
    notes: int = 20_000
    waiting: int = 32
    requests_a_minute: int = 0


@dataclass(frozen=True)
class Reading:
    """Files larger than ``in_place_bytes``, and all notation, are read in a process of their own,
    with so many seconds and so much memory."""

    in_place_bytes: int = 100_000
    seconds: float = 30.0
    megabytes: int = 2_000


@dataclass(frozen=True)
class Jobs:
    """Long work. A runner that has not been heard of for ``lease_seconds`` is taken for dead; a
    job is kept for ``kept_days`` after its end; a file that has ended its runner ``attempts``
    times is given up."""

    files: int = 1_000
    body_bytes: int = 200_000_000
    unpacked_bytes: int = 500_000_000
    notes: int = 200_000
    waiting: int = 100
    lease_seconds: float = 30.0
    poll_seconds: float = 0.5
    kept_days: float = 7.0
    attempts: int = 3


@dataclass(frozen=True)
class Models:
    """``warm`` models are ready before the first request; ``folders`` hold checkpoints beside the
    shipped ones. ``device``: where models of whole pieces and those that continue run, with numpy
    or in torch on cpu or cuda; live ones run with numpy.

    The others are torch's alone. ``precision``: fp32, bf16, or auto: bf16 on cuda, else fp32.
    ``at_once`` pieces are arranged at once; they share passes of at most ``pass_notes``, padding
    included, which wait at most ``pass_milliseconds`` for company.
    """

    device: str = "numpy"
    precision: str = "auto"
    at_once: int = 8
    pass_notes: int = 65_536
    pass_milliseconds: float = 2.0
    warm: tuple[str, ...] = ("chorale-offline",)
    folders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.device not in _DEVICES:
            raise ValueError(
                f"models: device must be one of {', '.join(_DEVICES)}, not {self.device!r}"
            )
        if self.precision not in _PRECISIONS:
            raise ValueError(
                f"models: precision must be one of {', '.join(_PRECISIONS)}, not {self.precision!r}"
            )
        if self.at_once < 1:
            raise ValueError(f"models: at_once must be 1 or more, not {self.at_once}")

    @property
    def torch_device(self) -> str | None:
        """Torch's name of the device; None: numpy."""
        return None if self.device == "numpy" else self.device

    @property
    def threads(self) -> int:
        """How many pieces a process arranges at once: with numpy, one at a time is fastest."""
        return 1 if self.torch_device is None else self.at_once


@dataclass(frozen=True)
class Access:
    """Who may ask. ``hosts`` are the names under which the service may be called beside the
    loopback's; ``origins`` the pages, beside its own, whose scripts may."""

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApiSettings:
    """The application ``api``. ``folder`` keeps jobs and their results; ``nice`` is how far its
    processes stand back behind those of players."""

    folder: str = "~/.local/share/arranger"
    nice: int = 5
    limits: Limits = field(default_factory=Limits)
    reading: Reading = field(default_factory=Reading)
    jobs: Jobs = field(default_factory=Jobs)
    models: Models = field(default_factory=Models)
    access: Access = field(default_factory=Access)

    @property
    def data(self) -> Path:
        """The folder as a path."""
        return Path(self.folder).expanduser()

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ApiSettings:
        """Settings from plain data; ValueError for unknown keys and wrong values."""
        kinds = {
            "limits": Limits,
            "reading": Reading,
            "jobs": Jobs,
            "models": Models,
            "access": Access,
        }
        known = dict(document)
        for key, kind in kinds.items():
            if key in known:
                known[key] = section_of(kind, known[key], key)
        settings: ApiSettings = section(cls, known, "args of api")
        return settings


@dataclass(frozen=True)
class Service:
    """The whole file."""

    host: str
    port: int
    applications: tuple[Mapping[str, Any], ...]

    def __post_init__(self) -> None:
        if type(self.port) is not int or not 1 <= self.port <= 65535:
            raise ValueError(f"port must lie in 1..65535, not {self.port!r}")

    def at(self, host: str | None, port: int | None) -> Service:
        """The same elsewhere, where that is given."""
        return replace(
            self,
            host=self.host if host is None else host,
            port=self.port if port is None else port,
        )


def load(path: str | Path = DEFAULT) -> Service:
    """The service that a file describes; ValueError, with one sentence, where it is none."""
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable YAML file ({type(error).__name__})") from error
    try:
        return _service(document)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _service(document: Any) -> Service:
    _check(document, _SERVICE, "the file")
    http = document.get("http_options") or {}
    _check(http, _HTTP, "http_options")
    applications = document.get("applications")
    if not isinstance(applications, list) or not applications:
        raise ValueError("applications: expected a list of applications")
    for application in applications:
        _check(application, _APPLICATION, "an application")
        name = application.get("name")
        if name not in _DEPLOYMENTS:
            raise ValueError(f"applications are api and live, not {name!r}")
        for deployment in application.get("deployments") or ():
            _check(deployment, _DEPLOYMENT, f"a deployment of {name}")
            if deployment.get("name") not in _DEPLOYMENTS[name]:
                known = ", ".join(sorted(_DEPLOYMENTS[name]))
                raise ValueError(
                    f"deployments of {name} are {known}, not {deployment.get('name')!r}"
                )
        if name == "api":
            settings = ApiSettings.from_dict(application.get("args") or {})
            _check_gpus(settings.models.device, application.get("deployments") or ())
    host, port = http.get("host", "127.0.0.1"), http.get("port", 8000)
    if not isinstance(host, str):
        raise ValueError(f"http_options: host must be a name or an address, not {host!r}")
    return Service(host, port, tuple(applications))


def _check_gpus(device: str, deployments: Sequence[Mapping[str, Any]]) -> None:
    """Ray shows a GPU only to those deployments that ask for one, and then to no others."""
    asked = {one["name"]: _gpus(one) for one in deployments}
    for name in sorted(_DEPLOYMENTS["api"]):
        share = asked.get(name, 0)
        if device == "cuda" and share == 0:
            raise ValueError(
                f"models: device cuda needs a GPU for {name}: give it num_gpus in "
                f"ray_actor_options, 0.25 for a quarter of one"
            )
        if device != "cuda" and share > 0:
            raise ValueError(
                f"{name}: num_gpus {share:g} would keep a GPU idle, as models: device is "
                f"{device}, not cuda"
            )


def _gpus(deployment: Mapping[str, Any]) -> float:
    options = deployment.get("ray_actor_options") or {}
    if not isinstance(options, dict):
        raise ValueError(f"ray_actor_options: expected keys and values, not {options!r}")
    share = options.get("num_gpus", 0)
    if type(share) not in {int, float} or share < 0:
        raise ValueError(f"ray_actor_options: num_gpus must be a number from 0, not {share!r}")
    return float(share)


def _check(document: Any, known: set[str], name: str) -> None:
    if not isinstance(document, dict):
        raise ValueError(f"{name}: expected keys and values, not {document!r}")
    for key in document:
        if key not in known:
            raise ValueError(f"{name}: unknown key {key!r}; known are {', '.join(sorted(known))}")


def section_of(kind: type[Any], document: Any, name: str) -> Any:
    """As ``configuration.section``, where lists are tuples of texts and no number is negative."""
    if not isinstance(document, Mapping):
        raise ValueError(f"{name}: expected keys and values, not {document!r}")
    due = {f.name for f in fields(kind) if str(f.type).startswith("tuple")}
    found = dict(document)
    for key in due & found.keys():
        texts = found[key]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{name}: {key} must be a list of texts, not {texts!r}")
        found[key] = tuple(texts)
    for key, value in found.items():
        if isinstance(value, int | float) and value < 0:
            raise ValueError(f"{name}: {key} must not be below 0, not {value!r}")
    return section(kind, found, name)
