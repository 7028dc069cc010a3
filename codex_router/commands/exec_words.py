"""What `exec` says: a line before, a line after, and one event of its own at a budget stop under ``--json``."""

from __future__ import annotations

import signal

from codex_router.codex.launch import TAKEN
from codex_router.named import TYPE_CHECKING
from codex_router.show import notice

if TYPE_CHECKING:
    from codex_router.codex.supervise import Ran
    from codex_router.commands.exec_ import Job
    from codex_router.commands.routing import Route
    from codex_router.records import Budget

DEATHS = {128 + number: number.name for number in signal.Signals if number not in TAKEN}
"""Statuses of a Codex that died of a signal which is not one to interrupt it with, and the signal's name."""
CODES = {"turns": "max_agent_turns_exceeded", "cost": "max_cost_exceeded", "seconds": "max_seconds_exceeded"}
"""Codes of our event, by limit; the first is the one that users asked Codex for (openai/codex #33294)."""


def say(*lines: str) -> None:
    """Write lines of ours on stderr."""
    for line in lines:
        notice.say(f"codex-router: {line}")


def before(job: Job, then: str = "") -> list[str]:
    """Return what was decided, in one line; in several when asked to explain, or when a limit cannot hold.

    Args:
        job: the run.
        then: what comes after it.
    """
    if job.line.inert:
        return []
    limits = limit_words(job.budget)
    lines = []
    if job.route is not None:
        tier = job.route.tier
        words = (f"{job.route.why} -> {tier.name}: {tier.arm}", limits, then)
        lines.append(" · ".join(word for word in words if word))
    elif job.line.own.max_turns or job.line.own.max_cost_usd or job.line.own.explain:
        lines.append(" · ".join(word for word in ("as you chose", limits) if word))
    if job.route is None and (job.line.own.tier or job.line.own.category):
        why = f"`{job.line.subcommand}` is not routed" if job.line.subcommand else "you chose model, effort or profile"
        lines.append(f"--tier and --category change nothing: {why}")
    model = job.route.tier.arm.model if job.route else job.line.model
    if job.line.ephemeral and job.route is not None:
        lines.append(
            "--ephemeral writes no session file: turns and cost cannot be seen; the time limit holds, "
            "and Codex's own token budget where the profile has one"
        )
    elif model is not None and job.budget.max_cost_usd and model not in job.prices:
        lines.append(f"the cost limit cannot hold: the price of {model} is unknown")
    return lines + (_explanation(job) if job.line.own.explain else [])


def _explanation(job: Job) -> list[str]:
    import shlex

    from codex_router.commands.explaining import explained

    return [*(explained(job.route, job.prompt) if job.route else []), shlex.join(job.argv)]


def limit_words(budget: Budget) -> str:
    """Return a budget as ``<= 90 turns · <= $1.10``; the time limit, a backstop, goes unsaid unless short."""
    words = [
        f"<= {_turns(budget.max_turns)}" if budget.max_turns else "",
        f"<= {_usd(budget.max_cost_usd)}" if budget.max_cost_usd else "",
        f"<= {budget.max_seconds:g} s" if budget.max_seconds and budget.max_seconds < 3600 else "",
    ]
    return " · ".join(word for word in words if word)


def _turns(number: int) -> str:
    return f"{number} turn" if number == 1 else f"{number} turns"


def _usd(amount: float) -> str:
    """Return an amount in dollars and cents; a smaller one as it is."""
    return f"${amount:,.2f}" if amount >= 0.01 else f"${amount:.2g}"


def after(job: Job, ran: Ran, recorded: str, verdict: str = "", *, rejected: bool = False) -> str:
    """Return how it ended, what it took, and what the dearest tier would have cost about, if no check rejected it."""
    progress = ran.progress
    if ran.thread_id is None:
        used = ["no session file, so turns and cost are unknown"]
    else:
        unknown = "cost unknown, so its limit did not hold" if job.budget.max_cost_usd else "cost unknown"
        used = [
            _turns(progress.responses),
            unknown if progress.cost_usd is None else f"${progress.cost_usd:.4g}",
        ]
    words = [
        verdict,
        _ending(ran, job.budget),
        *used,
        _compared(job.route, progress.cost_usd) if ran.end == "completed" and not rejected else "",
        recorded,
    ]
    return " · ".join(word for word in words if word)


def _ending(ran: Ran, budget: Budget) -> str:
    limits = {
        "turns": f"the limit of {_turns(budget.max_turns or 0)}",
        "cost": f"the limit of {_usd(budget.max_cost_usd or 0.0)}",
        "seconds": f"the limit of {budget.max_seconds or 0:g} s",
        "tokens": "Codex's own token budget",
    }
    if ran.limit is not None:
        return f"stopped at {limits[ran.limit]}; the work so far is left in place"
    if ran.status in DEATHS:
        return f"Codex died of {DEATHS[ran.status]}"
    return {"abort": "interrupted", "error": f"Codex failed (status {ran.status})"}.get(ran.end, "")


def _compared(route: Route | None, spent: float | None) -> str:
    """Scale what was spent by the ratio of the two predicted costs; an estimate, and said to be one."""
    if route is None or not spent or route.dearest.arm == route.tier.arm:
        return ""
    mine, dearest = route.tier.expected_cost_usd, route.dearest.expected_cost_usd
    return f"{route.dearest.name} would have cost about ${spent * dearest / mine:.2g}" if mine and dearest else ""


def budget_event(job: Job, ran: Ran) -> str | None:
    """Return the JSONL event of a stop that was ours; Codex reports the end at its own budget itself."""
    import json

    if ran.limit is None or ran.limit not in CODES:
        return None
    budget, progress = job.budget, ran.progress
    limits = {
        "max_turns": budget.max_turns,
        "max_cost_usd": budget.max_cost_usd,
        "max_seconds": budget.max_seconds,
    }
    used = {"turns": progress.responses, "cost_usd": progress.cost_usd, "seconds": round(ran.seconds, 3)}
    error = {"message": _ending(ran, budget), "code": CODES[ran.limit], "limits": limits, "used": used}
    return json.dumps({"type": "turn.failed", "error": error})
