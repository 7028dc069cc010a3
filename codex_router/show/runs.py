"""Checked runs, for people and as JSON."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from codex_router.show.table import money, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.table import Table

    from codex_router.codex.kept import KeptAttempt, KeptCheck, KeptRun
    from codex_router.records import Response

STYLES = {"accepted": "ok", "rejected": "bad", "failed": "bad", "interrupted": "warn", "running": "dim"}


def listing(runs: Iterable[KeptRun]) -> Table:
    """Return the overview, newest last."""
    rows = [
        (
            run.run,
            Text(run.result, STYLES[run.result]),
            " > ".join(one.tier or "as chosen" for one in run.attempts),
            money(cost_usd(run)) if run.attempts else "",
            run.folder,
        )
        for run in runs
    ]
    return table(("run", "result", "attempts", ">cost", "folder"), rows)


def details(run: KeptRun, states: Sequence[str], inside: Mapping[str, Mapping[str, str]]) -> Iterator[Text | Table]:
    """Yield all there is to know of a run.

    Args:
        run: the run.
        states: those that can be restored.
        inside: the refs of repositories inside, by path and state.
    """
    yield Text.assemble((run.run, "bold"), f" · {run.started} · ", (run.result, STYLES[run.result]), f" · {run.folder}")
    columns = ("attempt", "tier", "model", "effort", "end", ">turns", ">cost", "checks")
    yield table(columns, [_attempt(one) for one in run.attempts])
    if run.first_checks:
        yield Text(f"before the first attempt: {_checks(run.first_checks)}")
    yield Text(f"output of the checks: {run.path}")
    if run.no_snapshot:
        yield Text(f"no snapshots: {run.no_snapshot}", "warn")
    for state in states:
        yield Text(f"codex-router runs restore {run.run} {state}")
    if states:
        last = _last_attempt(states)
        yield Text(f"git diff refs/codex-router/{run.run}/{states[0]} refs/codex-router/{run.run}/{last}")
    for path, refs in inside.items():
        first, *_ = refs.values()
        yield Text(f"git -C {shlex.quote(path)} diff {first} {refs[_last_attempt([*refs])]}")


def _last_attempt(states: Sequence[str]) -> str:
    """Return what the last attempt left; of states kept by other names alone, the last."""
    return next((state for state in reversed(states) if state.isdigit()), states[-1])


def cost_usd(run: KeptRun) -> float | None:
    """Return what all attempts cost together; None when that of one is unknown."""
    costs = [one.cost_usd for one in run.attempts]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def run_json(
    run: KeptRun, states: Sequence[str], responses: Mapping[str, Sequence[Response]] | None = None
) -> dict[str, Any]:
    """Return a run as plain values.

    Args:
        run: the run.
        states: those that can be restored.
        responses: the model responses by attempt id; None leaves them out.
    """
    plain: dict[str, Any] = json.loads(json.dumps(asdict(run)))
    if responses is not None:
        for one in plain["attempts"]:
            one["responses"] = [_response(each) for each in responses.get(one["attempt_id"], ())]
    return {**plain, "cost_usd": cost_usd(run), "states": list(states)}


def _response(one: Response) -> dict[str, Any]:
    return {
        "at": one.at,
        "thread_id": one.thread_id,
        "model": one.model,
        **one.usage._asdict(),
        "cost_usd": one.cost_usd,
    }


def _attempt(one: KeptAttempt) -> tuple[str, ...]:
    turns = "?" if one.turns is None else str(one.turns)
    arm = (one.tier or "", one.model or "?", one.effort or "")
    return (str(one.number), *arm, one.end, turns, money(one.cost_usd), _checks(one.checks))


def _checks(checks: Sequence[KeptCheck]) -> str:
    return ", ".join(f"{one.command}: {_how(one)}" for one in checks) or "not run"


def _how(one: KeptCheck) -> str:
    if one.status is None:
        return f"took too long ({one.seconds:.0f} s)"
    return "passed" if one.status == 0 else f"failed ({one.status})"
