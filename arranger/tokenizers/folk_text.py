"""ABC to the words of folk tokens: a tune moved to C, without its ornaments.

Keeps notes, rests, lengths, triplets, bar lines and first and second endings. Broken rhythm is
written out; of a chord the first note stays; grace notes, slurs, ties and texts are dropped. What
the words cannot say (further voices, a change of key or meter, other tuplets) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from .folk import ACCIDENTALS, LETTERS, METERS, MODES, STEPS, key_signature
from .folk_grammar import LENGTHS, LINES, UNIT

_TOKEN = re.compile(
    r"(?P<skip>\"[^\"]*\"|![^!]*!|\+[^+]*\+|\{[^}]*\}|[\s\\`~.THLMPSOuvJRKy$*()-]"
    r"|\[(?:[PNQrI]):[^\]]*\])"
    r"|(?P<field>\[[A-Za-z]:)"
    r"|(?P<chord>\[(?P<first>[_=^]*[A-Ga-g][,']*[\d/]*)[^\]|:\d]*\](?P<times>[\d/]*))"
    r"|(?P<note>[_=^]*[A-Ga-gzx][,']*[\d/]*)"
    r"|(?P<broken>[<>]+)"
    r"|(?P<line>[:|\[\]]+ *(?:[12](?![\d/,-]))?)"
)
_TUPLET = re.compile(r"(?P<tuplet>\(\d(?::\d?(?::\d?)?)?)")
_LINES = {
    "|": "|", "||": "||", "|]": "|]", "[|]": "||", "]": "|]", "|:": "|:", "||:": "|:", "[|:": "|:",
    ":": ":|", ":|": ":|", ":||": ":|", ":|]": ":|", ":]": ":|", "::": "::", ":|:": "::",
    ":||:": "::", "|1": "|1", "|[1": "|1", "[1": "|1", "||1": "|1", "||[1": "|1", ":|2": ":|2",
    ":|[2": ":|2", ":||2": ":|2", ":||[2": ":|2", ":[2": ":|2", "[|": "||", ":][2": ":|2",
    "[2": "2", "|2": "2", "|[2": "2", "|[": "|", "[": "||", ":|:|": ":|",
}  # fmt: skip
_MODES = {"": "maj", "m": "min", "ion": "maj", "aeo": "min", **{mode: mode for mode in MODES}}


def words(tune: str) -> Iterator[str]:
    """The words of one tune, from ``<s>`` to ``</s>``; ValueError for what they cannot say."""
    fields, body = _parted(tune)
    meter = {"C": "4/4", "C|": "4/4"}.get(fields.get("M", ""), fields.get("M", ""))
    if meter not in METERS:
        raise ValueError(f"the meter {meter or 'of no name'} is not one of {', '.join(METERS)}")
    tonic, mode = _key(fields.get("K", ""))
    unit = fields.get("L") or ("1/16" if Fraction(meter) < Fraction(3, 4) else "1/8")
    if not re.fullmatch(r"1/\d{1,2}", unit) or not int(unit[2:]):
        raise ValueError(f"the unit of length {unit!r} is not one such as 1/8")
    yield from ("<s>", f"M:{meter}", f"K:C{mode}")
    yield from _body(body, _Transposition(tonic, mode), Fraction(unit) * 8)
    yield "</s>"


def _parted(tune: str) -> tuple[dict[str, str], str]:
    """The fields of the head, and the body in one line."""
    fields, body = {}, []
    for line in tune.splitlines():
        line = line.split("%")[0].strip()
        is_field = re.match(r"([A-Za-z]):(?![:|])", line)
        if not is_field:
            body.append(line)
        elif "K" not in fields:
            fields[is_field[1]] = line[2:].strip()
        elif is_field[1] in "KMLV":
            raise ValueError(f"the tune changes within: {line}")
    return fields, " ".join(body)


def _key(text: str) -> tuple[str, str]:
    """Tonic and mode; ValueError for a key that is none of ours."""
    match = re.fullmatch(r"([A-G][b#]?)\s*([A-Za-z]*)", text)
    mode = _MODES.get(match[2][:3].lower()) if match else None
    if not match or mode is None:
        raise ValueError(f"the key {text!r} is not a tonic and one of {', '.join(MODES)}")
    return str(match[1]), mode


class _Transposition:
    """Moves written notes from a key to the same mode on C, by steps, to the nearer C."""

    def __init__(self, tonic: str, mode: str) -> None:
        fifths = "FCGDAEB".index(tonic[0]) - 1 + 7 * (("#" in tonic) - ("b" in tonic))
        self._from, self._to = key_signature(fifths + MODES[mode]), key_signature(MODES[mode])
        up = LETTERS.index(tonic[0])
        self._by = -up if up <= len(LETTERS) // 2 else len(LETTERS) - up

    def __call__(self, note: str) -> str:
        """The word for a written note; ValueError where there is none."""
        name = note.lstrip("_=^")
        accidental, letter, marks = note[: -len(name)], name[0], name[1:]
        octave = 1 + letter.islower() + marks.count("'") - marks.count(",")
        was = LETTERS.index(letter.upper())
        step = was + self._by + len(LETTERS) * octave
        if not 0 <= step < len(STEPS):
            raise ValueError(f"the note {note} lies outside the four octaves of folk tokens")
        if not accidental:
            return STEPS[step]
        written = {"^^": 2, "__": -2, **ACCIDENTALS}.get(accidental, 3)
        alteration = written - self._from[was] + self._to[step % len(LETTERS)]
        found = {1: "^", 0: "=", -1: "_"}.get(alteration)
        if found is None:
            raise ValueError(f"the note {note} would need two accidentals on C")
        return found + STEPS[step]


def _body(text: str, move: _Transposition, unit: Fraction) -> Iterator[str]:
    """The words between head and end."""
    notes = list[tuple[str, Fraction]]()
    stretch, line, at = Fraction(1), "", 0

    def flush() -> Iterator[str]:
        for word, length in notes:
            yield word
            yield from _length(length * unit)
        notes.clear()

    while at < len(text):
        match = _TUPLET.match(text, at) or _TOKEN.match(text, at)
        if not match or match.groupdict().get("field"):
            raise ValueError(f"{text[at : at + 12]!r} is not read")
        at = match.end()
        found = match.groupdict()
        if found.get("skip"):
            continue
        if found.get("line"):
            yield from flush()
            line = _joined(line, match[0].replace(" ", ""))
            continue
        if found.get("broken"):
            if not notes or line:
                raise ValueError(f"{match[0]} stands behind no note")
            dots = Fraction(1, 2 ** len(match[0]))
            first, stretch = (2 - dots, dots) if match[0][0] == ">" else (dots, 2 - dots)
            notes[-1] = (notes[-1][0], notes[-1][1] * first)
            continue
        if stretch == 1:
            yield from flush()
        if line:
            yield line
            line = ""
        if "tuplet" in found:
            if match[0] != "(3":
                raise ValueError(f"the tuplet {match[0]} is not a triplet")
            yield from flush()
            yield "(3"
        else:
            written = match["first"] or match[0]
            name = written.rstrip("0123456789/")
            times = _fraction(written[len(name) :]) * _fraction(match["times"] or "") * stretch
            notes.append(("z" if name[0] in "zx" else move(name), times))
            stretch = Fraction(1)
    yield from flush()
    if line:
        yield line


def _joined(line: str, sign: str) -> str:
    """The one bar line that ``line`` and the sign that follows it mean."""
    word = _LINES.get(sign)
    if word is None:
        raise ValueError(f"the bar line {sign} is not read")
    if word == "2":
        word = ":|2"
    if {line, word} == {":|", "|:"}:
        return "::"
    return max(line or word, word, key=LINES.index)


def _fraction(text: str) -> Fraction:
    """An ABC length: 3, 3/2, /2, / or nothing."""
    above, slash, below = text.partition("/")
    if slash and not below.isdigit():
        below = str(2 ** (1 + below.count("/")))
    if not int(below or 1):
        raise ValueError(f"the length {text!r} divides by nothing")
    return Fraction(int(above or 1), int(below or 1))


def _length(eighths: Fraction) -> Iterator[str]:
    ticks = eighths * UNIT
    if ticks == UNIT:
        return
    for name, worth in LENGTHS.items():
        if worth == ticks:
            yield name
            return
    raise ValueError(f"a note of {eighths} eighths has no name")
