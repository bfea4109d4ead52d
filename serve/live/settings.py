"""What can be set of the live service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LiveSettings:
    """``models``: the checkpoints that sessions may use, by name or folder; none: all that are
    shipped and play live. ``generator``: the checkpoint that answers in a duet, if any does.
    ``token``: what a client must show, if anything. ``origins``: the web pages, beside those that
    come from the same host, that may open a session, such as ``https://example.org``.
    """

    models: tuple[str, ...] = ()
    generator: str | None = None
    token: str | None = None
    origins: tuple[str, ...] = ()
    max_sessions: int = 64
    """In one process; a further client is told to come back."""
    max_notes: int = 20_000
    """In one session."""
    max_errors: int = 100
    """In one session, before it is ended."""
    max_message_bytes: int = 1 << 19
    messages_a_second: float = 200.0
    burst: int = 400
    """Who has sent so many messages at once is then heard at ``messages_a_second``."""
    hello_seconds: float = 10.0
    idle_seconds: float = 900.0
    stuck_seconds: float = 60.0
    """A key that has been down for longer is let go."""

    real_time: bool = False
    """Ask the system to let players go before all else that runs on its cores."""

    def __post_init__(self) -> None:
        for name in ("max_sessions", "max_notes", "max_errors", "max_message_bytes", "burst"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a whole number above 0, not {value!r}")
        for name in ("messages_a_second", "hello_seconds", "idle_seconds", "stuck_seconds"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not value > 0:
                raise ValueError(f"{name} must be a number above 0, not {value!r}")
