"""Does jobs, one after the other, until it is told to stop or dies.

Whatever it was doing when it died is done again by the next runner, from the first file that has
no result. Knows jobs and work; not HTTP.
"""

from __future__ import annotations

import io
import logging
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from uuid import uuid4

from arranger.notes import Note

from .. import answers, settings, work
from ..metrics import Metrics
from ..models import Models
from ..problems import ProblemError
from ..reading import Reader
from ..schemas import JobOptions
from ..uploads import Upload
from .folder import JobFolder
from .store import JobFile, JobRecord, JobStore, LeaseLostError, StoreError

MEDIA = {
    "mid": answers.MIDI,
    "musicxml": answers.MUSICXML,
    "json": answers.JSON,
    "png": answers.PNG,
}
ALL = "results.zip"
EVALUATION = "evaluation.json"

_log = logging.getLogger(__name__)


class Runner:
    """Claims jobs from ``store`` under a name of its own."""

    def __init__(
        self,
        store: JobStore,
        folder: JobFolder,
        models: Models,
        reader: Reader,
        wanted: settings.Jobs,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._models = models
        self._reader = reader
        self._settings = wanted
        self._metrics = metrics or Metrics()
        self._owner = uuid4().hex

    def run(self, stop: threading.Event) -> None:
        """Do jobs as they come, until ``stop`` is set."""
        tidied = 0.0
        while not stop.is_set():
            try:
                if time.monotonic() - tidied > 3600:
                    self.tidy()
                    tidied = time.monotonic()
                if self.run_next(stop):
                    continue
            except StoreError as error:
                _log.warning("%s", error)
            stop.wait(self._settings.poll_seconds)

    def run_next(self, stop: threading.Event | None = None) -> bool:
        """Do the oldest job that nobody works on; False if there is none."""
        job = self._store.claim(self._owner, self._settings.lease_seconds)
        if job is None:
            return False
        with self._lease(job) as lost:
            try:
                self._do(job, JobOptions.model_validate_json(job.options), lost)
            except LeaseLostError:
                _log.info("job %s is no longer this runner's", job.id)
            except (OSError, ValueError) as error:
                self._store.finish(job.id, self._owner, "failed", f"it cannot be done: {error}")
        return True

    def tidy(self) -> None:
        """Forget the jobs that ended long ago, and folders that belong to none."""
        before = time.time() - 86_400 * self._settings.kept_days
        for job_id in self._store.ended_before(before):
            self._store.delete(job_id)
            self._folder.delete(job_id)

    def _do(self, job: JobRecord, options: JobOptions, lost: threading.Event) -> None:
        if options.work == "evaluation":
            self._evaluate(job, options)
        else:
            for file in job.files:
                if file.state == "waiting":
                    self._do_file(job, file, options, lost)
            done = self._store.get(job.id)
            assert done is not None
            self._folder.put_result(job.id, ALL, self._zipped(done, options))
        ended = self._store.get(job.id)
        worked = ended is not None and any(file.state == "done" for file in ended.files)
        problem = None if worked else "none of its files could be used"
        self._store.finish(job.id, self._owner, "done" if worked else "failed", problem)

    def _do_file(
        self, job: JobRecord, file: JobFile, options: JobOptions, lost: threading.Event
    ) -> None:
        """Work on one file, and keep its result or the sentence that says why there is none."""
        problem = None
        if self._store.begin_file(job.id, self._owner, file.number) > self._settings.attempts:
            problem = f"{file.name}: given up, as it has ended {self._settings.attempts} runners"
        else:
            try:
                result = self._result(job, file, options, lost)
                self._folder.put_result(job.id, result_name(file, options), result)
            except ProblemError as error:
                problem = error.detail
            except ValueError as error:
                problem = str(error)
        self._finish_file(job, file, problem)

    def _finish_file(self, job: JobRecord, file: JobFile, problem: str | None) -> None:
        self._store.finish_file(job.id, self._owner, file.number, problem)
        self._metrics.job_files.labels("failed" if problem else "done").inc()

    def _result(
        self, job: JobRecord, file: JobFile, options: JobOptions, lost: threading.Event
    ) -> bytes:
        source = self._source(job, file)
        kind = MEDIA[options.output]
        if options.work == "arrangement":
            return answers.arranged_as(
                kind, work.arrange(self._models, source, options.arrangement)
            )

        def listen(_: Note) -> None:
            if lost.is_set():
                raise LeaseLostError(job.id)

        wish = options.continuation
        return answers.continued_as(kind, work.continue_(self._models, source, wish, listen))

    def _evaluate(self, job: JobRecord, options: JobOptions) -> None:
        sources, used = [], []
        for file in job.files:
            self._store.begin_file(job.id, self._owner, file.number)
            try:
                sources.append(self._source(job, file))
                used.append(file)
            except (ProblemError, ValueError) as error:
                self._finish_file(job, file, str(error))
        if not sources:
            return
        report, warnings = work.evaluate(self._models, sources, options.evaluation)
        data = answers.dumped(answers.evaluation(report, warnings))
        self._folder.put_result(job.id, EVALUATION, data)
        for file in used:
            self._finish_file(job, file, None)

    def _source(self, job: JobRecord, file: JobFile) -> work.Source:
        data = self._folder.sent(job.id, file.number)
        score = self._reader.read(Upload(file.name, file.suffix, data))
        if len(score.notes) > self._settings.notes:
            raise ValueError(
                f"{file.name}: {len(score.notes):,} notes, more than the "
                f"{self._settings.notes:,} of a job's file"
            )
        return work.Source(file.name, score)

    def _zipped(self, job: JobRecord, options: JobOptions) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in job.files:
                if file.state == "done":
                    name = result_name(file, options)
                    data = self._folder.result(job.id, name).read_bytes()
                    archive.writestr(zipfile.ZipInfo(download_name(file, options)), data)
        return packed.getvalue()

    @contextmanager
    def _lease(self, job: JobRecord) -> Iterator[threading.Event]:
        """Renew the lease of a job meanwhile; the event is set when it is lost."""
        lost, over = threading.Event(), threading.Event()

        def renew() -> None:
            while not over.wait(self._settings.lease_seconds / 3):
                try:
                    self._store.renew(job.id, self._owner, self._settings.lease_seconds)
                except LeaseLostError:
                    lost.set()
                    return
                except StoreError as error:
                    _log.warning("%s", error)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield lost
        finally:
            over.set()
            thread.join()


def result_name(file: JobFile, options: JobOptions) -> str:
    """What the result of a file is called on disk."""
    return f"result-{file.number}.{options.output}"


def download_name(file: JobFile, options: JobOptions) -> str:
    """What the result of a file is called for a client; numbered, so that no two are equal."""
    return f"{file.number + 1:04d}-{PurePosixPath(file.name).stem}.{options.output}"
