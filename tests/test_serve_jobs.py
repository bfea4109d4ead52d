from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from arranger.files import read_bytes
from serve import schemas, work
from serve.jobs.folder import JobFolder
from serve.jobs.runner import Runner
from serve.jobs.sqlite import SqliteStore
from serve.jobs.store import JobRecord, JobStore, LeaseLostError, StoreError
from serve.models import Models
from serve.reading import Reader
from serve.services import Services, kept_in
from serve.settings import ApiSettings, Jobs, Limits
from tests.music import write_chorale
from tests.services import said, serving, settings

AT = "/v1/jobs"
JOB = "0" * 32


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    found = SqliteStore(tmp_path / "jobs.sqlite", patience=0.1)
    found.create(JOB, "arrangement", "{}", [("a.mid", ".mid"), ("b.mid", ".mid")])
    return found


def got(store: JobStore) -> JobRecord:
    found = store.get(JOB)
    assert found is not None
    return found


def runner_of(chosen: ApiSettings) -> Runner:
    store, folder = kept_in(chosen.data)
    return Runner(store, folder, Models(chosen.models), Reader(chosen.reading), chosen.jobs)


def pieces(folder: Path, count: int) -> list[tuple[str, tuple[str, bytes]]]:
    paths = [write_chorale(folder / f"piece-{n}.mid", 4, n) for n in range(count)]
    return [("file", (path.name, path.read_bytes())) for path in paths]


def test_a_job_is_claimed_by_one_runner_alone(store: SqliteStore) -> None:
    claimed = store.claim("one", 60)
    assert claimed is not None
    assert (claimed.id, claimed.state, len(claimed.files)) == (JOB, "running", 2)
    assert store.claim("two", 60) is None


def test_a_lease_that_has_ended_is_claimed_again_and_the_first_runner_is_told(
    store: SqliteStore,
) -> None:
    assert store.claim("one", -1) is not None
    assert store.claim("two", 60) is not None
    for late in (
        lambda: store.renew(JOB, "one", 60),
        lambda: store.begin_file(JOB, "one", 0),
        lambda: store.finish_file(JOB, "one", 0, None),
        lambda: store.finish(JOB, "one", "done"),
    ):
        with pytest.raises(LeaseLostError):
            late()
    store.finish_file(JOB, "two", 0, None)
    assert [file.state for file in got(store).files] == ["done", "waiting"]


def test_many_runners_at_once_claim_each_job_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.sqlite")
    for n in range(20):
        store.create(f"{n:032x}", "arrangement", "{}", [])
    claimed: list[str] = []

    def claim(owner: str) -> None:
        while (job := store.claim(owner, 60)) is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=claim, args=(f"r{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [f"{n:032x}" for n in range(20)]


def test_a_cancelled_job_is_no_longer_anybodys(store: SqliteStore) -> None:
    assert store.claim("one", 60) is not None
    store.cancel(JOB)
    with pytest.raises(LeaseLostError):
        store.renew(JOB, "one", 60)
    assert got(store).state == "cancelled"
    assert store.waiting() == 0
    store.cancel(JOB)


def test_jobs_survive_in_the_file(store: SqliteStore, tmp_path: Path) -> None:
    assert SqliteStore(tmp_path / "jobs.sqlite").get(JOB) == got(store)


def test_a_locked_file_is_told_in_a_sentence(store: SqliteStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="database is locked"):
            store.cancel(JOB)
        assert got(store).state == "waiting"
    finally:
        other.close()
    store.cancel(JOB)


def test_a_corrupt_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreError, match="not a database"):
        SqliteStore(path).waiting()


def test_a_full_disk_is_told_in_a_sentence(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store._connection

    def small() -> sqlite3.Connection:
        db = real()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        return db

    monkeypatch.setattr(store, "_connection", small)
    with pytest.raises(StoreError, match="full") as caught:
        store.create("1" * 32, "arrangement", "x" * 1_000_000, [])
    assert caught.value.full
    assert store.get("1" * 32) is None


@pytest.mark.parametrize(("full", "status"), [(False, 503), (True, 507)])
def test_a_service_without_its_store_goes_on_with_the_rest(
    tmp_path: Path, piece: Path, monkeypatch: pytest.MonkeyPatch, full: bool, status: int
) -> None:
    with serving(settings(tmp_path)) as (client, services):

        def broken(*_: Any) -> Any:
            raise StoreError("the jobs cannot be kept or found now: disk I/O error", full)

        monkeypatch.setattr(services.jobs, "waiting", broken)
        answer = client.post(AT, files={"file": ("a.mid", piece.read_bytes())})
        assert "disk I/O error" in said(answer, status)
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "disk I/O error" in ready.json()["reasons"][0]
        arranged = client.post("/v1/arrangements", files={"file": ("a.mid", piece.read_bytes())})
        assert arranged.status_code == 200


def test_results_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.put_result(JOB, "result-0.mid", b"first")
    with pytest.raises(TypeError):
        folder.put_result(JOB, "result-0.mid", "no bytes")  # type: ignore[arg-type]
    assert [path.name for path in (tmp_path / JOB).iterdir()] == ["result-0.mid"]
    assert folder.result(JOB, "result-0.mid").read_bytes() == b"first"


def test_a_job_goes_from_files_to_results(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "service")
    sent = [*pieces(tmp_path, 2), ("file", ("bad.mid", b"rubbish"))]
    with serving(chosen) as (client, _):
        answer = client.post(AT, files=sent, data={"output": "musicxml"})
        assert answer.status_code == 202
        begun = schemas.Job.model_validate(answer.json())
        assert (begun.state, begun.files, begun.done) == ("waiting", 3, 0)
        at = answer.headers["location"]
        assert "there is no result" in said(client.get(f"{at}/result"), 409)
        assert runner_of(chosen).run_next()
        ended = schemas.Job.model_validate(client.get(at).json())
        assert (ended.state, ended.done, ended.failed) == ("done", 2, 1)
        assert ended.items[2].problem is not None
        assert ended.items[2].problem.startswith("bad.mid: ")
        with zipfile.ZipFile(io.BytesIO(client.get(f"{at}/result").content)) as results:
            assert results.namelist() == ["0001-piece-0.musicxml", "0002-piece-1.musicxml"]
            assert results.read("0001-piece-0.musicxml").startswith(b"<?xml")
        one = client.get(ended.items[1].result or "")
        assert one.headers["content-disposition"].endswith("0002-piece-1.musicxml")
        assert "rubbish" not in said(client.get(f"{at}/files/2"), 409)
        said(client.get(f"{at}/files/3"), 404)
        assert not runner_of(chosen).run_next()


def test_a_zip_is_many_files(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "service")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for _, (name, data) in pieces(tmp_path, 3):
            archive.writestr(f"folder/{name}", data)
    with serving(chosen) as (client, _):
        headers = {"Content-Type": "application/zip"}
        told = client.post(AT, content=packed.getvalue(), headers=headers).json()
        assert [item["name"] for item in told["items"]] == [f"piece-{n}.mid" for n in range(3)]


def test_a_continuation_can_be_a_job(tmp_path: Path, generator: Path) -> None:
    chosen = settings(tmp_path / "service", generator)
    options = {"work": "continuation", "continuation": {"bars": 2, "arrange": "chorale"}}
    with serving(chosen) as (client, _):
        answer = client.post(AT, files=pieces(tmp_path, 1), data={"options": json.dumps(options)})
        assert runner_of(chosen).run_next()
        result = client.get(f"{answer.headers['location']}/files/0")
        given = pieces(tmp_path, 1)[0][1][1]
        assert len(read_bytes(result.content, ".mid", "answer").notes) > len(
            read_bytes(given, ".mid", "given").notes
        )


def test_an_evaluation_of_many_files_is_one_result(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "service")
    sent = [*pieces(tmp_path, 2), ("file", ("bad.mid", b"rubbish"))]
    with serving(chosen) as (client, _):
        answer = client.post(AT, files=sent, data={"work": "evaluation"})
        assert runner_of(chosen).run_next()
        result = client.get(f"{answer.headers['location']}/result")
        told = schemas.Evaluation.model_validate(result.json())
        assert told.metrics["pieces"] == 2


def test_a_job_of_bad_files_alone_fails(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with serving(chosen) as (client, _):
        answer = client.post(AT, files={"file": ("bad.mid", b"rubbish")})
        assert runner_of(chosen).run_next()
        ended = client.get(answer.headers["location"]).json()
        assert (ended["state"], ended["problem"]) == ("failed", "none of its files could be used")


def test_a_job_whose_model_does_not_exist_fails_file_by_file(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "service")
    with serving(chosen) as (client, _):
        options = {"arrangement": {"model": "bach"}}
        sent = pieces(tmp_path, 1)
        answer = client.post(AT, files=sent, data={"options": json.dumps(options)})
        assert runner_of(chosen).run_next()
        ended = client.get(answer.headers["location"]).json()
        assert "unknown model 'bach'" in ended["items"][0]["problem"]


def test_a_cancelled_job_stops_at_once(
    tmp_path: Path, generator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(tmp_path / "service", generator, jobs=Jobs(lease_seconds=0.1))
    begun = threading.Event()
    real = work.continue_

    def slowly(models: Any, source: Any, wish: Any, tell: Any) -> Any:
        def heard(note: Any) -> None:
            begun.set()
            time.sleep(0.05)
            tell(note)

        return real(models, source, wish, heard)

    monkeypatch.setattr(work, "continue_", slowly)
    options = {"work": "continuation", "continuation": {"bars": 1000}}
    with serving(chosen) as (client, _):
        answer = client.post(AT, files=pieces(tmp_path, 1), data={"options": json.dumps(options)})
        runner = threading.Thread(target=runner_of(chosen).run_next)
        runner.start()
        assert begun.wait(10)
        cancelled = client.delete(answer.headers["location"]).json()
        assert cancelled["state"] == "cancelled"
        runner.join(5)
        assert not runner.is_alive(), "the work went on"
        assert client.get(answer.headers["location"]).json()["done"] == 0


def test_a_killed_runner_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "service", jobs=Jobs(lease_seconds=1.0))
    services = Services.start(chosen)
    store, folder = services.jobs, services.folder
    sent = pieces(tmp_path, 3)
    for number, (_, (_, data)) in enumerate(sent):
        folder.put_sent(JOB, number, data)
    options = schemas.JobOptions().model_dump_json()
    store.create(JOB, "arrangement", options, [(name, ".mid") for _, (name, _) in sent])
    program = f"""
import time
from pathlib import Path
from serve import work
from tests.services import settings
from serve.settings import Jobs
from tests.test_serve_jobs import runner_of
real, count = work.arrange, []
def arrange(*given):
    count.append(1)
    if len(count) == 2:
        print("second", flush=True)
        time.sleep(60)
    return real(*given)
work.arrange = arrange
runner_of(settings(Path({str(chosen.folder)!r}), jobs=Jobs(lease_seconds=1.0))).run_next()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"second\n"
        process.kill()
    assert [file.state for file in got(store).files] == ["done", "waiting", "waiting"]
    runner = runner_of(chosen)
    end = time.monotonic() + 10
    while not runner.run_next():
        assert time.monotonic() < end, "the job was not claimed again"
        time.sleep(0.05)
    ended = got(store)
    assert ended.state == "done"
    assert [file.attempts for file in ended.files] == [1, 2, 1]
    with zipfile.ZipFile(folder.result(JOB, "results.zip")) as results:
        assert len(results.namelist()) == len(set(results.namelist())) == 3


def test_a_file_that_ends_every_runner_is_given_up(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "service", jobs=Jobs(attempts=2))
    store, folder = kept_in(chosen.data)
    [(_, (name, data))] = pieces(tmp_path, 1)
    folder.put_sent(JOB, 0, data)
    store.create(JOB, "arrangement", schemas.JobOptions().model_dump_json(), [(name, ".mid")])
    for _ in range(2):  # runners that begin the file and are never heard of again
        assert store.claim("dead", -1) is not None
        assert store.claim("dead", 0.02) is not None
        store.begin_file(JOB, "dead", 0)
        time.sleep(0.03)
    assert runner_of(chosen).run_next()
    ended = got(store)
    assert ended.state == "failed"
    assert "has ended 2 runners" in str(ended.files[0].problem)


def test_what_ended_long_ago_is_forgotten(tmp_path: Path, piece: Path) -> None:
    chosen = settings(tmp_path, jobs=Jobs(kept_days=0.0))
    with serving(chosen) as (client, services):
        answer = client.post(AT, files={"file": ("a.mid", piece.read_bytes())})
        runner = runner_of(chosen)
        assert runner.run_next()
        runner.tidy()
        said(client.get(answer.headers["location"]), 404)
        assert services.folder.ids() == []


def test_a_runner_goes_on_when_its_store_comes_back(
    tmp_path: Path, piece: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(tmp_path, jobs=Jobs(poll_seconds=0.01))
    runner = runner_of(chosen)
    real, failed, stop = SqliteStore.claim, threading.Event(), threading.Event()

    def claim(self: SqliteStore, owner: str, seconds: float) -> JobRecord | None:
        if not failed.is_set():
            failed.set()
            raise StoreError("the jobs cannot be kept or found now: database is locked")
        return real(self, owner, seconds)

    monkeypatch.setattr(SqliteStore, "claim", claim)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        with serving(chosen) as (client, _):
            answer = client.post(AT, files={"file": ("a.mid", piece.read_bytes())})
            end = time.monotonic() + 10
            while client.get(answer.headers["location"]).json()["state"] != "done":
                assert time.monotonic() < end
                time.sleep(0.02)
        assert failed.is_set()
    finally:
        stop.set()
        thread.join(5)


@pytest.mark.parametrize(
    "path", ["../../etc", "0" * 31, "0" * 31 + "G", "%2e%2e%2f%2e%2e%2fjobs.sqlite", JOB]
)
def test_a_job_that_does_not_exist_is_not_found(service: httpx.Client, path: str) -> None:
    for answer in (service.get(f"{AT}/{path}"), service.delete(f"{AT}/{path}")):
        assert answer.status_code in {404, 405, 422}
        said(answer, answer.status_code)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"work": "sleeping"}, "work: input should be"),
        ({"output": "mp3"}, "output: input should be"),
        ({"arrangement": {"alternatives": 0}}, "arrangement.alternatives"),
    ],
)
def test_what_no_job_can_do_is_refused(
    service: httpx.Client, piece: Path, options: dict[str, Any], words: str
) -> None:
    sent = {"file": ("a.mid", piece.read_bytes())}
    answer = service.post(AT, files=sent, data={"options": json.dumps(options)})
    assert words in said(answer, 422)


def test_too_many_jobs_are_told_when_to_come_again(tmp_path: Path, piece: Path) -> None:
    with serving(settings(tmp_path, jobs=Jobs(waiting=1))) as (client, _):
        sent = {"file": ("a.mid", piece.read_bytes())}
        assert client.post(AT, files=sent).status_code == 202
        answer = client.post(AT, files=sent)
        assert "1 jobs wait already" in said(answer, 503)
        assert int(answer.headers["retry-after"]) > 0


def test_a_job_may_hold_only_so_many_files_and_bytes(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "s", jobs=Jobs(files=2), limits=Limits(body_bytes=10))
    with serving(chosen) as (client, _):
        assert "form cannot be read" in said(client.post(AT, files=pieces(tmp_path, 3)), 400)
        assert client.post(AT, files=pieces(tmp_path, 2)).status_code == 202
