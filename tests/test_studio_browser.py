"""The studio in a headless Chromium, as a person would use it: `make test-studio`.

Needs playwright for Python and Debian's chromium: without them these tests are skipped.
"""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from arranger.files import read_bytes
from serve.app import make_app
from serve.settings import ApiSettings, Models
from tests.generators import save_tiny_generator
from tests.music import write_chorale
from tests.studio import CHROMIUM, EXAMPLES, Studio, running, visiting

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]
expect = playwright.expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

AXE = Path(__file__).parent.parent / "serve/studio/node_modules/axe-core/axe.min.js"
NOTES = 202


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    generator = save_tiny_generator(tmp_path_factory.mktemp("generator"))
    models = Models(warm=("chorale-offline", "tiny-metrical"), folders=(str(generator),))
    settings = ApiSettings(folder=str(tmp_path_factory.mktemp("service")), models=models)
    with running(make_app(settings)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def studio(browser: Browser, address: str) -> Iterator[Studio]:
    with visiting(browser, address, accept_downloads=True) as found:
        yield found.open()


def test_a_file_is_arranged_a_note_corrected_and_the_correction_undone(studio: Studio) -> None:
    studio.bring_chorale()
    expect(studio.summary).to_have_text(f"{NOTES} notes")
    studio.choose_notes(1)
    expect(studio.chosen).to_contain_text("sure, bar 1, beat 3")
    studio.page.keyboard.press("4")
    expect(studio.summary).to_contain_text("1 locked")
    expect(studio.chosen).to_contain_text("Bass, locked")
    expect(studio.chosen).to_contain_text("the model would say")
    expect(studio.busy).to_have_text("")
    studio.button("Undo").click()
    expect(studio.summary).to_have_text(f"{NOTES} notes")
    studio.button("Redo").click()
    expect(studio.summary).to_contain_text("1 locked")


def test_the_rest_is_decided_anew_around_what_is_locked(studio: Studio) -> None:
    studio.bring_chorale()
    counts = studio.page.locator(".part-count")
    before = counts.all_text_contents()
    studio.choose_notes(6)
    studio.page.keyboard.press("2")
    expect(studio.summary).to_contain_text("6 locked")
    expect(studio.busy).to_have_text("")
    assert counts.all_text_contents() != before
    studio.button("Unlock").click()
    expect(studio.summary).to_have_text(f"{NOTES} notes")
    expect(counts.first).to_have_text(before[0])


def test_notes_are_framed_and_dragged_to_another_part(studio: Studio) -> None:
    mouse = studio.bring_chorale().page.mouse
    area = studio.roll.bounding_box()
    assert area is not None
    mouse.move(area["x"] + 4, area["y"] + 30)
    mouse.down()
    mouse.move(area["x"] + 90, area["y"] + area["height"] - 20, steps=4)
    mouse.up()
    expect(studio.chosen).to_contain_text("notes selected")
    studio.page.keyboard.press("Escape")
    for y in range(30, int(area["height"]) - 20, 8):  # down the first chord, until a note is hit
        mouse.click(area["x"] + 40, area["y"] + y)
        if studio.button("Lock").is_visible():
            break
    mouse.down()
    row = studio.page.locator(".part").nth(1).bounding_box()
    assert row is not None
    mouse.move(row["x"] + 60, row["y"] + 12, steps=4)
    expect(studio.page.locator(".part[data-target]")).to_have_count(1)
    mouse.up()
    expect(studio.chosen).to_contain_text("Alto, locked")


def test_where_a_part_first_plays_is_set_by_dragging_its_flag(studio: Studio) -> None:
    mouse = studio.bring_chorale().page.mouse
    studio.page.get_by_role("radio", name="By part").check()
    area = studio.roll.bounding_box()
    assert area is not None
    flag = (area["x"] + 14, area["y"] + 30)  # of the first lane, at the first beat
    mouse.move(*flag)
    mouse.down()
    mouse.move(flag[0] + 88, flag[1], steps=4)  # two quarters
    mouse.up()
    expect(studio.busy).to_have_text("")
    studio.page.get_by_text("Soprano: Choir aahs").click()
    entry = studio.page.locator(".part").first.get_by_label("First plays at quarter")
    expect(entry).to_have_value("2")
    studio.button("Undo").click()
    expect(entry).to_have_value("")


def test_it_plays_pauses_seeks_and_loops(studio: Studio) -> None:
    studio.bring_chorale()
    place = studio.page.get_by_label("Seek")
    studio.button("Play").click()
    expect(place).not_to_have_value("0")
    studio.button("Pause").click()
    stopped = place.input_value()
    assert 0 < float(stopped) < 30
    place.fill("40")
    expect(studio.page.locator("output.time")).to_contain_text("0:40")
    loop = studio.button("Loop what is selected, or all")
    loop.click()
    expect(loop).to_have_attribute("aria-pressed", "true")
    studio.button("To the beginning").click()
    expect(place).to_have_value("0")


def test_parts_are_muted_soloed_and_given_other_instruments(studio: Studio) -> None:
    studio.bring_chorale()
    studio.button("Solo Tenor").click()
    expect(studio.button("Solo Tenor")).to_have_attribute("aria-pressed", "true")
    studio.page.get_by_text("Soprano: Choir aahs").click()
    studio.page.locator(".part").first.get_by_label("Instrument").select_option("Oboe")
    expect(studio.page.get_by_text("Soprano: Oboe")).to_be_visible()
    score = read_bytes(taken(studio, "MIDI"), ".mid", "taken")
    assert [track.program for track in score.tracks] == [68, 52, 52, 52]


def test_what_is_shown_is_what_is_taken_away(studio: Studio) -> None:
    studio.bring_chorale().choose_notes(1)
    studio.page.keyboard.press("3")
    expect(studio.summary).to_contain_text("1 locked")
    expect(studio.busy).to_have_text("")
    shown = json.loads(taken(studio, "Data (JSON)"))
    names = [part["name"] for part in shown["ensemble"]["parts"]]
    score = read_bytes(taken(studio, "MIDI"), ".mid", "taken")
    assert [names[track] for track in score.track] == [note["part"] for note in shown["notes"]]
    assert b"<score-partwise" in taken(studio, "MusicXML")
    assert taken(studio, "Picture (PNG)").startswith(b"\x89PNG")


def test_audio_is_rendered_as_loud_as_it_should_be(studio: Studio, tmp_path: Path) -> None:
    name = "piece.mid"
    studio.bring(name=name, content=write_chorale(tmp_path / name).read_bytes())
    studio.roll.wait_for()
    with wave.open(io.BytesIO(taken(studio, "Audio (WAV)"))) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (2, 2, 44_100)
        samples = np.frombuffer(audio.readframes(audio.getnframes()), "<i2") / 32768
    assert 0.02 < np.sqrt(np.mean(samples**2)) < 0.4
    assert np.abs(samples).max() < 0.999


def test_alternatives_are_heard_and_one_is_built_upon(studio: Studio) -> None:
    studio.bring_chorale().button("Alternatives").click()
    other = studio.page.get_by_role("radio", name="Alternative B")
    other.check()
    expect(other).to_be_checked()
    studio.choose_notes(1)
    studio.page.keyboard.press("l")
    expect(studio.summary).to_contain_text("locked")
    expect(studio.busy).to_have_text("")
    locked = studio.summary.text_content() or ""
    assert int(locked.split(" · ")[1].split()[0]) > 1  # what made B differ stays


def test_the_piece_goes_on_and_the_whole_is_arranged(studio: Studio) -> None:
    studio.bring_chorale()
    studio.page.get_by_label("How many").fill("1")
    studio.button("Go on from here").click()
    studio.button("Keep and arrange").click()
    expect(studio.button("Go on from here")).to_be_visible()
    assert int((studio.summary.text_content() or "").split()[0]) > NOTES
    studio.button("Undo").click()
    expect(studio.summary).to_have_text(f"{NOTES} notes")


def test_a_piece_begins_from_nothing(studio: Studio) -> None:
    studio.page.get_by_label("How many").fill("1")
    studio.button("Write something").click()
    studio.button("Keep and arrange").click()
    expect(studio.summary).to_contain_text("notes")
    expect(studio.page.locator(".title")).to_have_text("New piece")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.txt", b"do re mi", "Choose a MIDI, MusicXML or ABC file."),
        ("broken.mid", b"MThd\0\0\0\6\0\1", "broken.mid"),
        ("empty.mid", b"", "empty.mid"),
        ("damaged.musicxml", b"<score-partwise>", "damaged.musicxml"),
    ],
)
def test_a_bad_file_shows_its_sentence_and_what_was_there_stays(
    studio: Studio, name: str, content: bytes, sentence: str
) -> None:
    studio.bring_chorale().bring(name=name, content=content)
    expect(studio.problem).to_contain_text(sentence)
    expect(studio.summary).to_have_text(f"{NOTES} notes")
    studio.button("Dismiss").click()
    expect(studio.problem).to_be_empty()


def test_a_service_that_does_not_answer_loses_nothing(studio: Studio) -> None:
    studio.bring_chorale().choose_notes(1)
    studio.page.route("**/v1/arrangements", lambda route: route.abort())
    studio.page.keyboard.press("2")
    expect(studio.problem).to_contain_text("The service does not answer.")
    expect(studio.summary).to_contain_text("1 locked")
    studio.page.unroute("**/v1/arrangements")
    studio.button("Try again").click()
    expect(studio.problem).to_be_empty()
    expect(studio.summary).to_contain_text("1 locked")


def test_a_reload_keeps_the_work_and_its_history(studio: Studio) -> None:
    studio.bring_chorale().choose_notes(2)
    studio.page.keyboard.press("3")
    expect(studio.summary).to_contain_text("2 locked")
    expect(studio.busy).to_have_text("")
    studio.page.wait_for_timeout(700)  # it is saved a moment after the last change
    studio.page.reload()
    expect(studio.summary).to_contain_text("2 locked")
    studio.button("Undo").click()
    expect(studio.summary).to_have_text(f"{NOTES} notes")


def test_a_link_opens_the_same_arrangement_elsewhere(
    studio: Studio, browser: Browser, address: str
) -> None:
    studio.bring_chorale().choose_notes(3)
    studio.page.keyboard.press("2")
    expect(studio.busy).to_have_text("")
    before = json.loads(taken(studio, "Data (JSON)"))
    studio.button("Share a link").click()
    field = studio.page.get_by_label("Link", exact=True)
    expect(field).not_to_have_value("")
    fragment = field.input_value().partition("#")[2]
    with visiting(browser, address, accept_downloads=True) as other:
        expect(other.open(f"#{fragment}").summary).to_contain_text("3 locked")
        after = json.loads(taken(other, "Data (JSON)"))
    assert [note["part"] for note in after["notes"]] == [note["part"] for note in before["notes"]]


def test_a_damaged_link_says_so(browser: Browser, address: str) -> None:
    with visiting(browser, address) as studio:
        studio.open("#AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        expect(studio.problem).to_contain_text("The link is damaged or incomplete.")


def test_named_parts_are_hidden_arranged_and_compared(studio: Studio, tmp_path: Path) -> None:
    content = write_chorale(tmp_path / "piece.mid").read_bytes()
    studio.bring(name="piece.mid", content=content)
    studio.button("Hide the parts and measure").click()
    expect(studio.summary).to_contain_text("% of notes found")
    expect(studio.page.locator(".part-count").first).to_contain_text("%")
    studio.button("Back to the arrangement").click()
    expect(studio.summary).to_contain_text("notes")


def test_an_ensemble_of_ones_own(studio: Studio) -> None:
    studio.bring_chorale().button("Make one…").click()
    dialog = studio.page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Two <b>winds</b>")
    dialog.get_by_role("button", name="Remove part 4").click()
    dialog.get_by_role("button", name="Remove part 3").click()
    dialog.get_by_label("Part 1", exact=True).fill("<img src=x>")
    dialog.get_by_label("Part 2", exact=True).fill("<img src=x>")
    expect(dialog.get_by_role("status")).to_have_text("Two parts are called <img src=x>.")
    dialog.get_by_label("Part 2", exact=True).fill("Bassoon")
    dialog.get_by_role("button", name="Arrange for it").click()
    expect(studio.page.locator(".part-name")).to_have_text(["<img src=x>", "Bassoon"])
    expect(studio.summary).to_contain_text("not kept")  # four voices, and two may play
    assert studio.page.locator("img").count() == 0


def test_names_of_files_and_tracks_are_never_taken_for_html(studio: Studio, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.mid"
    studio.bring(name=name, content=write_chorale(tmp_path / "piece.mid").read_bytes())
    expect(studio.page.locator(".title")).to_contain_text("<img src=x onerror=alert(1)>")
    studio.button("Score").click()
    studio.page.locator(".score-paper svg").first.wait_for(timeout=120_000)
    assert studio.page.locator("img, script:not([src])").count() == 0


def test_the_score_is_engraved_and_follows(studio: Studio) -> None:
    studio.bring_chorale().button("Score").click()
    paper = studio.page.locator(".score-paper")
    paper.locator("svg").first.wait_for(timeout=120_000)
    sounding = paper.locator("g.note.sounding")
    expect(sounding).to_have_count(4)
    first = sounding.first.get_attribute("id")
    studio.page.get_by_label("Seek").fill("20")
    expect(paper.locator(f"#{first}")).not_to_have_class("note sounding")
    studio.page.get_by_label("Parts shown").select_option("Tenor")
    expect(paper.locator("g.label").first).to_contain_text("Tenor", timeout=120_000)


def test_the_keyboard_alone_suffices(studio: Studio) -> None:
    keyboard = studio.page.keyboard
    example = studio.page.get_by_role("button", name="Alice Tegnér")
    example.wait_for()
    for _ in range(30):
        if example.evaluate("element => element === document.activeElement"):
            break
        keyboard.press("Tab")
    keyboard.press("Enter")
    studio.roll.wait_for()
    for _ in range(30):
        if studio.roll.evaluate("element => element === document.activeElement"):
            break
        keyboard.press("Tab")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowUp")
    keyboard.press("4")
    expect(studio.summary).to_contain_text("1 locked")
    keyboard.press("Control+z")
    expect(studio.summary).to_have_text(f"{NOTES} notes")
    keyboard.press("Space")
    expect(studio.button("Pause")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_is_wider_than_the_screen(browser: Browser, address: str, width: int) -> None:
    with visiting(browser, address, viewport={"width": width, "height": 800}) as studio:
        studio.open().bring_chorale()
        for view in ("Arrange", "Score", "Live"):
            studio.button(view).click()
            wide = studio.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, view


@pytest.mark.skipif(not AXE.exists(), reason="axe is not installed: npm ci in serve/studio")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, address: str, scheme: str) -> None:
    with visiting(browser, address, color_scheme=scheme) as studio:
        studio.open().page.get_by_role("button", name="Alice Tegnér").wait_for()
        assert serious_faults(studio) == []
        studio.bring(name="haydn.mid", content=(EXAMPLES / "chip-loop.mid").read_bytes())
        studio.roll.wait_for()
        studio.choose_notes(2)
        studio.page.get_by_text("Soprano: Choir aahs").click()
        assert serious_faults(studio) == []
        studio.button("Make one…").click()
        assert serious_faults(studio) == []
        studio.button("Cancel").click()
        studio.button("Live").click()
        assert serious_faults(studio) == []


def test_keys_are_answered_live_and_the_recording_opens(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    live = pytest.importorskip("serve.live.app", reason="there is no live service")
    from serve.live.settings import LiveSettings

    settings = ApiSettings(folder=str(tmp_path_factory.mktemp("service")), models=Models(warm=()))
    api, sessions = make_app(settings), live.make_app(LiveSettings(models=("chorale-live",)))
    with running(side_by_side(api, sessions)) as address, visiting(browser, address) as studio:
        studio.open().button("Live").click()
        studio.button("Begin").click()
        studio.button("End and keep the recording").wait_for()
        for key in ("a", "d", "g", "k"):
            studio.page.keyboard.down(key)
        strip = studio.page.get_by_role("img", name="4 notes played")
        expect(strip).to_be_visible()
        expect(studio.page.locator(".live-head .figure")).to_contain_text("ms")
        expect(studio.page.locator(".key[data-colour]")).to_have_count(4)
        for key in ("a", "d", "g", "k"):
            studio.page.keyboard.up(key)
        studio.button("C4").dispatch_event("pointerdown", {"pointerId": 1, "clientY": 700})
        expect(studio.page.get_by_role("img", name="5 notes played")).to_be_visible()
        studio.button("End and keep the recording").click()
        studio.button("Open it in Arrange").click()
        expect(studio.summary).to_contain_text("5 notes")


def side_by_side(api: object, live: object) -> object:
    """One service of both, as the proxy of Ray Serve makes it."""

    async def app(scope: dict, receive: object, send: object) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith("/v1/live"):
            await live(scope, receive, send)
        else:
            await api(scope, receive, send)

    return app


def test_one_part_can_be_taken_alone(studio: Studio) -> None:
    studio.bring_chorale()
    alone = read_bytes(taken(studio, "Bass"), ".musicxml", "alone")
    whole = read_bytes(taken(studio, "MusicXML"), ".musicxml", "whole")
    assert [track.name for track in alone.tracks] == ["Bass"]
    bass = [track.name for track in whole.tracks].index("Bass")
    assert alone.notes.pitch.tolist() == whole.notes.pitch[whole.track == bass].tolist()


def taken(studio: Studio, label: str) -> bytes:
    """What the page gives to download under ``label``."""
    studio.button("Download").click()
    with studio.page.expect_download(timeout=120_000) as download:
        studio.button(label).click()
    return Path(download.value.path()).read_bytes()


def serious_faults(studio: Studio) -> list[str]:
    studio.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = studio.page.evaluate("axe.run()")["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]
