"""``codex-router exec``: a drop-in for ``codex exec`` with the right profile and a budget that holds.

Everything before Codex starts is on the user's time, so this module imports nothing heavy at its top, and click not at
all: the grammar is Codex's, which click cannot read.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.argv import ExecLine, parse_exec
from codex_router.codex.launch import Ran, run
from codex_router.codex.locate import Codex, find_codex
from codex_router.codex.ready import check_ready
from codex_router.commands.exec_words import after, before, budget_event
from codex_router.commands.routing import Route, choice, route
from codex_router.errors import ExitCode, LaunchError, RouterError
from codex_router.home import codex_home, router_home
from codex_router.records import Budget
from codex_router.show.notice import say

if TYPE_CHECKING:
    from codex_router.codex.session import Price
    from codex_router.evidence.prices import Rates
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
  --max-seconds S    stop after S seconds (0: no limit)  [default: the tier's, else 14400]
  --explain          say more on stderr
  --quiet            say nothing on stderr
  --no-record        write nothing to the ledger
  --router-help      this text

Exit status: Codex's own; 124 stopped at a budget; 125 failed before Codex started; 126, 127 Codex cannot be run, or
was not found; 128+n Codex died of signal n.
"""
MAX_SECONDS = 4 * 3600.0
"""Wall-clock limit where nothing else is said: without a connection Codex retries for ever (0.148 and later)."""
MAX_PROMPT_BYTES = 1 << 20
"""How much of a prompt on standard input is looked at."""


class Job(NamedTuple):
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
    line = parse_exec(argv)
    if line.own.help:
        sys.stdout.write(HELP)
        return ExitCode.DONE
    try:
        job = _prepared(line)
    except LaunchError:
        raise
    except RouterError as error:
        raise LaunchError(error.what, where=error.where, hint=error.hint) from error
    prices = _prices()
    if not line.own.quiet:
        for text in before(job, prices):
            say(f"codex-router: {text}")
    ran = run(job.argv, str(codex_home()), _folder(line), _price(prices), job.budget, job.stdin)
    _afterwards(job, ran)
    return ran.status


def _prepared(line: ExecLine) -> Job:
    codex = find_codex()
    if line.inert or line.subcommand or line.chosen:
        return Job(
            codex, line, [codex.path, "exec", *line.words], _budget(line, Budget()), None, line.prompt or "", None
        )
    prompt, stdin = line.prompt, None
    if prompt is None and sys.stdin is not None and not sys.stdin.isatty():
        prompt, stdin = _piped_prompt()
    chosen = route(prompt, codex_home(), line.own.tier, line.own.category)
    has_native = check_ready(codex_home(), chosen.tier.name, codex.reads)
    # The profile's own token budget was made from the tier's dollars; another limit for this run replaces it.
    native = ["-c", "features.rollout_budget.enabled=false"] if has_native and line.own.max_cost_usd is not None else []
    words = [codex.path, "exec", *choice(chosen.tier), *native, *line.words]
    return Job(codex, line, words, _budget(line, chosen.tier.budget), chosen, prompt or "", stdin)


def _budget(line: ExecLine, default: Budget) -> Budget:
    """Return what holds for this run: the command line, else the tier, else the default."""
    turns, cost, seconds = line.own.max_turns, line.own.max_cost_usd, line.own.max_seconds
    if seconds is None:
        seconds = MAX_SECONDS if default.max_seconds is None else default.max_seconds
    if line.ephemeral:  # no session file, so nothing to count
        return Budget(max_seconds=seconds or None)
    return Budget(
        default.max_turns if turns is None else turns or None,
        default.max_cost_usd if cost is None else cost or None,
        seconds or None,
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


def _prices() -> dict[str, Rates]:
    """Return the snapshot that `init` and `apply` leave; without one nothing is known."""
    from codex_router.evidence.prices import FILE, load_snapshot

    try:
        return load_snapshot(router_home() / FILE)
    except RouterError:
        return {}


def _price(prices: dict[str, Rates]) -> Price:
    """Return what prices a response."""
    from codex_router.evidence.prices import cost_usd

    def price(model: str, usage: Usage) -> float | None:
        rates = prices.get(model)
        return None if rates is None else cost_usd(rates, usage)

    return price


def _afterwards(job: Job, ran: Ran) -> None:
    """Record the attempt and say what it cost; whatever goes wrong here, the run's status stands."""
    if job.line.inert:
        return
    own = job.line.own
    recorded = "" if own.no_record or os.environ.get("CODEX_ROUTER_NO_RECORD") else _recorded(job, ran)
    event = budget_event(job, ran) if job.line.as_json else None
    if event is not None:
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{event}\n")
            sys.stdout.flush()
    if not own.quiet:
        say(f"codex-router: {after(job, ran, recorded)}")


def _recorded(job: Job, ran: Ran) -> str:
    from codex_router.commands.record import record

    try:
        return f"run {record(job.codex, job.route, job.prompt, ran)[:8]}"
    except RouterError as error:
        return f"not recorded: {error}"
    except Exception as error:  # noqa: BLE001 - Codex has done its work; nothing here may spoil its exit status
        return f"not recorded: {type(error).__name__}: {error}"
