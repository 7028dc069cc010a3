"""What the token counts in a Codex session file add up to: the one rule, for live runs and for old sessions.

Codex writes running totals, and writes some of them twice. Up to 0.152 there are only ``token_count`` lines: an
increase of the total is a response, and the first total of a file may include those of a thread it was forked from,
so that its ``last_token_usage`` counts. From 0.153 on there is one ``token_usage_record`` per response; once a turn
has one, its ``token_count`` lines say nothing new. In a thread that both kinds of Codex wrote, the totals of records
leave out what was only counted, and a total is said again before a turn's first response. Measured on versions 0.36
to 0.169.
"""

from __future__ import annotations

from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


Counts = tuple[int, int, int, int, int]
"""Tokens in the order of the fields of `records.Usage`."""
NAMES = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
NOTHING: Counts = (0, 0, 0, 0, 0)
MOST = 10**12
"""A larger count is no count."""


def counts_from(tokens: Any) -> Counts:
    """Return token counts as Codex writes them; whatever is missing or impossible counts as 0."""
    if not isinstance(tokens, dict):
        return NOTHING
    first, cached, written, output, reasoning = (_count(tokens.get(name)) for name in NAMES)
    return first, cached, written, output, reasoning


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST else 0


def size(counts: Counts) -> int:
    """Return input and output together."""
    return counts[0] + counts[3]


class Meter:
    """The running total of one thread.

    `generation` and `total_tokens` after a response name the response: they are the same in every copy of a file, and
    in a file that was moved, compressed or resumed.
    """

    __slots__ = ("generation", "recorded", "total", "total_tokens")

    def __init__(self) -> None:
        self.total: Counts | None = None
        """As the newest ``token_count`` gave it, also one that only repeats a record: in a thread that an older Codex
        began, records leave out what was counted before, and counts do not."""
        self.total_tokens: int | None = None
        """Input and output of the whole thread; None before the first count."""
        self.generation = 0
        """How often the total began anew."""
        self.recorded = False
        """This turn has a ``token_usage_record``."""

    def turn(self) -> None:
        """Begin a turn; another Codex version may write it."""
        self.recorded = False

    def inherit(self, total: Counts) -> None:
        """Begin from the total of another thread, whose responses are not this one's."""
        self.total, self.total_tokens = total, size(total)

    def record(self, usage: Counts, total_tokens: int) -> Counts | None:
        """Take a ``token_usage_record``; return the tokens of its response, None when it was counted already.

        `total_tokens` are those of the thread behind it; 0 when the record does not say.
        """
        self.recorded = True
        moved = self._moved(total_tokens or (self.total_tokens or 0) + usage[0] + usage[3])
        return usage if moved else None

    def count(self, total: Counts, last: Counts) -> Counts | None:
        """Take a ``token_count``; return the tokens of a response, None when it repeats what was counted."""
        if not size(total):
            return None
        before, self.total = self.total, total
        grows = before is not None and size(total) > size(before)
        repeats = self.recorded or (before is not None and size(total) == size(before))
        known = self.total_tokens is not None
        if repeats or not self._moved(size(total)):
            return None
        if before is not None and grows:
            return _difference(total, before)
        return last if 0 < size(last) <= size(total) or (known and size(last)) else total

    def grows_to(self, total: Counts) -> bool:
        """Tell whether `count` would take what this total adds to the one before, whatever the newest response had."""
        return self.total is not None and size(total) > size(self.total)

    def _moved(self, total_tokens: int) -> bool:
        """Take a new total; tell whether it is one."""
        before = self.total_tokens
        if total_tokens == before:
            return False
        if before is not None and total_tokens < before:
            self.generation += 1
        self.total_tokens = total_tokens
        return total_tokens > 0


def _difference(a: Counts, b: Counts) -> Counts:
    return (
        max(0, a[0] - b[0]),
        max(0, a[1] - b[1]),
        max(0, a[2] - b[2]),
        max(0, a[3] - b[3]),
        max(0, a[4] - b[4]),
    )
