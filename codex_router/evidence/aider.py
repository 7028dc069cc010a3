"""Read Aider's leaderboards as Aider publishes them: YAML lists such as ``polyglot_leaderboard.yml``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ValidationError

from codex_router.errors import RouterError
from codex_router.evidence.account import Account, faults, refuse
from codex_router.evidence.files import decode, read_bytes
from codex_router.evidence.names import canonical
from codex_router.evidence.schema import Amount, Count, Date, Effort, Name, Text
from codex_router.evidence.tables import Provenance, Table
from codex_router.records import EFFORTS, Aggregate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024
"""The YAML reader is slow, and Aider's largest board has 100 kB."""

BOARDS = {"refactor": ("Aider refactor", "refactor"), "edit": ("Aider edit", "mixed:aider-edit")}
"""A word in the file name: source and category; anything else is the polyglot board."""
POLYGLOT = ("Aider polyglot", "mixed:aider-polyglot")
CAVEATS = (
    "exercises solved in a single edit and one repair after the test output: no agent loop",
    "the cost is that of the whole suite; 0 means that Aider knew no price",
)
_EFFORT_OPTION = re.compile(rf"--reasoning-effort[ =]({'|'.join(EFFORTS)})\b")


class Entry(BaseModel):
    """What we use of an entry of a board."""

    model: Name
    test_cases: Count
    date: Date
    pass_num_1: Amount | None = None
    pass_num_2: Amount | None = None
    pass_rate_1: Amount | None = None
    """Per cent."""
    pass_rate_2: Amount | None = None
    """Per cent, after a second try."""
    total_cost: Amount | None = None
    reasoning_effort: Effort | None = None
    command: Text | None = None
    editor_model: Text | None = None

    @property
    def successes(self) -> float | None:
        """Cases solved, after the second try where there was one."""
        for number, rate in ((self.pass_num_2, self.pass_rate_2), (self.pass_num_1, self.pass_rate_1)):
            if number is not None or rate is not None:
                return number if number is not None else (rate or 0.0) / 100 * self.test_cases
        return None


def read_aider(path: Path) -> Table:
    """Read a board.

    Raises:
        RouterError: anything is wrong with it; nothing is read then.
    """
    content = read_bytes(path)
    if len(content) > MAX_BYTES:
        raise RouterError(f"{len(content):,} bytes of YAML are too many", where=path, hint=f"at most {MAX_BYTES:,}")
    entries = _entries(decode(content, path), path)
    source, category = next((known for word, known in BOARDS.items() if word in path.stem), POLYGLOT)
    account = Account(path, units={"per_suite"})
    rows = ((_aggregate(entry, source, category, account, line), f"line {line}") for entry, line in entries)
    provenance = Provenance(
        source,
        "https://aider.chat/docs/leaderboards/",
        max(entry.date for entry, _ in entries),
        "Apache-2.0",
        CAVEATS,
    )
    return account.leaderboard(content, provenance, rows, len(entries))


def _entries(text: str, path: Path) -> list[tuple[Entry, int]]:
    entries: list[tuple[Entry, int]] = []
    found: list[tuple[int | None, str]] = []
    for row, line in _rows(text, path):
        try:
            entry = Entry.model_validate({key: value for key, value in row.items() if value != ""})
        except ValidationError as error:
            found += [(line, what) for _, what in faults(error)]
            continue
        if entry.successes is None or entry.successes > entry.test_cases:
            found.append((line, "no usable `pass_num_2`, `pass_rate_2`, `pass_num_1` or `pass_rate_1`"))
        entries.append((entry, line))
    if found:
        refuse(path, found)
    return entries


def _rows(text: str, path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the mappings of the list with their lines; all scalars stay text."""
    loader = yaml.BaseLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise RouterError("no list of results", where=path, hint="one of Aider's `*_leaderboard.yml` is expected")
        for item in node.value:
            line = item.start_mark.line + 1
            if not isinstance(item, yaml.MappingNode):
                raise RouterError("an entry is no mapping", where=f"{path}:{line}")
            yield {str(key): value for key, value in loader.construct_mapping(item, deep=True).items()}, line
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RouterError(f"not YAML: {error.problem!a}", where=f"{path}:{line}") from error
    except yaml.YAMLError as error:
        raise RouterError(f"not YAML: {str(error)!a}", where=path) from error
    except RecursionError as error:
        raise RouterError("nested too deeply to be a table", where=path) from error
    finally:
        loader.dispose()


def _aggregate(entry: Entry, source: str, category: str, account: Account, line: int) -> Aggregate | None:
    if entry.editor_model or " + " in entry.model:
        account.skip(f"line {line}", f"{entry.model}: two models in one row")
        return None
    cost = entry.total_cost or None
    if cost is None:
        account.conversions["costs of 0 or none taken as unknown"] += 1
    else:
        account.conversions[f"costs per suite pass divided by {entry.test_cases} cases"] += 1
    option = _EFFORT_OPTION.search(entry.command or "")
    effort = None if canonical(entry.model).arm.effort else entry.reasoning_effort or (option and option[1])
    return Aggregate(
        source=source,
        date=entry.date,
        harness="aider",
        arm=account.arm(entry.model, effort, line),
        category=category,
        n_tasks=entry.test_cases,
        n_trials=entry.test_cases,
        successes=entry.successes or 0.0,
        cost_usd=cost and cost / entry.test_cases,
    )
