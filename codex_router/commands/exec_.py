"""``codex-router exec``: a drop-in for ``codex exec`` with the right profile and a budget that holds.

Everything before Codex starts is on the user's time, so this module imports nothing heavy at its top, and click not at
all: the grammar is Codex's, which click cannot read.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.argv import ExecLine, parse_exec
from codex_router.codex.launch import Ran, run
from codex_router.codex.locate import Codex, find_codex
from codex_router.codex.ready import check_ready
from codex_router.commands.routing import Route, choice, route
from codex_router.errors import ExitCode, LaunchError, RouterError
from codex_router.home import codex_home, router_home
from codex_router.records import Budget

if TYPE_CHECKING:
    from codex_router.codex.session import Price
    from codex_router.records import Usage

HELP = """\
Usage: codex-router exec [ROUTER OPTIONS] [CODEX EXEC OPTIONS] [PROMPT]

Run `codex exec` with the profile that the prompt deserves, stop it at its budget, record what it cost.
All options of `codex exec` keep their meaning (see `codex exec --help`); -m, -p or -c model=... make the router
step aside. `resume`, `fork` and `review` pass through.

Router options:
  --tier NAME        use this tier
  --category NAME    take the prompt for this kind of task
  --max-turns N      stop after N model responses (0: no limit)  [default: the tier's]
  --max-cost USD     stop when this is spent (0: no limit)  [default: the tier's]
  --explain          say more on stderr
  --quiet            say nothing on stderr
  --no-record        write nothing to the ledger
  --router-help      this text

Exit status: Codex's own; 124 stopped at a budget; 125 failed before Codex started; 126, 127 Codex cannot be run, or
was not found; 128+n Codex died of signal n.
"""
MAX_PROMPT_BYTES = 1 << 20
"""How much of a prompt on standard input is looked at."""


class _Job(NamedTuple):
    """A run, ready to start."""

    codex: Codex
    line: ExecLine
    argv: list[str]
    budget: Budget
    route: Route | None
    """None when the router steps aside."""
    prompt: str
    stdin: int | None


def main(argv: list[str]) -> int:
    """Run one ``exec`` command line (without the word) and return the exit status.

    Raises:
        UsageError: one of our own options is wrong.
        LaunchError: Codex cannot be started as asked.
    """
    if "--router-help" in argv:
        sys.stdout.write(HELP)
        return ExitCode.DONE
    line = parse_exec(argv)
    try:
        job = _prepared(line)
    except LaunchError:
        raise
    except RouterError as error:
        raise LaunchError(error.what, where=error.where, hint=error.hint) from error
    if not line.own.quiet:
        _announce(job)
    ran = run(job.argv, str(codex_home()), _folder(line), _price(), job.budget, job.stdin)
    _afterwards(job, ran)
    return ran.status


def _prepared(line: ExecLine) -> _Job:
    codex = find_codex()
    if line.inert or line.subcommand or line.chosen:
        return _Job(
            codex, line, [codex.path, "exec", *line.words], _budget(line, Budget()), None, line.prompt or "", None
        )
    prompt, stdin = line.prompt, None
    if prompt is None and not sys.stdin.isatty():
        prompt, stdin = _piped_prompt()
    chosen = route(prompt, codex_home(), line.own.tier, line.own.category)
    has_native = check_ready(codex_home(), chosen.tier.name, codex.reads)
    # The profile's own token budget was made from the tier's dollars; another limit for this run replaces it.
    native = ["-c", "features.rollout_budget.enabled=false"] if has_native and line.own.max_cost_usd is not None else []
    words = [codex.path, "exec", *choice(chosen.tier), *native, *line.words]
    return _Job(codex, line, words, _budget(line, chosen.tier.budget), chosen, prompt or "", stdin)


def _budget(line: ExecLine, default: Budget) -> Budget:
    turns, cost = line.own.max_turns, line.own.max_cost_usd
    return Budget(
        default.max_turns if turns is None else turns or None,
        default.max_cost_usd if cost is None else cost or None,
    )


def _piped_prompt() -> tuple[str, int]:
    """Read the prompt on standard input; return it and a descriptor from which Codex reads the very same bytes."""
    import tempfile

    with tempfile.TemporaryFile() as spool:
        with open(0, "rb", closefd=False) as stream:
            while chunk := stream.read(1 << 16):
                spool.write(chunk)
        spool.seek(0)
        text = spool.read(MAX_PROMPT_BYTES).decode("utf-8", errors="replace")
        descriptor = os.dup(spool.fileno())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return text, descriptor


def _folder(line: ExecLine) -> str:
    return str(Path.cwd() / (line.folder or ""))


def _price() -> Price:
    """Return what prices a response from the snapshot that `init` and `apply` leave; without one nothing is known."""
    from codex_router.evidence.prices import FILE, cost_usd, load_snapshot

    try:
        known = load_snapshot(router_home() / FILE)
    except RouterError:
        known = {}

    def price(model: str, usage: Usage) -> float | None:
        rates = known.get(model)
        return None if rates is None else cost_usd(rates, usage)

    return price


def _announce(job: _Job) -> None:
    """Say in one line what was decided."""
    if job.line.inert:
        return
    limits = _limits(job.budget)
    if job.route is None:
        if limits:
            sys.stderr.write(f"codex-router: as you chose · {limits}\n")
        return
    tier = job.route.tier
    words = [f"{job.route.why} -> {tier.name}: {tier.arm}", limits]
    sys.stderr.write(f"codex-router: {' · '.join(word for word in words if word)}\n")
    if job.line.own.explain:
        found = job.route.classification
        if found is not None:
            ranked = ", ".join(f"{name} {probability:.2f}" for name, probability in found.probabilities[:4])
            sys.stderr.write(f"codex-router: {ranked}; because of: {', '.join(found.because)}\n")
        sys.stderr.write(f"codex-router: {_quoted(job.argv)}\n")


def _quoted(argv: list[str]) -> str:
    import shlex

    return shlex.join(argv)


def _limits(budget: Budget) -> str:
    words = [
        f"<= {budget.max_turns} turns" if budget.max_turns else "",
        f"<= ${budget.max_cost_usd:,.2f}" if budget.max_cost_usd else "",
    ]
    return " · ".join(word for word in words if word)


def _afterwards(job: _Job, ran: Ran) -> None:
    """Record the attempt and say what it cost; whatever goes wrong here, the run's status stands."""
    if job.line.inert:
        return
    said = ""
    if not job.line.own.no_record and not os.environ.get("CODEX_ROUTER_NO_RECORD"):
        from codex_router.commands.record import record

        try:
            said = f" · run {record(job.codex, job.route, job.prompt, ran)[:8]}"
        except (RouterError, OSError) as error:
            said = f" · not recorded: {error}"
    if not job.line.own.quiet:
        cost = ran.progress.cost_usd
        spent = "cost unknown" if cost is None else f"${cost:.4f}"
        stopped = f"stopped at the budget ({_limits(job.budget)}); the work so far is left in place · "
        head = stopped if ran.end == "budget" else ""
        sys.stderr.write(f"codex-router: {head}{ran.progress.responses} turns · {spent}{said}\n")
