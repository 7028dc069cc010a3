"""What the evidence of today would change in the profiles, and what that would have saved."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, NamedTuple

from codex_router import __version__
from codex_router.codex.install import router_change
from codex_router.codex.journal import Journal
from codex_router.codex.locate import find_codex
from codex_router.codex.router_file import NAME, read_plan
from codex_router.errors import RouterError
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.store import Store
from codex_router.evidence.usage import spent
from codex_router.home import router_home
from codex_router.settings import own_file
from codex_router.show.table import money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from codex_router.codex.locate import Codex
    from codex_router.decide.estimator import Estimator
    from codex_router.records import Arm, Estimate, Plan

FILE = "advice.json"
"""In our home: the newest advice; it may be removed."""
FRESH_SECONDS = 24 * 3600.0
SAME_SHARE = 0.005
"""A smaller change of the pass rate is none."""


class Change(NamedTuple):
    """One category that would get another arm."""

    category: str
    before: str
    after: str
    saved_usd_per_task: float | None
    """By the estimates of both arms in this category; negative is dearer. None when one was never measured."""
    p_pass_change: float | None
    """By the same estimates: above 0 when the new arm solves more."""
    tasks: int = 0
    """How many tasks of the category there were in the time asked for."""

    @property
    def saved_usd(self) -> float | None:
        """Return what the change would have saved on those tasks."""
        return None if self.saved_usd_per_task is None else self.saved_usd_per_task * self.tasks


class Advice(NamedTuple):
    """What `diff --refit` would show, in words."""

    changes: tuple[Change, ...]
    differs: bool
    """Whether `diff --refit` shows anything: also without another arm, budgets and figures may be others."""

    @property
    def saved_usd(self) -> float:
        """Return what all changes would have saved on the tasks counted."""
        return sum(change.saved_usd or 0.0 for change in self.changes)


def advice(home: Path, since: str | None = None, until: str | None = None) -> Advice | None:
    """Return what a new `init` would change; None when there is no plan yet or it cannot be known.

    The fit takes a second: its answer is kept for a day, or until the plan, the policy, a known outcome or an
    ingested table is another.

    Args:
        home: the Codex home.
        since: ISO date of the first day whose tasks are counted.
        until: ISO date of the last day.
    """
    try:
        current = read_plan(home)
        path, key = router_home() / FILE, _key(home)
        found = _kept(path, key)
        if found is None:
            found = _asked_anew(home, current)
            path.write_text(json.dumps({"key": key, "made": time.time(), **_to_keep(found)}), encoding="utf-8")
    except RouterError:
        return None
    return _counted(found, since, until) if found.changes else found


def _asked_anew(home: Path, current: Plan) -> Advice:
    from codex_router.commands.recommend import prefix_in_force, recommend  # numpy comes with it

    found = recommend(installed_quietly(), home, prefix=prefix_in_force(home))
    differs = router_change(found.plan, home, Journal(), force=True).differs
    return Advice(compare(current, found.plan, _estimates(current, found.plan, found.estimator)), differs)


def _estimates(current: Plan, wanted: Plan, estimator: Estimator) -> dict[tuple[Arm, str], Estimate]:
    """Return what is believed of the arms of both plans, in every category; nothing of arms never measured."""
    arms = list(dict.fromkeys(tier.arm for plan in (current, wanted) for tier in plan.tiers))
    found = estimator.estimate(arms, [category for category, _ in wanted.routes])
    return {(one.arm, one.category): one for one in found if one.n_model}


def _key(home: Path) -> str:
    """Return a fingerprint of what people may change or say."""
    digest = hashlib.sha256(__version__.encode())
    for path in (home / NAME, own_file("policy.toml"), own_file("categories.toml"), own_file("prices.toml")):
        digest.update(path.read_bytes() if path.is_file() else b"\0")
    with Ledger.open(create=False) as ledger:
        digest.update(repr(ledger.known()).encode())
    return digest.hexdigest()


def _to_keep(found: Advice) -> dict[str, object]:
    return {"differs": found.differs, "changes": [change._asdict() for change in found.changes]}


def _kept(path: Path, key: str) -> Advice | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["key"] != key or not 0 <= time.time() - said["made"] < FRESH_SECONDS:
            return None
        return Advice(tuple(Change(**row) for row in said["changes"]), bool(said["differs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def installed_quietly() -> Codex | None:
    """Return the installed Codex; None when there is none."""
    try:
        return find_codex()
    except RouterError:
        return None


def _counted(found: Advice, since: str | None, until: str | None) -> Advice:
    """Say of each change how many tasks it would have been for."""
    with Store.open() as store:
        tasks = {line.key[0]: line.spend.tasks for line in spent(store, ["category"], since, until)}
    return found._replace(changes=tuple(one._replace(tasks=tasks.get(one.category, 0)) for one in found.changes))


def compare(current: Plan, wanted: Plan, estimates: Mapping[tuple[Arm, str], Estimate]) -> tuple[Change, ...]:
    """Return the categories whose arm differs between two plans.

    Args:
        current: as `codex-router.toml` holds it.
        wanted: as the evidence recommends it.
        estimates: of an arm in a category.
    """
    changes = []
    for category, _ in wanted.routes:
        before, after = (plan.tier(plan.tier_for(category) or "") for plan in (current, wanted))
        if before is None or after is None or before.arm == after.arm:
            continue
        old, new = (estimates.get((tier.arm, category)) for tier in (before, after))
        saved = old.cost_usd.mean - new.cost_usd.mean if old and new else None
        better = new.p_pass.mean - old.p_pass.mean if old and new else None
        changes.append(Change(category, str(before.arm), str(after.arm), saved, better))
    return tuple(changes)


def advice_lines(found: Advice, since: str | None = None) -> list[str]:
    """Return the advice in words.

    Args:
        found: the advice.
        since: ISO date of the first day whose tasks were counted.
    """
    shown = "`codex-router diff --refit` shows"
    if not found.differs:
        return ["the evidence of today changes nothing in the profiles"]
    if not found.changes:
        return [f"the evidence of today changes no arm, but budgets or figures in the profiles; {shown} which"]
    count = len(found.changes)
    categories = "1 category" if count == 1 else f"{count} categories"
    tasks = sum(change.tasks for change in found.changes if change.saved_usd is not None)
    time_asked = f"since {since}" if since else "so far"
    worth = f", {_worth(found.saved_usd)} on their {tasks:,} tasks {time_asked}" if tasks else ""
    lines = [f"the evidence of today gives {categories} another arm{worth}; {shown} the change:"]
    return [*lines, *(_line(one) for one in found.changes)]


def _line(one: Change) -> str:
    line = f"  {one.category}: {one.before} -> {one.after}"
    if one.saved_usd is None or one.p_pass_change is None:
        return line + "  (its worth is not known: one of the two was never measured)"
    change = one.p_pass_change
    solved = (
        f"{100 * abs(change):.0f} points {'more' if change > 0 else 'fewer'} solved"
        if abs(change) >= SAME_SHARE
        else ""
    )
    if not one.tasks:
        words = f"{_worth(one.saved_usd_per_task or 0.0)} per task"
    else:
        words = f"{_worth(one.saved_usd)} on {one.tasks:,} task{'s' if one.tasks != 1 else ''}"
    return f"{line}  ({', '.join(part for part in (words, solved) if part)})"


def _worth(usd: float) -> str:
    return f"about {money(abs(usd))} {'less' if usd >= 0 else 'more'}"


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
                "saved_usd_per_task": one.saved_usd_per_task,
                "p_pass_change": one.p_pass_change,
                "guess": True,
            }
            for one in found.changes
        ],
        "profiles_differ": found.differs,
        "saved_usd": found.saved_usd,
    }
