"""/v1/jobs: long work, and work on many files, that nobody needs to wait for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from .. import answers, schemas, uploads
from ..http import accepted
from ..jobs.runner import ALL, EVALUATION, MEDIA, download_name, result_name
from ..jobs.store import JobRecord
from ..problems import ProblemError, busy, unprocessable
from ..schemas import JobOptions
from ..services import Services
from . import describing

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$", description="As the job was answered.")]
FileNumber = Annotated[int, InPath(ge=0, le=1_000_000)]
_WAIT = 10.0


@router.post(
    "/v1/jobs",
    summary="Begin a job",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses=describing.answers(schemas.Job, status=202),
    openapi_extra=describing.files_body(JobOptions),
)
async def begin(request: Request) -> Response:
    """Send files, or a zip of them, and what to do with each. The answer comes at once; ask for
    the job at its address until it has ended. A job survives the end of the service."""
    services: Services = request.app.state.services
    wanted = services.settings.jobs
    accepted(request, (answers.JSON,))
    if await asyncio.to_thread(services.jobs.waiting) >= wanted.waiting:
        raise busy(f"{wanted.waiting} jobs wait already: ask again later", _WAIT)
    limits = uploads.BodyLimits(
        wanted.body_bytes, 10 * services.settings.limits.body_seconds, wanted.files
    )
    parcel = await uploads.receive(request, limits, wanted.unpacked_bytes)
    if not parcel.uploads:
        raise unprocessable("expected at least one file, or a zip of files")
    options = uploads.options(JobOptions, parcel.fields)
    job = await asyncio.to_thread(_keep, services, parcel.uploads, options)
    headers = {"Location": f"/v1/jobs/{job.id}"}
    return Response(answers.dumped(_told(job, options)), HTTPStatus.ACCEPTED, headers, answers.JSON)


@router.get(
    "/v1/jobs/{job_id}",
    summary="How far a job is",
    response_class=Response,
    responses=describing.answers(schemas.Job) | describing.refusals(404),
)
async def progress(request: Request, job_id: JobId) -> Response:
    """The job with the state of each of its files, and where results are."""
    job, options = await _found(request, job_id)
    return Response(answers.dumped(_told(job, options)), media_type=answers.JSON)


@router.delete(
    "/v1/jobs/{job_id}",
    summary="Cancel a job",
    response_class=Response,
    responses=describing.answers(schemas.Job) | describing.refusals(404),
)
async def cancel(request: Request, job_id: JobId) -> Response:
    """End a job that has not ended. What it has done so far can still be fetched, file by file."""
    services: Services = request.app.state.services
    await _found(request, job_id)
    await asyncio.to_thread(services.jobs.cancel, job_id)
    return await progress(request, job_id)


@router.get(
    "/v1/jobs/{job_id}/result",
    summary="The results of a job",
    response_class=FileResponse,
    responses={
        200: {
            "description": "A zip of the results; of an evaluation, JSON.",
            "content": {
                uploads.ZIP: describing.BINARY,
                answers.JSON: {"schema": describing.reference(schemas.Evaluation)},
            },
        },
        **describing.refusals(404, 409),
    },
)
async def result(request: Request, job_id: JobId) -> Response:
    """All results of a job that is done."""
    job, options = await _found(request, job_id)
    if job.state != "done":
        raise ProblemError(HTTPStatus.CONFLICT, f"the job is {job.state}: there is no result of it")
    folder = request.app.state.services.folder
    if options.work == "evaluation":
        return _file(folder.result(job_id, EVALUATION), answers.JSON, EVALUATION)
    return _file(folder.result(job_id, ALL), uploads.ZIP, f"{job_id}.zip")


@router.get(
    "/v1/jobs/{job_id}/files/{number}",
    summary="The result of one file of a job",
    response_class=FileResponse,
    responses={
        200: {
            "description": "The result in the form that the job was asked for.",
            "content": dict.fromkeys(MEDIA.values(), describing.BINARY),
        },
        **describing.refusals(404, 409),
    },
)
async def file_result(request: Request, job_id: JobId, number: FileNumber) -> Response:
    """The result of one file, as soon as that file is done."""
    job, options = await _found(request, job_id)
    if options.work == "evaluation" or number >= len(job.files):
        raise _missing(f"job {job_id} has no result of a file {number}")
    file = job.files[number]
    if file.state != "done":
        raise ProblemError(HTTPStatus.CONFLICT, file.problem or f"{file.name} is not done yet")
    path = request.app.state.services.folder.result(job_id, result_name(file, options))
    return _file(path, MEDIA[options.output], download_name(file, options))


async def _found(request: Request, job_id: str) -> tuple[JobRecord, JobOptions]:
    services: Services = request.app.state.services
    job = await asyncio.to_thread(services.jobs.get, job_id)
    if job is None:
        raise _missing(f"there is no job {job_id}")
    return job, JobOptions.model_validate_json(job.options)


def _keep(services: Services, files: tuple[uploads.Upload, ...], options: JobOptions) -> JobRecord:
    """Files first, then the job, so that no runner finds one without its files."""
    job_id = uuid4().hex
    try:
        for number, file in enumerate(files):
            services.folder.put_sent(job_id, number, file.data)
        names = [(file.name, file.suffix) for file in files]
        services.jobs.create(job_id, options.work, options.model_dump_json(), names)
    except BaseException:
        services.folder.delete(job_id)
        raise
    job = services.jobs.get(job_id)
    assert job is not None
    return job


def _told(job: JobRecord, options: JobOptions) -> answers.Json:
    """In the form ``schemas.Job``."""
    at = f"/v1/jobs/{job.id}"
    one_result = options.work == "evaluation"
    return {
        "id": job.id,
        "state": job.state,
        "work": job.work,
        "files": len(job.files),
        "done": sum(file.state == "done" for file in job.files),
        "failed": sum(file.state == "failed" for file in job.files),
        "created": _date(job.created),
        "finished": None if job.finished is None else _date(job.finished),
        "problem": job.problem,
        "result": f"{at}/result" if job.state == "done" else None,
        "items": [
            {
                "number": file.number,
                "name": file.name,
                "state": file.state,
                "result": None
                if one_result or file.state != "done"
                else f"{at}/files/{file.number}",
                "problem": file.problem,
            }
            for file in job.files
        ],
    }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _file(path: Path, kind: str, name: str) -> Response:
    if not path.is_file():
        raise _missing("the result is no longer kept")
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return FileResponse(path, media_type=kind, headers={"Content-Disposition": disposition})


def _missing(sentence: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, sentence)
