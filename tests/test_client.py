from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from arranger.client import Client, ServiceError
from arranger.client.answers import Continuation, TimedNote
from arranger.files import read
from serve.settings import Access
from tests.music import write_chorale
from tests.services import serving, settings

NOTES = [{"onset": 0, "pitch": pitch, "duration": 480} for pitch in (48, 55, 64, 72)]


@pytest.fixture
def client(service: httpx.Client) -> Iterator[Client]:
    with Client(str(service.base_url)) as found:
        yield found


def test_a_file_is_arranged(client: Client, piece: Path) -> None:
    arranged = client.arrange(piece, hints={"locks": {0: "Tenor"}}, alternatives=2)
    assert len(arranged.notes) == len(read(piece).notes)
    assert arranged.notes[0].part == "Tenor"
    assert arranged.parts == ("Soprano", "Alto", "Tenor", "Bass")
    assert arranged.notes[1].runner_up is not None


def test_notes_are_arranged(client: Client) -> None:
    arranged = client.arrange(NOTES, resolution=480)
    assert [note.part for note in arranged.notes] == ["Bass", "Tenor", "Alto", "Soprano"]


def test_an_arrangement_is_written(client: Client, piece: Path, tmp_path: Path) -> None:
    client.arrange_to(piece, tmp_path / "out.mid")
    assert len(read(tmp_path / "out.mid").notes) == len(read(piece).notes)
    with pytest.raises(ValueError, match=r"out\.wav: expected a suffix among"):
        client.arrange_to(piece, tmp_path / "out.wav")


def test_a_piece_is_continued_note_by_note_and_as_a_whole(client: Client, tmp_path: Path) -> None:
    *notes, whole = client.stream(NOTES, bars=4, seed=1)
    assert isinstance(whole, Continuation)
    assert all(isinstance(note, TimedNote) for note in notes)
    assert len(notes) == whole.new
    assert whole.notes == client.continue_(NOTES, bars=4, seed=1).notes
    client.continue_to(NOTES, tmp_path / "more.mid", bars=4, seed=1)
    assert len(read(tmp_path / "more.mid").notes) == len(whole.notes)


def test_references_are_evaluated(client: Client, tmp_path: Path) -> None:
    paths = [write_chorale(tmp_path / f"{n}.mid", 4, n) for n in range(2)]
    found = client.evaluate(paths, hints="both")
    assert found.metrics["hints"] == "both"
    assert found.mistakes.keys() == {"0.mid", "1.mid"}


def test_a_job_is_begun_asked_for_and_cancelled(client: Client, piece: Path) -> None:
    job = client.begin_job([piece], output="musicxml")
    assert (job.state, job.files, job.ended) == ("waiting", 1, False)
    assert client.job(job.id) == job
    with pytest.raises(ServiceError, match="there is no result"):
        client.fetch_job(job.id, "nowhere.zip")
    assert client.wait_for(client.cancel_job(job.id)).state == "cancelled"


def test_ensembles_and_models_are_listed(client: Client) -> None:
    assert client.ensembles()["chorale"] == ("Soprano", "Alto", "Tenor", "Bass")
    assert "chorale-offline" in client.models()


def test_a_refusal_is_an_error_with_the_sentence_of_the_service(client: Client) -> None:
    with pytest.raises(ServiceError, match="unknown ensemble 'choir'") as caught:
        client.arrange(NOTES, ensemble="choir")
    assert (caught.value.status, caught.value.retry_after) == (422, None)
    with pytest.raises(ServiceError, match="unknown generator"):
        list(client.stream(NOTES, model="bach"))


def test_the_token_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARRANGER_TOKEN", "secret")
    with serving(settings(tmp_path, access=Access())) as (plain, _):
        url = str(plain.base_url)
        with Client(url) as client:
            assert client.ensembles()
        with Client(url, token="wrong") as client, pytest.raises(ServiceError, match="a token"):
            client.ensembles()
