"""What the routes of a process share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from arranger.files import Score

from .jobs.folder import JobFolder
from .jobs.sqlite import SqliteStore
from .jobs.store import JobStore
from .metrics import Metrics
from .models import Models
from .problems import refusals, unprocessable
from .reading import Reader
from .settings import ApiSettings
from .slots import Slots
from .uploads import BodyLimits, Upload
from .work import Source


@dataclass
class Services:
    """``arranging``, ``generating`` and ``reading`` are the turns of what takes time."""

    settings: ApiSettings
    models: Models
    reader: Reader
    jobs: JobStore
    folder: JobFolder
    metrics: Metrics
    arranging: Slots
    generating: Slots
    reading: Slots
    not_ready: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, settings: ApiSettings) -> Services:
        """Services as the settings want them."""
        waiting = settings.limits.waiting
        store, folder = kept_in(settings.data)
        return cls(
            settings,
            Models(settings.models),
            Reader(settings.reading),
            store,
            folder,
            Metrics(),
            Slots("arranging", settings.models.threads, waiting),
            Slots("generating", 1, waiting),
            Slots("reading", 1, waiting),
        )

    def close(self) -> None:
        for slots in (self.arranging, self.generating, self.reading):
            slots.close()
        self.reader.close()

    @property
    def body(self) -> BodyLimits:
        """The limits of an ordinary request."""
        limits = self.settings.limits
        return BodyLimits(limits.body_bytes, limits.body_seconds, limits.files)

    async def read(self, upload: Upload) -> Source:
        """An upload as a score, small enough to be worked on while somebody waits."""
        with refusals():
            if self.reader.reads_apart(upload):
                score = await self.reading.run(self.reader.read, upload)
            else:
                score = await self.arranging.run(self.reader.read, upload)
        self.check_size(score, upload.name)
        return Source(upload.name, score)

    def check_size(self, score: Score, name: str) -> None:
        most = self.settings.limits.notes
        if len(score.notes) > most:
            raise unprocessable(
                f"{name}: {len(score.notes):,} notes, more than the {most:,} that are worked on "
                f"while you wait: make a job of it at /v1/jobs"
            )


def kept_in(folder: Path) -> tuple[JobStore, JobFolder]:
    """The jobs that are kept in a folder, and their files."""
    return SqliteStore(folder / "jobs.sqlite"), JobFolder(folder / "jobs")
