from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from serve.settings import DEFAULT, ApiSettings, Service, load
from tests.commands import refused


def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    return found


def write(path: Path, content: Any) -> Path:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def gpus(content: dict[str, Any], device: str = "cuda", **shares: Any) -> dict[str, Any]:
    """The content, with a device and with so much of a GPU for each deployment."""
    [api] = [one for one in content["applications"] if one["name"] == "api"]
    api["args"]["models"]["device"] = device
    for deployment in api["deployments"]:
        share = shares.get(deployment["name"], 0)
        deployment["ray_actor_options"]["num_gpus"] = share
    return content


def test_a_gpu_is_one_switch_and_a_share_for_each_deployment(tmp_path: Path) -> None:
    service = load(write(tmp_path / "serve.yaml", gpus(document(), Api=0.5, JobRunner=0.25)))
    [api] = [one for one in service.applications if one["name"] == "api"]
    assert ApiSettings.from_dict(api["args"]).models.torch_device == "cuda"


def test_a_device_that_torch_does_not_see_is_told_before_ray_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from arranger import devices
    from arranger.cli import main

    def none(name: str) -> None:
        raise ValueError(f"device {name!r}: torch sees no such device here, but cpu")

    monkeypatch.setattr(devices, "device", none)
    path = write(tmp_path / "serve.yaml", gpus(document(), Api=0.5, JobRunner=0.25))
    refused(capsys, main(["serve", "--config", str(path)]), "models: device 'cuda': torch sees no")


def test_the_shipped_file_says_what_is_so_without_it() -> None:
    service = load()
    assert (service.host, service.port) == ("127.0.0.1", 8000)
    api = next(one for one in service.applications if one["name"] == "api")
    assert ApiSettings.from_dict(api["args"]) == ApiSettings()


def test_ray_serve_reads_the_shipped_file_too() -> None:
    from ray.serve.schema import ServeDeploySchema

    schema = ServeDeploySchema.model_validate(document())
    assert {application.name for application in schema.applications} >= {"api"}


def test_every_key_of_a_deployment_that_passes_is_one_of_ray_serve() -> None:
    from ray.serve.schema import DeploymentSchema

    from serve import settings

    assert set(DeploymentSchema.model_fields) >= settings._DEPLOYMENT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(aplications=[]), "unknown key 'aplications'"),
        (lambda d: d["http_options"].update(prot=1), "http_options: unknown key 'prot'"),
        (lambda d: d["http_options"].update(port="80"), "port must lie in 1..65535, not '80'"),
        (lambda d: d["http_options"].update(host=None), "host must be a name"),
        (lambda d: d.update(applications=[]), "expected a list of applications"),
        (lambda d: d["applications"][0].update(name="ape"), "applications are api and live"),
        (
            lambda d: d["applications"][0]["deployments"][0].update(num_replica=2),
            "a deployment of api: unknown key 'num_replica'",
        ),
        (
            lambda d: d["applications"][0]["deployments"][0].update(name="Ape"),
            "deployments of api are Api, JobRunner, not 'Ape'",
        ),
        (
            lambda d: d["applications"][0]["args"].update(limit={}),
            "args of api: unknown key 'limit'",
        ),
        (
            lambda d: d["applications"][0]["args"].update(limits={"notes": "many"}),
            "limits: notes must be of type int, not 'many'",
        ),
        (
            lambda d: d["applications"][0]["args"].update(limits={"notes": -1}),
            "limits: notes must not be below 0, not -1",
        ),
        (
            lambda d: d["applications"][0]["args"].update(limits=7),
            "limits: expected keys and values, not 7",
        ),
        (
            lambda d: d["applications"][0]["args"].update(access={"hosts": "here"}),
            "access: hosts must be a list of texts, not 'here'",
        ),
        (
            lambda d: d["applications"][0]["args"].update(models={"device": "gpu"}),
            "models: device must be one of numpy, cpu, cuda, not 'gpu'",
        ),
        (
            lambda d: d["applications"][0]["args"].update(models={"precision": "fp8"}),
            "models: precision must be one of auto, fp32, bf16, not 'fp8'",
        ),
        (
            lambda d: d["applications"][0]["args"].update(models={"at_once": 0}),
            "models: at_once must be 1 or more, not 0",
        ),
        (
            lambda d: d["applications"][0]["args"].update(models={"device": "cuda"}),
            "models: device cuda needs a GPU for Api: give it num_gpus in ray_actor_options",
        ),
        (
            lambda d: gpus(d, Api=0.5, JobRunner=0),
            "models: device cuda needs a GPU for JobRunner",
        ),
        (lambda d: gpus(d, "cpu", Api=0.5), "Api: num_gpus 0.5 would keep a GPU idle, as .* cpu"),
        (lambda d: gpus(d, Api="one"), "num_gpus must be a number from 0, not 'one'"),
    ],
)
def test_a_wrong_key_or_value_is_told_by_name(tmp_path: Path, change: Any, words: str) -> None:
    wrong = document()
    change(wrong)
    with pytest.raises(ValueError, match=rf"serve\.yaml: .*{words}"):
        load(write(tmp_path / "serve.yaml", wrong))


@pytest.mark.parametrize("text", ["{", "- 1", ""])
def test_a_file_that_is_no_service_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"serve\.yaml: "):
        load(path)


def test_host_and_port_can_be_given_on_the_command_line() -> None:
    service = Service("127.0.0.1", 8000, ())
    assert service.at(None, None) == service
    assert service.at("::1", 9000) == Service("::1", 9000, ())
    with pytest.raises(ValueError, match="port must lie"):
        service.at(None, 0)


def test_the_command_checks_a_file_without_serving(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from arranger.cli import main

    assert main(["serve", "--check"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    wrong = write(tmp_path / "serve.yaml", {"applications": 1})
    refused(capsys, main(["serve", "--config", str(wrong)]), "expected a list of applications")


def test_beyond_this_machine_a_token_is_needed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from arranger.cli import main

    monkeypatch.delenv("ARRANGER_TOKEN", raising=False)
    code = main(["serve", "--host", "0.0.0.0"])
    refused(capsys, code, "beyond this machine a token is needed", "ARRANGER_TOKEN")


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    from arranger.cli import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = main(["serve", "--port", str(port)])
    refused(capsys, code, f"port {port} cannot be listened at", "choose another with --port")
