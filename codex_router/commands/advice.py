"""What the evidence of today would change in the profiles, and what that would have saved."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, NamedTuple

from codex_router import __version__
from codex_router.codex.locate import find_codex
from codex_router.codex.router_file import NAME, read_plan
from codex_router.errors import RouterError
from codex_router.evidence.store import Store
from codex_router.evidence.usage import spent
from codex_router.home import router_home
from codex_router.settings import own_file
from codex_router.show.table import money

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.locate import Codex
    from codex_router.records import Plan

FILE = "advice.json"
"""In our home: the newest advice; it may be removed."""
FRESH_SECONDS = 24 * 3600.0


class Change(NamedTuple):
    """One category that would get another arm."""

    category: str
    before: str
    after: str
    tasks: int
    """How many tasks of the category the ledger has."""
    saved_usd: float | None
    """By the estimates of both arms, for as many tasks; negative is dearer, for more solved. None when not known."""


class Advice(NamedTuple):
    """What `diff --refit` would show, in words."""

    changes: tuple[Change, ...]

    @property
    def saved_usd(self) -> float:
        """Return what all changes would have saved on the tasks in the ledger."""
        return sum(change.saved_usd or 0.0 for change in self.changes)


def advice(home: Path) -> Advice | None:
    """Return what a new `init` would change; None when there is no plan yet or it cannot be known.

    The fit takes seconds: its answer is kept for a day, or until the plan or the policy is another.
    """
    try:
        current = read_plan(home)
    except RouterError:
        return None
    path, key = router_home() / FILE, _key(home)
    kept = _kept(path, key)
    if kept is not None:
        return kept
    from codex_router.commands.recommend import recommend  # numpy comes with it

    try:
        found = compare(current, recommend(installed_quietly(), home).plan, _tasks())
    except RouterError:
        return None
    path.write_text(json.dumps({"key": key, "made": time.time(), **advice_json(found)}), encoding="utf-8")
    return found


def _key(home: Path) -> str:
    """Return a fingerprint of what people may change."""
    digest = hashlib.sha256(__version__.encode())
    for path in (home / NAME, own_file("policy.toml"), own_file("categories.toml"), own_file("prices.toml")):
        digest.update(path.read_bytes() if path.is_file() else b"\0")
    return digest.hexdigest()


def _kept(path: Path, key: str) -> Advice | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["key"] != key or not 0 <= time.time() - said["made"] < FRESH_SECONDS:
            return None
        names = ("category", "before", "after", "tasks", "saved_usd")
        return Advice(tuple(Change(*(row[name] for name in names)) for row in said["changes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def installed_quietly() -> Codex | None:
    """Return the installed Codex; None when there is none."""
    try:
        return find_codex()
    except RouterError:
        return None


def _tasks() -> dict[str, int]:
    with Store.open() as store:
        return {line.key[0]: line.spend.tasks for line in spent(store, ["category"])}


def compare(current: Plan, wanted: Plan, tasks: dict[str, int]) -> Advice:
    """Return the categories whose arm differs between two plans.

    Args:
        current: as `codex-router.toml` holds it.
        wanted: as the evidence recommends it, with estimates.
        tasks: how many tasks of each category there were.
    """
    estimates = {tier.arm: tier.estimate for tier in (*wanted.tiers, *current.tiers) if tier.estimate}
    changes = []
    for category, _ in wanted.routes:
        before, after = (plan.tier(plan.tier_for(category) or "") for plan in (current, wanted))
        if before is None or after is None or before.arm == after.arm:
            continue
        old, new = estimates.get(before.arm), estimates.get(after.arm)
        saved = (old.cost_usd.mean - new.cost_usd.mean) * tasks.get(category, 0) if old and new else None
        changes.append(Change(category, str(before.arm), str(after.arm), tasks.get(category, 0), saved))
    return Advice(tuple(changes))


def advice_lines(found: Advice) -> list[str]:
    """Return the advice in words."""
    if not found.changes:
        return ["the evidence of today changes nothing in the profiles"]
    lines = [f"{len(found.changes)} categories would get another arm; `codex-router diff --refit` shows the change:"]
    for one in found.changes:
        worth = "" if one.saved_usd is None or not one.tasks else f"  ({_worth(one)} on {one.tasks} tasks)"
        lines.append(f"  {one.category}: {one.before} -> {one.after}{worth}")
    return lines


def _worth(one: Change) -> str:
    usd = one.saved_usd or 0.0
    return f"about {money(usd)} less" if usd >= 0 else f"about {money(-usd)} more, for more solved tasks"


def advice_json(found: Advice) -> dict[str, object]:
    """Return the advice as JSON; savings are estimates."""
    return {
        "changes": [
            {
                "category": one.category,
                "before": one.before,
                "after": one.after,
                "tasks": one.tasks,
                "saved_usd": one.saved_usd,
                "guess": True,
            }
            for one in found.changes
        ],
        "saved_usd": found.saved_usd,
    }
