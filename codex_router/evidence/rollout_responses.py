"""The lines that say what was spent: each model response once, with what was sent again and what broke the cache."""

from __future__ import annotations

from codex_router.evidence.rollout_fields import (
    COUNT,
    IDS,
    RECORD,
    THREAD,
    counts_of,
    limits_of,
    seconds_between,
    sound_counts,
    text,
)
from codex_router.evidence.rollout_lines import BEGINS
from codex_router.named import TYPE_CHECKING
from codex_router.tokens import NOTHING, size

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from typing import Any

    from codex_router.evidence.rollout_lines import Line
    from codex_router.evidence.rollout_place import Place
    from codex_router.tokens import Counts, Meter

IDLE_SECONDS = 300.0
"""OpenAI keeps a prompt cache for 5 to 10 minutes without use."""
LEAST_CACHED = 2048
"""Shorter prompts may miss the cache for other reasons (it begins at 1024 tokens)."""
LIMITS = b'"rate_limits":'
THREAD_TOTAL = b'"total_tokens":%d}}}\n'
"""How a record ends: with what the thread has spent."""
INFO = b',"info":'
NO_BYTES = b"\n\n"
"""No line holds them."""
# Places in a row of `rows`, which becomes a `session_records.Response`.
TIME, MODEL, EFFORT, INPUT, COMPACTION, WINDOWS = 3, 4, 5, 6, 15, slice(17, 20)


class Responses:
    """Takes the lines of these kinds.

    Args:
        place: where the reader is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.rows: list[list[Any]] = [place.state.last] if place.state.last is not None else []
        """The fields of `session_records.Response`; the newest may still change."""
        self._copied_records = False
        self._ids = self._total = self._limits = NO_BYTES
        """How the records of this turn begin; the newest total and the newest limits, as they were written."""
        self._behind = NO_BYTES
        """The newest count behind a record, not looked at: only what another Codex version counts goes on from it."""

    def handlers(self) -> dict[bytes, Callable[[Line], None]]:
        """Return who takes which kind of line."""
        return {b"token_usage_record": self._record, b"token_count": self._count}

    def compacted(self) -> None:
        """Note that the newest response only summarised the context."""
        self._place.state.context_tokens = None
        if self.rows:
            self.rows[-1][COMPACTION] = 1

    def _record(self, line: Line) -> None:
        data, head, place = line.data, line.head, self._place
        self._total = NO_BYTES
        if data.startswith(self._ids, head) and place.lineage is None:
            found = RECORD.match(data, head + len(self._ids))
            if found is not None:
                self._spent(line, found)
                return
        ids = IDS.match(data, head)
        found = RECORD.match(data, ids.end()) if ids else None
        if ids is None or found is None:
            self._parsed_record(line)
        elif self._is_own(line, ids[1].decode(), ids[2].decode(), found[1].decode()):
            if place.open is not None and place.lineage is None:
                self._ids = data[head : ids.end()]
            self._spent(line, found)

    def _spent(self, line: Line, found: re.Match[bytes]) -> None:
        """Take a record whose counts were read without parsing it."""
        data, meter = line.data, self._place.meter
        _, a, b, c, d, e = found.groups(b"0")
        usage = sent, _, _, output, _ = int(a), int(b), int(c), int(d), int(e)
        total = (meter.total_tokens or 0) + sent + output
        if not data.endswith(THREAD_TOTAL % total):  # not what this response adds to what is known
            thread = THREAD.match(data, found.end())
            if thread is None:
                self._parsed_record(line)
                return
            total = int(thread[1]) + int(thread[2])
        if meter.record(usage, total):
            self._response(line, usage)

    def _parsed_record(self, line: Line) -> None:
        said = line.payload()
        names = [text(said.get(name)) or "" for name in ("thread_id", "turn_id", "response_id")]
        if self._is_own(line, *names):
            usage, total = sound_counts(said.get("usage")), size(sound_counts(said.get("thread_token_usage")))
            counts = self._place.meter.record(usage, total)
            if counts is not None:
                self._response(line, counts)

    def _is_own(self, line: Line, thread: str, turn: str, response: str) -> bool:
        """Tell whether a record is this thread's, and be in its turn."""
        place = self._place
        if place.thread is not None and thread and thread != place.thread.thread_id:
            place.inherited += 1
            self._copied_records = True
            return False
        if place.is_copy(line, ("response", response)):
            place.inherited += 1
            return False
        if turn and (place.open is None or place.open.turn_id != turn):
            place.turn(line, turn, None)
        return True

    def _count(self, line: Line) -> None:
        place, data = self._place, line.data
        own, meter = place.lineage is None, place.meter
        if own and (meter.recorded or data.startswith(self._total, line.head)):  # its counts were said before
            if meter.recorded:
                self._behind = data
            if place.state.limits[0] is not None or not data.endswith(self._limits):
                self._windows(line)
            return
        if self._behind is not NO_BYTES:
            self.look_behind()
        total, last = _counts(line, meter if own else None)
        if total != NOTHING and not (own and size(total) == meter.total_tokens):
            counts = None if self._inherits(line, total, last) else meter.count(total, last)
            if counts is not None:
                self._response(line, counts)
        if place.lineage is None:
            if size(total) == meter.total_tokens:
                self._total = data[line.head : data.find(b"}", line.head) + 1] or NO_BYTES
            self._windows(line)

    def look_behind(self) -> None:
        """Tell the meter what the newest count behind a record said."""
        found = COUNT.match(self._behind, self._behind.find(INFO))
        if found and found[1] is not None:
            self._place.meter.total = counts_of(found, 1)
        self._behind = NO_BYTES

    def _inherits(self, line: Line, total: Counts, last: Counts) -> bool:
        """Tell whether a total is the parent's; it is what this thread's own go on from."""
        place, state = self._place, self._place.state
        if place.lineage is not None and place.is_copy(line, ("count", *total, *last)):
            place.inherited += not self._copied_records and state.inherited_total != total
            state.inherited_total = total
            return True
        if place.meter.total_tokens is None and (state.inherited_total == total or place.was_forked_at(total, last)):
            place.meter.inherit(total)
            return True
        return False

    def _response(self, line: Line, counts: Counts) -> None:
        place = self._place
        state, meter = place.state, place.meter
        task = place.open or place.begin(line)
        data = line.data
        time = data[BEGINS : data.index(b'"', BEGINS)].decode("ascii", "replace")  # `line.time`, without the call
        task.responses += 1
        task.ended = time or task.ended
        sent, cached, written, output, reasoning = counts
        lost, reason, resent = 0, None, state.context_tokens
        if resent is None:
            resent = cached
        elif resent > sent:
            resent = sent
        if cached * 2 < resent:
            lost, reason = self._cache_break(counts, time)
        elif resent < cached:
            resent = cached
        plan, hours, week = state.limits
        self.rows.append(
            [
                meter.generation, meter.total_tokens, task.turn_id, time, state.model, state.effort,
                sent, cached, written, output, reasoning, resent, state.tool_bytes, lost, reason, 0,
                task.since_change, plan, hours, week,
            ]
        )  # fmt: skip
        state.tool_bytes = 0
        state.last_instructions = state.instructions
        state.context_tokens = sent + output - reasoning
        if cached:
            state.cache_seen = True
        if task.changes:
            task.since_change += 1

    def _cache_break(self, counts: Counts, time: str) -> tuple[int, str | None]:
        """Return how many re-sent tokens the cache should have held and did not, and why."""
        state = self._place.state
        if not state.cache_seen or not self.rows:
            return 0, None
        before = self.rows[-1]
        lost = min(before[INPUT], counts[0]) - counts[1]
        if before[INPUT] < LEAST_CACHED or lost * 2 < before[INPUT]:
            return 0, None
        if before[MODEL] != state.model:
            return lost, "model"
        if before[EFFORT] != state.effort:
            return lost, "effort"
        if state.instructions != state.last_instructions:
            return lost, "instructions"
        gap = seconds_between(before[TIME], time)
        return lost, "idle" if gap is not None and gap > IDLE_SECONDS else "unknown"

    def _windows(self, line: Line) -> None:
        """Take what a ChatGPT plan's windows say after the newest response."""
        data, state = line.data, self._place.state
        if not data.endswith(self._limits):
            at = data.find(LIMITS)
            if at < 0:
                return
            state.limits = limits_of(line.payload().get("rate_limits"))
            self._limits = data[at:]
        if state.limits[0] is not None and self.rows:
            self.rows[-1][WINDOWS] = state.limits


def _counts(line: Line, meter: Meter | None) -> tuple[Counts, Counts]:
    """Return the thread's total and what its newest response had, both zero when the line does not say.

    The second is left out where `meter` knows it, from the total before.
    """
    found = COUNT.match(line.data, line.head)
    if found:
        if found[1] is None:
            return NOTHING, NOTHING
        total = counts_of(found, 1)
        return total, NOTHING if meter is not None and meter.grows_to(total) else counts_of(found, 6)
    info = line.payload().get("info")
    if not isinstance(info, dict):
        return NOTHING, NOTHING
    return sound_counts(info.get("total_token_usage")), sound_counts(info.get("last_token_usage"))
