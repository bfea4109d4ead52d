"""A player's session: messages in, answers out.

Knows time only as it is told, ``now`` in seconds of one steady clock, and neither sockets nor
tasks. Whoever drives it calls ``receive`` for each message, and ``tick`` when it is ``deadline``.
"""

from __future__ import annotations

import math
import secrets
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from arranger.hints import Hints
from arranger.notes import DEFAULT_VELOCITY

from .duet import Sounded
from .hearing import SLICE, Gesture, Hearing, Played
from .lineup import Lineup, Roster
from .protocol import (
    Answer,
    Bye,
    ChordOn,
    DuetAnswer,
    End,
    Event,
    Hello,
    Key,
    Lock,
    Message,
    Note,
    NoteOff,
    NoteOn,
    PartAnswer,
    Pedal,
    Replay,
    Replayed,
    SetEnsemble,
    SetHints,
    SetTempo,
    Welcome,
)
from .recording import midi_file
from .response import LEAD, Response
from .settings import LiveSettings
from .timeline import Timeline

MAX_DOWN = 128
"""Keys that may be down at once; a further one lets go of the first."""

RECALLED = 512
"""Gestures that an arranger hears anew when ensemble, hints or a part change."""


class SessionOver(Exception):  # noqa: N818 - it is no fault
    """The session ends; the message, if any, is one sentence that says why."""


class LiveSession:
    """Begins with ``hello``; ValueError, with one sentence, for what cannot be had."""

    def __init__(self, roster: Roster, hello: Hello, settings: LiveSettings, now: float) -> None:
        self.name = secrets.token_hex(8)
        self.hello = hello
        self._roster = roster
        self._settings = settings
        self._time = Timeline(hello.tempo, now)
        self._look_ahead = hello.look_ahead / 1000.0
        lineup = roster.lineup(hello.ensemble, hello.mode, hello.model)
        quarters = self._look_ahead * hello.tempo / 60.0
        self._hearing = Hearing(lineup, lineup.hints(hello.hints), quarters)
        self._played: dict[int, Played] = {}
        self._count = 0
        self._down: dict[int, Played] = {}
        self._waiting: deque[Played] = deque()
        self._past: deque[Gesture] = deque(maxlen=RECALLED)
        self._pedal: list[tuple[float, int]] = []
        self._answered: dict[int, Played] = {}
        self._live = False
        self._rehearsing = False
        self.response = None if hello.duet is None else Response(LEAD + self._look_ahead)

    @property
    def lineup(self) -> Lineup:
        """Who plays now."""
        return self._hearing.lineup

    def welcome(self) -> Welcome:
        """What the session has agreed to."""
        return Welcome(
            session=self.name,
            ensemble=self.lineup.ensemble.name,
            mode=self.lineup.mode,
            model=self.lineup.model,
            parts=self.lineup.parts,
            tempo=self._time.tempo,
            look_ahead=self.hello.look_ahead,
        )

    def receive(self, message: Message, now: float) -> Iterator[Sequence[Answer]]:
        """What is answered to ``message``. What takes long comes in several steps, between which
        others may have their turn; all of them must be taken before the next message.

        ValueError, with one sentence, for what cannot be done: then nothing has changed.
        """
        match message:
            case NoteOn() | ChordOn() | NoteOff() | Pedal() | SetTempo():
                self._live = True
                yield self._play(message, now)
            case SetHints():
                hints = self.lineup.hints(message.hints)
                yield from self._rehearse(self.lineup, hints, now)
                yield [self.welcome()]
            case SetEnsemble():
                mode = message.mode or self.lineup.mode
                lineup = self._roster.lineup(message.ensemble, mode, message.model)
                yield from self._rehearse(lineup, lineup.hints(message.hints), now)
                yield [self.welcome()]
            case Lock():
                note = self._correct(message)
                yield from self._rehearse(self.lineup, self._hearing.hints, now)
                yield [self._note(note)]
            case Replay():
                yield from self._replay(message, now)
            case Hello():
                raise ValueError("the session has begun: a second hello is one too many")
            case Bye():
                raise SessionOver

    @property
    def deadline(self) -> float:
        """When to call ``tick``; never, while ``receive`` is at work."""
        if self._rehearsing:
            return math.inf
        soonest = math.inf
        if self._waiting:
            soonest = self._waiting[0].struck + self._look_ahead
        if self._down:
            oldest = next(iter(self._down.values()))
            soonest = min(soonest, oldest.struck + self._settings.stuck_seconds)
        if self.response is not None and self.response.due is not None:
            soonest = min(soonest, self._time.now(self.response.due))
        return soonest

    def tick(self, now: float) -> list[Answer]:
        """What is said because time has passed."""
        if self._rehearsing:
            return []
        answers: list[Answer] = []
        stuck = now - self._settings.stuck_seconds
        for note in [note for note in self._down.values() if note.struck <= stuck]:
            answers += self._end(note, self._time.event(None, now), now)
        ripe = [note for note in self._waiting if note.struck + self._look_ahead <= now]
        if ripe:
            until = math.nextafter(ripe[-1].quarters + self._hearing.look_ahead, math.inf)
            answers += self._say(self._hearing.advance(until), now)
        if self.response is not None:
            answers += self._respond(self.response, now)
        return answers

    def add_to_answer(self, answering: int, note: Sounded, now: float) -> None:
        """The generator has decided a note of its answer to phrase ``answering``."""
        if self.response is not None:
            self.response.add(answering, note, self._time.seconds(now))

    def close(self, now: float) -> list[Answer]:
        """The last notes are said, and all that sounds ends."""
        answers = self._say(self._hearing.advance(math.inf), now)
        quarters = self._time.event(None, now)
        for note in list(self._down.values()):
            answers += self._end(note, quarters, now)
        return answers

    @property
    def count(self) -> int:
        """How many notes there have been."""
        return self._count

    def recording(self) -> bytes:
        """All that has been played, as a MIDI file."""
        notes = list(self._played.values())
        return midi_file(notes, self._pedal, self._time.tempos, self._time.moment)

    def _play(self, event: Event, now: float) -> list[Answer]:
        """Something happens at the keyboard."""
        keys = _keys(event)
        locks = self._locks(keys)
        self._make_room(len(keys))
        answers: list[Answer] = []
        if keys and self.response is not None:
            answers += self._interrupt(self.response, now)
        quarters = self._time.event(event.time, now)
        if not keys:
            return self._change(event, quarters, now)
        while self._down and len(self._down) + len(keys) > MAX_DOWN:
            answers += self._end(next(iter(self._down.values())), quarters, now)
        notes = self._press(keys, quarters, now)
        return answers + self._hear(notes, quarters, locks, now)

    def _press(self, keys: Sequence[NoteOn | Key], quarters: float, now: float) -> list[Played]:
        """The player's keys go down."""
        notes = [self._new(key.pitch, key.velocity, quarters, now) for key in keys]
        for note in notes:
            self._down[note.number] = note
            if self.response is not None:
                self.response.listening.key_down(note.onset)
        return notes

    def _change(self, event: Event, quarters: float, now: float) -> list[Answer]:
        """A key goes up, or what concerns no key."""
        if isinstance(event, NoteOff):
            note = next((n for n in self._down.values() if n.pitch == event.pitch), None)
            return [] if note is None else self._end(note, quarters, now)
        if isinstance(event, Pedal):
            self._pedal.append((self._time.moment, event.value))
        elif isinstance(event, SetTempo):
            self._time.change(event.tempo)
        return []

    def _new(
        self, pitch: int, velocity: int | None, quarters: float, now: float, by_duet: bool = False
    ) -> Played:
        """A note that begins at the last event."""
        onset = max(0.0, self._time.moment)
        note = Played(self._count, pitch, velocity, onset, quarters, now, self.lineup, by_duet)
        self._played[note.number] = note
        self._count += 1
        return note

    def _hear(
        self, notes: Sequence[Played], quarters: float, locks: Mapping[int, int], now: float
    ) -> list[Answer]:
        """The arranger hears keys go down."""
        self._past.append(Gesture(quarters, True, tuple(notes)))
        self._waiting += [note for note in notes if note.part is None]
        return self._say(self._hearing.strike(notes, quarters, locks), now)

    def _end(self, note: Played, quarters: float, now: float) -> list[Answer]:
        """A note of the player ends at the last event."""
        del self._down[note.number]
        if self.response is not None:
            end = max(note.onset, self._time.moment)
            heard = Sounded(note.onset, end, note.pitch, note.velocity or 0)
            self.response.listening.key_up(heard, silent=not self._down)
        return self._silence(note, quarters, now)

    def _silence(self, note: Played, quarters: float, now: float) -> list[Answer]:
        """A note ends at the last event; so it is said, once its part has been."""
        was_said = note.part is not None
        note.end = max(note.onset, self._time.moment)
        self._past.append(Gesture(quarters, False, (note,)))
        answers = self._say(self._hearing.release(note, quarters), now)
        return [*answers, self._end_of(note)] if was_said else answers

    def _say(self, said: Sequence[Played], now: float) -> list[Answer]:
        """Parts are known; of a note that has ended meanwhile, the end follows."""
        answers: list[Answer] = []
        for note in said:
            self._waiting.remove(note)
            waited = 1000.0 * (now - note.struck) if self._look_ahead else 0.0
            answers.append(self._note(note, waited))
            if note.end is not None:
                answers.append(self._end_of(note))
        return answers

    def _note(self, note: Played, waited: float = 0.0) -> Note:
        part = self._part(note)
        return Note(
            note=note.number,
            pitch=note.pitch,
            velocity=note.velocity or DEFAULT_VELOCITY,
            time=round(note.onset, 6),
            part=part.name,
            channel=part.channel,
            confidence=round(note.confidence, 4),
            waited=round(waited, 3),
            by="duet" if note.by_duet else "player",
        )

    def _end_of(self, note: Played) -> End:
        assert note.end is not None
        channel = self._part(note).channel
        return End(note=note.number, pitch=note.pitch, channel=channel, time=round(note.end, 6))

    def _part(self, note: Played) -> PartAnswer:
        assert note.part is not None
        return note.lineup.parts[note.part]

    def _locks(self, keys: Sequence[NoteOn | Key]) -> dict[int, int]:
        """The parts that the player has fixed; ValueError for one that is not there."""
        index = self.lineup.ensemble.index
        return {n: index(key.part) for n, key in enumerate(keys) if key.part is not None}

    def _make_room(self, more: int) -> None:
        most = self._settings.max_notes
        if more and self._count + more > most:
            raise SessionOver(
                f"the session has had {self._count} notes and may have {most}: begin another"
            )

    def _respond(self, response: Response, now: float) -> list[Answer]:
        """The other side of a duet: it has heard a phrase out, or plays."""
        seconds = self._time.seconds(now)
        answers: list[Answer] = []
        if response.hear_out(seconds):
            answers.append(DuetAnswer(state="thinking"))
        for cue in response.cues(seconds):
            quarters = self._time.reach(cue.seconds)
            if cue.is_on and self._count < self._settings.max_notes:
                note = self._new(cue.pitch, cue.velocity, quarters, now, by_duet=True)
                self._answered[cue.number] = note
                answers += self._hear([note], quarters, {}, now)
            elif cue.number in self._answered:
                answers += self._silence(self._answered.pop(cue.number), quarters, now)
        if response.finish():
            answers.append(DuetAnswer(state="done"))
        return answers

    def _interrupt(self, response: Response, now: float) -> list[Answer]:
        """The player plays: an answer that is under way ends, and what was announced of it and has
        not begun is taken back."""
        if not response.cancel():
            return []
        answers: list[Answer] = []
        seconds = self._time.seconds(now)
        quarters = self._time.reach(seconds)
        for note in self._answered.values():
            answers += self._silence(note, quarters, now)
        self._answered = {}
        for number in [n for n, note in self._played.items() if note.onset > seconds]:
            del self._played[number]
        return [*answers, DuetAnswer(state="cancelled")]

    def _correct(self, lock: Lock) -> Played:
        """Another part for a note; ValueError where it cannot have one."""
        note = self._played.get(lock.note)
        if note is None or note.part is None:
            raise ValueError(f"there is no note {lock.note} that has been answered")
        if note.lineup.ensemble != self.lineup.ensemble:
            raise ValueError(f"note {lock.note} was played by another ensemble")
        note.part, note.confidence = self.lineup.ensemble.index(lock.part), 1.0
        return note

    def _rehearse(self, lineup: Lineup, hints: Hints, now: float) -> Iterator[Sequence[Answer]]:
        """The arranger is replaced by one that hears the last of the music anew."""
        yield self._say(self._hearing.advance(math.inf), now)
        self._rehearsing = True
        try:
            self._hearing = yield from self._hearing.anew(lineup, hints, tuple(self._past))
        finally:
            self._rehearsing = False

    def _replay(self, replay: Replay, now: float) -> Iterator[Sequence[Answer]]:
        """What an earlier connection heard; what it had not answered is answered now."""
        if self._live:
            raise ValueError("a replay comes right after hello, before anything is played")
        events = [(event, _keys(event)) for event in replay.events]
        locks = [self._locks(keys) for _, keys in events]
        self._make_room(sum(len(keys) for _, keys in events))
        self._rehearsing = True
        try:
            for n, (event, keys) in enumerate(events):
                answers: list[Answer] = []
                quarters = self._time.replayed(event.time, now)
                if keys:
                    notes = self._press(keys, quarters, now)
                    for place, part in locks[n].items():
                        notes[place].part = part
                    answers = self._hear(notes, quarters, locks[n], now)
                else:
                    self._change(event, quarters, now)
                if answers or n % SLICE == 0:
                    yield answers
        finally:
            self._rehearsing = False
        if self.response is not None:
            self.response.listening.take()
        yield [Replayed(notes=self._count, time=self._time.moment)]


def _keys(event: Event) -> Sequence[NoteOn | Key]:
    """The keys that go down in ``event``."""
    if isinstance(event, ChordOn):
        return event.keys
    return (event,) if isinstance(event, NoteOn) else ()
