"""Arrange, continue, evaluate and run jobs at a service, from Python.

    with Client() as client:
        arranged = client.arrange("piece.mid", ensemble="quartet")
        print(arranged.notes[0].part, arranged.notes[0].confidence)
        client.arrange_to("piece.mid", "arranged.musicxml", ensemble="quartet")

Music is a file, or notes as mappings with the keys onset, pitch, duration and velocity. Knows
HTTP; nothing of models.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from .answers import Arrangement, Continuation, Evaluation, Job, TimedNote, known

URL = "http://127.0.0.1:8000"
Music = str | Path | Sequence[Mapping[str, int]]
_MEDIA = {
    ".mid": "audio/midi",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".json": "application/json",
    ".png": "image/png",
}


class ServiceError(Exception):
    """The service did not do it; the message is its sentence. ``retry_after``: seconds after
    which to ask again, where it said so."""

    def __init__(self, status: int, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Client:
    """Asks the service at ``url``; ``token``: by default ARRANGER_TOKEN of the environment."""

    def __init__(self, url: str = URL, token: str | None = None, timeout: float = 120.0) -> None:
        given = os.environ.get("ARRANGER_TOKEN", "") if token is None else token
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def arrange(self, music: Music, **options: Any) -> Arrangement:
        """``options``: ensemble, mode, model, hints, alternatives; and resolution, tempos and
        meters of music that is notes."""
        return Arrangement.of(self._json("/v1/arrangements", _sent(music, options)))

    def arrange_to(self, music: Music, path: str | Path, **options: Any) -> None:
        """Write the arrangement; the suffix says the form (.mid, .musicxml, .json, .png)."""
        self._write("/v1/arrangements", _sent(music, options), Path(path))

    def continue_(self, music: Music | None = None, **options: Any) -> Continuation:
        """``options``: bars, seconds or until_silence, model, seed, temperature, top_k, top_p,
        min_p, tempo, style, arrange. Without music it begins from nothing."""
        return Continuation.of(self._json("/v1/continuations", _sent(music or (), options)))

    def continue_to(self, music: Music | None, path: str | Path, **options: Any) -> None:
        """Write the piece with its continuation; the suffix says the form."""
        self._write("/v1/continuations", _sent(music or (), options), Path(path))

    def stream(
        self, music: Music | None = None, **options: Any
    ) -> Iterator[TimedNote | Continuation]:
        """Each new note as soon as it is decided, then the whole; to leave off ends the work."""
        request = _sent(music or (), options)
        headers = {"Accept": "text/event-stream"}
        with self._http.stream("POST", "/v1/continuations", headers=headers, **request) as answer:
            if answer.is_error:
                answer.read()
            _check(answer)
            event = ""
            for line in answer.iter_lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    event = value
                elif key == "data":
                    yield _heard(event, json.loads(value))

    def evaluate(self, references: Sequence[str | Path], **options: Any) -> Evaluation:
        """``options``: ensemble, mode, hints, model."""
        return Evaluation.of(self._json("/v1/evaluations", _form(references, options)))

    def begin_job(self, files: Sequence[str | Path], **options: Any) -> Job:
        """``options``: work, output, and arrangement, continuation or evaluation with theirs."""
        return Job.of(self._json("/v1/jobs", _form(files, options)))

    def job(self, job_id: str) -> Job:
        return Job.of(_check(self._http.get(f"/v1/jobs/{job_id}")).json())

    def cancel_job(self, job_id: str) -> Job:
        return Job.of(_check(self._http.delete(f"/v1/jobs/{job_id}")).json())

    def wait_for(self, job: Job, every: float = 0.5) -> Job:
        """The job when it has ended."""
        while not job.ended:
            time.sleep(every)
            job = self.job(job.id)
        return job

    def fetch_job(self, job_id: str, path: str | Path) -> None:
        """Write all results of a job: a zip; of an evaluation, JSON."""
        Path(path).write_bytes(_check(self._http.get(f"/v1/jobs/{job_id}/result")).content)

    def ensembles(self) -> dict[str, tuple[str, ...]]:
        """The built-in ensembles and the names of their parts."""
        found = _check(self._http.get("/v1/ensembles")).json()
        return {one["name"]: tuple(part["name"] for part in one["parts"]) for one in found}

    def models(self) -> list[str]:
        """The names of the models."""
        return [one["name"] for one in _check(self._http.get("/v1/models")).json()]

    def _json(self, path: str, request: Mapping[str, Any]) -> Any:
        headers = {"Accept": "application/json"}
        return _check(self._http.post(path, headers=headers, **request)).json()

    def _write(self, path: str, request: Mapping[str, Any], output: Path) -> None:
        if output.suffix.lower() not in _MEDIA:
            raise ValueError(f"{output}: expected a suffix among {', '.join(_MEDIA)}")
        headers = {"Accept": _MEDIA[output.suffix.lower()]}
        output.write_bytes(_check(self._http.post(path, headers=headers, **request)).content)


def _sent(music: Music, options: Mapping[str, Any]) -> dict[str, Any]:
    """A piece and its options as arguments of an httpx request."""
    if isinstance(music, str | Path):
        return _form([music], options)
    return {"json": {**options, "notes": [dict(note) for note in music]}}


def _form(paths: Sequence[str | Path], options: Mapping[str, Any]) -> dict[str, Any]:
    files = [("file", (Path(path).name, Path(path).read_bytes())) for path in paths]
    return {"files": files, "data": {"options": json.dumps(options)}}


def _heard(event: str, document: Mapping[str, Any]) -> TimedNote | Continuation:
    if event == "problem":
        raise ServiceError(document["status"], document["detail"])
    return known(TimedNote, document) if event == "note" else Continuation.of(document)


def _check(answer: httpx.Response) -> httpx.Response:
    if not answer.is_error:
        return answer
    try:
        sentence = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        sentence = f"the service answered {answer.status_code}"
    after = answer.headers.get("retry-after", "")
    raise ServiceError(answer.status_code, sentence, float(after) if after.isdigit() else None)
