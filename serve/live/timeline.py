"""The time of a session: of its player's clock, or of when messages arrive; in seconds and in
quarters.

Knows clocks and tempos; nothing of music.
"""

from __future__ import annotations

LATE = 1.0
"""Seconds by which an event may lie behind the one before it and still be taken for late."""

AHEAD = 60.0
"""Seconds by which a player's clock may outrun ours between two events."""


class Timeline:
    """``moment`` is the second of the last event, 0 when the session begins at ``now`` of our
    clock. ``quarters`` is where the music then is; it never goes back, though an event may be late.

    A player's clock may have any origin: where it jumps, back or far ahead, it has been set anew,
    and our own says how much time has passed.
    """

    def __init__(self, tempo: float, now: float) -> None:
        self.moment = 0.0
        self.quarters = 0.0
        self.tempo = tempo
        self.tempos = [(0.0, tempo)]
        """Each with the second from which on it is valid."""
        self._latest = 0.0
        self._origin = now
        self._shift = 0.0

    def seconds(self, now: float) -> float:
        """The second of the session that ``now`` of our clock is."""
        return now - self._origin

    def now(self, seconds: float) -> float:
        """The reverse of ``seconds``."""
        return seconds + self._origin

    def event(self, time: float | None, now: float) -> float:
        """Something happens at ``time`` of the player's clock, if it has one: the quarter."""
        here = self.seconds(now)
        if time is None:
            return self.reach(here)
        at = time + self._shift
        if not self._latest - LATE <= at <= here + AHEAD:
            at, self._shift = here, here - time
        self._origin = now - at
        return self.reach(at)

    def replayed(self, time: float | None, now: float) -> float:
        """Something happened at ``time`` of the session in an earlier connection: the quarter."""
        at = self._latest if time is None else time
        self._origin = now - at
        return self.reach(at)

    def reach(self, seconds: float) -> float:
        """Something happens at ``seconds`` of the session: the quarter."""
        self.moment = seconds
        if seconds > self._latest:
            self.quarters += (seconds - self._latest) * self.tempo / 60.0
            self._latest = seconds
        return self.quarters

    def change(self, tempo: float) -> None:
        """``tempo`` quarters a minute from the last event on."""
        self.tempo = tempo
        self.tempos.append((self._latest, tempo))
