"""Read the SWE-bench leaderboard as its site publishes it: ``data/leaderboards.json``.

Only runs of mini-SWE-agent are taken: one agent, one model, a cost per instance. The other boards hold whole systems
of several models without a cost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from codex_router.errors import RouterError
from codex_router.evidence.account import Account, faults, refuse
from codex_router.evidence.files import decode, element_lines, load_json, read_bytes
from codex_router.evidence.names import canonical
from codex_router.evidence.schema import Amount, Date, Name, Text
from codex_router.evidence.tables import Provenance, Table
from codex_router.records import EFFORTS, Aggregate

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"bash-only": 500, "verified": 500, "multilingual": 300, "lite": 300, "multimodal": 517, "test": 2294}
"""Instances per board, by the board's name in lower case."""
CONTRADICTION = 0.02
"""A published rate further than this from the rate of its own instances is not to be trusted."""
CAVEATS = (
    "mini-SWE-agent, bash only, at most 250 calls and $3 a task; one attempt per task",
    "prompts of mini-SWE-agent 1 and 2 differ: they are two harnesses here",
)


class Entry(BaseModel):
    """What we use of a result."""

    name: Text
    date: Date
    resolved: float = Field(ge=0, le=100)
    """Per cent."""
    tags: list[Name] = []
    instance_cost: Amount | None = None
    """Mean USD per instance."""
    cost: Amount | None = None
    """USD of the whole run."""
    instance_calls: Amount | None = None
    """Mean model calls per instance."""
    reasoning_effort: str | None = None
    version: str | None = Field(default=None, alias="mini-swe-agent_version")
    per_instance_details: dict[str, dict[str, Any]] | None = None

    @property
    def models(self) -> list[str]:
        """The models that the tags name."""
        return [tag.removeprefix("Model:").strip() for tag in self.tags if tag.startswith("Model:")]


class Found(NamedTuple):
    """An entry, its board and where it stands."""

    entry: Entry
    board: str
    line: int | None


def looks_like_swebench(text: str) -> bool:
    """Tell from the beginning of a JSON text whether it is the leaderboard."""
    head = text[:4096]
    return bool(re.match(r'\s*\{\s*"leaderboards"\s*:', head) or re.match(r'\s*\[\s*\{\s*"name"\s*:', head))


def read_swebench(path: Path) -> Table:
    """Read the leaderboard.

    Raises:
        RouterError: anything is wrong with it; nothing is read then.
    """
    content = read_bytes(path)
    text = decode(content, path)
    found = _entries(load_json(text, path), text, path)
    account = Account(path, units={"per_attempt"})
    rows = ((_aggregate(one, account), _where(one)) for one in found)
    provenance = Provenance(
        "SWE-bench leaderboard",
        "https://www.swebench.com",
        max((one.entry.date for one in found), default=""),
        "CC BY-NC 4.0",
        CAVEATS,
    )
    return account.leaderboard(content, provenance, rows, len(found))


def _where(one: Found) -> str:
    return f"line {one.line}" if one.line else f"{one.board}: {one.entry.name}"


def _entries(document: Any, text: str, path: Path) -> list[Found]:
    boards = document.get("leaderboards") if isinstance(document, dict) else document
    if not isinstance(boards, list) or not all(
        isinstance(board, dict) and isinstance(board.get("name"), str) and isinstance(board.get("results"), list)
        for board in boards
    ):
        raise RouterError("no list of boards with `name` and `results`", where=path)
    starts = [match.end() - 1 for match in re.finditer(r'"results"\s*:\s*\[', text)]
    found: list[Found] = []
    wrong: list[tuple[int | None, str]] = []
    for number, board in enumerate(boards):
        lines = element_lines(text, starts[number]) if len(starts) == len(boards) else []
        for index, result in enumerate(board["results"]):
            line = lines[index] if len(lines) == len(board["results"]) else None
            try:
                found.append(Found(Entry.model_validate(result), board["name"], line))
            except ValidationError as error:
                wrong += [(line, what) for _, what in faults(error)]
    if wrong:
        refuse(path, wrong)
    return found


def _aggregate(one: Found, account: Account) -> Aggregate | None:
    reason = _unusable(one)
    if reason:
        account.skip(_where(one), f"{one.entry.name}: {reason}")
        return None
    entry, size = one.entry, _size(one)
    mean = entry.instance_cost or (entry.cost or 0) / size or None
    if mean is None:
        account.conversions["costs of 0 or none taken as unknown"] += 1
    elif not entry.instance_cost:
        account.conversions[f"costs of a whole run divided by {size} instances"] += 1
    model = entry.models[0]
    stated = entry.reasoning_effort if entry.reasoning_effort in EFFORTS else canonical(entry.name).arm.effort
    return Aggregate(
        source=f"SWE-bench {one.board}",
        date=entry.date,
        harness=f"mini-swe-agent-{_major(entry)}",
        arm=account.arm(model, None if canonical(model).arm.effort else stated, one.line),
        category="mixed:swe-bench-multimodal" if one.board.lower() == "multimodal" else "bugfix",
        n_tasks=size,
        n_trials=size,
        successes=entry.resolved / 100 * size,
        cost_usd=mean,
        turns_mean=entry.instance_calls or None,
    )


def _size(one: Found) -> int:
    return SIZES.get(one.board.lower()) or len(one.entry.per_instance_details or ())


def _major(entry: Entry) -> str:
    """Return 2 for version 2 of mini-SWE-agent and 1 for those before."""
    return "2" if (entry.version or "").lstrip("v").startswith("2") else "1"


def _unusable(one: Found) -> str | None:
    """Return why an entry cannot be used, None if it can."""
    entry = one.entry
    if entry.version is None and not entry.instance_cost:
        return "a system without a cost per instance"
    if len(entry.models) != 1:
        return "no single model is named"
    if not _size(one):
        return f"the board {one.board!a} is unknown, and so is its size"
    details = entry.per_instance_details
    if details:
        share = sum(bool(detail.get("resolved")) for detail in details.values()) / len(details)
        if abs(share - entry.resolved / 100) > CONTRADICTION:
            return f"its instances say {share:.1%} resolved, the board {entry.resolved} %"
    return None
