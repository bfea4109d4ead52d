"""Named ranges of token ids: the one place where offsets into a vocabulary are derived."""

from __future__ import annotations

from collections.abc import Iterable


class Vocabulary:
    """Groups of tokens, one after the other: ``(("bar", 1), ("pitch", 88))`` has 89 ids."""

    def __init__(self, groups: Iterable[tuple[str, int]]) -> None:
        self.ranges: dict[str, range] = {}
        self.size = 0
        for name, count in groups:
            self.ranges[name] = range(self.size, self.size + count)
            self.size += count
        self._kinds = [(name, i) for name, ids in self.ranges.items() for i in range(len(ids))]

    def id(self, group: str, index: int = 0) -> int:
        """The id of token ``index`` of ``group``; IndexError beyond it."""
        return self.ranges[group][index]

    def kind(self, token: int) -> tuple[str, int]:
        """The group of a token, and its index there; ValueError for an id that is none."""
        if not 0 <= token < self.size:
            raise ValueError(f"token {token} is not one of the {self.size} of this vocabulary")
        return self._kinds[token]

    def slice(self, group: str, start: int = 0, stop: int | None = None) -> slice:
        """Where in an array over the vocabulary ``group``, or a stretch of it, lies."""
        ids = self.ranges[group][start:stop]
        return slice(ids.start, ids.stop)
