from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from arranger.arrangement import Arrangement
from arranger.certainty import KINDS, MANNERS, Certainty, Curve, kind_of_answer
from arranger.checkpoints import Checkpoint, CheckpointError, load, save, save_card
from arranger.hints import HINT_KINDS, Hints
from arranger.offline import Arranger
from arranger.online import LiveArranger
from evaluation.results import checkpoint_digest
from tests.models import tiny_checkpoint
from tests.music import CHORALE, four_voices

MODEST = [[0.0, 0.1], [0.5, 0.3], [1.0, 0.6]]
PITCHES = Hints(mean_pitch={0: 71.0, 3: 50.0})


def with_curves(checkpoint: Checkpoint, *kinds: str) -> Checkpoint:
    card = replace(checkpoint.card, certainty=dict.fromkeys(kinds, MODEST))
    return replace(checkpoint, card=card)


def likelier_than_chosen(arrangement: Arrangement) -> np.ndarray:
    """Of each note and part, whether it is likelier than the part that was chosen."""
    assert arrangement.likely is not None
    return arrangement.likely > arrangement.confidence[:, None] + 1e-9


def test_a_curve_goes_straight_from_point_to_point_and_keeps_every_order() -> None:
    curve = Curve(MODEST)
    assert [curve.of(p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.45, 0.6]
    )
    claimed = np.sort(np.random.default_rng(0).random(500)).tolist()
    said = [curve.of(p) for p in claimed]
    assert all(low < high for low, high in pairwise(said))


def test_without_a_curve_what_is_claimed_is_what_is_said() -> None:
    curve = Certainty({"live": MODEST}).curve("stage")
    for claimed in (0.0, 1e-9, 0.1, 1 / 3, 0.999999, 1.0):
        assert curve.of(claimed) == claimed


def test_there_is_a_kind_of_answer_for_every_way_of_listening() -> None:
    assert kind_of_answer("live", False, "none") == "live"
    assert kind_of_answer("stage", True, "both") == "stage+wait+both"
    ways = {kind_of_answer(m, w, h) for m in MANNERS for w in (True, False) for h in HINT_KINDS}
    assert ways == set(KINDS)
    assert len(ways) == len(KINDS) == 32


@pytest.mark.parametrize(
    ("known", "asked", "curve"),
    [
        (["live", "live+entry"], "live+entry", "live+entry"),
        (["live", "live+pitch"], "live+entry", "live"),
        (["live", "live+pitch"], "live+both", "live+pitch"),
        (["live+wait+pitch"], "live+wait+both", "live+wait+pitch"),
        (["live", "live+both"], "live+pitch", None),
        (["live+entry"], "live", None),
    ],
)
def test_a_card_without_a_curve_for_hints_of_entry_has_the_one_without_them(
    known: list[str], asked: str, curve: str | None
) -> None:
    curves = {kind: [[0.0, 0.0], [1.0, 0.5 + n / 10]] for n, kind in enumerate(known)}
    expected = 1.0 if curve is None else curves[curve][1][1]
    assert Certainty(curves).curve(asked).of(1.0) == expected


@pytest.mark.parametrize(
    ("certainty", "message"),
    [
        ({"dreamt": MODEST}, "unknown kind of answer 'dreamt'; known are offline, "),
        ({"live": [0.5]}, "a curve is a list of points [claimed, right], not [0.5]"),
        ({"live": [[0, "x"], [1, 1]]}, "a curve is a list of points [claimed, right], not "),
        ({"live": [[0, 0, 0]]}, "a curve is a list of points [claimed, right], not "),
        ({"live": None}, "a curve is a list of points [claimed, right], not None"),
        ({"live": [[0, 0.2], [0.5, 0.2], [1, 1]]}, "a curve rises from point to point, unlike "),
        ({"live": [[0, 0], [0.5, 1]]}, "a curve goes from 0 to 1, unlike [[0, 0], [0.5, 1]]"),
        ({"live": [[0, 0], [1, 1.5]]}, "a share that is right lies in 0..1, unlike "),
        (3, "certainty: expected kinds of answers and curves, not 3"),
    ],
)
def test_a_card_with_what_is_no_curve_is_refused_in_one_sentence(
    tmp_path: Path, certainty: object, message: str
) -> None:
    checkpoint = tiny_checkpoint("note")
    save(tmp_path, checkpoint.card, checkpoint.weights)
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "card.json").write_text(json.dumps(card | {"certainty": certainty}))
    with pytest.raises(CheckpointError, match=re.escape(message)) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_curves_come_back_with_the_card_and_the_weights_stay(tmp_path: Path) -> None:
    checkpoint = with_curves(tiny_checkpoint("note"), "live", "stage+wait")
    save(tmp_path, tiny_checkpoint("note").card, checkpoint.weights)
    before = (tmp_path / "model.safetensors").read_bytes()
    save_card(tmp_path, checkpoint.card)
    assert load(tmp_path).card == checkpoint.card
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_a_card_without_curves_keeps_its_digest_and_one_with_them_has_another() -> None:
    bare = tiny_checkpoint("note")
    assert checkpoint_digest(with_curves(bare)) == checkpoint_digest(bare)
    digests = {
        checkpoint_digest(with_curves(bare, *kinds)) for kinds in ((), ("live",), ("stage",))
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("view", "kind"),
    [("note", "live"), ("note", "stage"), ("chord", "chord-live"), ("piece", "offline")],
)
def test_of_what_the_user_has_fixed_an_answer_is_sure(view: str, kind: str) -> None:
    notes, parts = four_voices(6)
    locks = {n: int(3 - parts[n]) for n in range(0, len(notes), 3)}
    checkpoint = with_curves(tiny_checkpoint(view), kind)
    arranger = (
        Arranger(checkpoint) if kind == "offline" else LiveArranger(checkpoint, kind == "stage")
    )
    found = arranger.label(notes, Hints(locks=locks))
    assert {n: int(found.parts[n]) for n in locks} == locks
    for n in range(len(notes)):
        assert found.confidence[n] == 1.0 if n in locks else found.confidence[n] <= MODEST[-1][1]
    assert found.likely is not None
    assert (found.likely[[*locks]].max(axis=1) == 1).all()


@pytest.mark.parametrize("kind", [("lstm", "memory"), ("transformer", "linear")])
@pytest.mark.parametrize("hints", [Hints(), PITCHES])
def test_offline_the_parts_stay_and_their_confidence_follows_the_curve(
    kind: tuple[str, str], hints: Hints
) -> None:
    notes, _ = four_voices(8)
    bare = tiny_checkpoint("piece", *kind)
    own = "offline+pitch" if hints.mean_pitch else "offline"
    before = Arranger(bare).alternatives(notes, hints, 3)
    after = Arranger(with_curves(bare, own)).alternatives(notes, hints, 3)
    assert len(before) == len(after) > 1
    for old, new in zip(before, after, strict=True):
        assert old.parts.tolist() == new.parts.tolist()
        assert new.confidence.tolist() == [Curve(MODEST).of(p) for p in old.confidence.tolist()]
        assert old.likely is not None and new.likely is not None
        chosen = np.arange(len(notes)), new.parts
        assert new.likely[chosen].tolist() == new.confidence.tolist()
        assert (new.likely >= 0).all() and (new.likely.sum(axis=1) < 1 + 1e-6).all()
        assert not (likelier_than_chosen(new) & ~likelier_than_chosen(old)).any()


@pytest.mark.parametrize(
    ("view", "stage", "wait", "hints", "own"),
    [
        ("note", False, 0.0, Hints(), "live"),
        ("note", False, 0.1, Hints(), "live+wait"),
        ("note", True, 0.0, Hints(), "stage"),
        ("note", True, 0.1, PITCHES, "stage+wait+pitch"),
        ("note", False, 0.0, Hints({0: 0.0}), "live+entry"),
        ("note", False, 0.0, Hints({0: 0.0}, {0: 70.0}), "live+both"),
        ("chord", False, 0.0, Hints(), "chord-live"),
        ("chord", False, 0.1, PITCHES, "chord-live+wait+pitch"),
    ],
)
def test_live_each_way_of_listening_has_its_own_curve_and_decides_as_before(
    view: str, stage: bool, wait: float, hints: Hints, own: str
) -> None:
    notes, _ = four_voices(8)
    bare = tiny_checkpoint(view)
    stands_in = own.replace("+entry", "").replace("+both", "+pitch")
    others = [kind for kind in KINDS if kind not in (own, stands_in)]
    old, new, elsewhere = (
        LiveArranger(checkpoint, stage, look_ahead=wait).label(notes, hints)
        for checkpoint in (bare, with_curves(bare, own), with_curves(bare, *others))
    )
    assert old.parts.tolist() == new.parts.tolist() == elsewhere.parts.tolist()
    assert new.confidence.tolist() == [Curve(MODEST).of(p) for p in old.confidence.tolist()]
    assert elsewhere.confidence.tolist() == old.confidence.tolist()


def test_another_ensemble_is_as_sure_as_the_roles_in_which_it_is_cast() -> None:
    trio = replace(CHORALE, name="trio", parts=CHORALE.parts[:3])
    notes, _ = four_voices(4)
    bare = tiny_checkpoint("note").cast_for(trio)
    old, new = (
        LiveArranger(checkpoint).label(notes, Hints()).confidence.tolist()
        for checkpoint in (bare, with_curves(bare, "live"))
    )
    assert new == [Curve(MODEST).of(p) for p in old]
