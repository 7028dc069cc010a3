"""``codex-router exec``: a drop-in for ``codex exec`` with the right profile and a budget that holds.

Everything before Codex starts is on the user's time, so this module imports little at its top, and click not at all:
the grammar is Codex's, which click cannot read.
"""

from __future__ import annotations

import contextlib
import os
import sys

from codex_router.codex.argv import ExecLine, parse_exec
from codex_router.codex.locate import Codex, find_codex
from codex_router.codex.versions import REQUEST_HOOK, version_text
from codex_router.commands.attempt import attempt
from codex_router.commands.exec_words import after, before, say
from codex_router.errors import ExitCode, LaunchError, RouterError, UsageError
from codex_router.home import codex_folder, router_folder
from codex_router.named import TYPE_CHECKING, NamedTuple
from codex_router.records import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.commands.routing import Route
    from codex_router.evidence.prices import Rates

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
  --check COMMAND    accept the result only if this shell command succeeds (repeatable); see below
  --check-seconds S  limit for each check (0: none)  [default: 600]
  --attempts N       tiers to try in turn while a check fails  [default: 2]
  --keep-going       the next tier continues from the failed state and is told what failed
  --gate             each request waits until the answers before it are counted (Codex 0.165 and later): limits hold
                     on the busiest machine; it is a hook that Codex is told to trust, and says so on stderr
  --explain          say more on stderr
  --quiet            say nothing on stderr
  --no-record        write nothing to the ledger
  --record-prompt    keep the prompt's text too, in `prompts` beside the ledger; else only its hash
  --router-help      this text

With --check the checks run before and after each attempt. While one fails, the work tree is brought back and the next
tier of higher task value tries, if it is worth its cost. Every state is kept: see `codex-router runs --help`.

Exit status: Codex's own; 124 stopped at a budget; 125 failed before Codex started; 126, 127 Codex cannot be run, or
was not found; 128+n Codex died of signal n. With --check: 0 the checks passed; 123 one still failed after the last
attempt.
"""
MAX_SECONDS = 4 * 3600.0
"""Wall-clock limit where nothing else is said: without a connection Codex retries for ever (0.148 and later)."""
MAX_PROMPT_BYTES = 1 << 20
"""How much of a prompt on standard input is looked at."""
STDIN_BESIDE_PROMPT = (0, 118, 0)
"""From this version on Codex reads piped standard input also when the prompt is an argument."""


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
    """A file with what was piped in; None is our own standard input."""
    prices: dict[str, Rates]
    """Known list prices by model."""


def main(argv: list[str], root_options: Sequence[str] = ()) -> int:
    """Run one ``exec`` command line and return the exit status.

    Args:
        argv: what is behind the word ``exec``.
        root_options: Codex's own options in front of it.

    Raises:
        UsageError: one of our own options is wrong.
        LaunchError: Codex cannot be started as asked.
    """
    line = parse_exec(argv, root_options)
    if line.own.help:
        print(HELP, end="")
        return ExitCode.DONE
    try:
        job = _prepared(line)
    except LaunchError:
        raise
    except RouterError as error:
        raise LaunchError(error.what, where=error.where, hint=error.hint) from error
    if line.own.checks and not line.inert:
        from codex_router.commands.escalate import escalate

        return escalate(job)
    if not line.own.quiet:
        say(*before(job))
    done = attempt(job)
    if not (line.own.quiet or line.inert):
        say(after(job, done.ran, done.recorded))
    return done.ran.status


def _prepared(line: ExecLine) -> Job:
    codex = find_codex()
    if line.own.gate and codex.version < REQUEST_HOOK:
        raise UsageError(f"--gate needs Codex {version_text(REQUEST_HOOK)} or later", where=codex, hint="leave it out")
    if line.inert or line.subcommand or line.chosen:
        words = [codex.path, *line.before, "exec", *line.words]
        return Job(codex, line, words, _budget(line, Budget()), None, line.prompt or "", None, _prices())
    from codex_router.commands.routing import route

    prompt, stdin = line.prompt, None
    reads_stdin = prompt is None or (line.own.checks and codex.version >= STDIN_BESIDE_PROMPT)
    if reads_stdin and sys.stdin is not None and not sys.stdin.isatty():
        with contextlib.suppress(OSError):  # Codex will meet it too, and say so
            piped, stdin = _piped_prompt()
            prompt = piped if prompt is None else prompt
    return for_route(codex, line, route(prompt, codex_folder(), line.own.tier, line.own.category), prompt or "", stdin)


def for_route(codex: Codex, line: ExecLine, chosen: Route, prompt: str, stdin: int | None) -> Job:
    """Return the run of a prompt with a tier.

    Raises:
        LaunchError: Codex would not find the tier's profile.
    """
    from codex_router.codex.ready import check_ready
    from codex_router.commands.routing import choice

    prices, limit = _prices(), line.own.max_cost_usd
    has_native = check_ready(codex_folder(), chosen.tier.name, codex.reads)
    # The profile's own token budget was made from the tier's dollars; another limit that can hold replaces it.
    is_replaced = limit == 0 or (limit is not None and chosen.tier.arm.model in prices)
    native = ["-c", "features.rollout_budget.enabled=false"] if has_native and is_replaced else []
    words = [codex.path, *line.before, "exec", *choice(chosen.tier), *native, *line.words]
    return Job(codex, line, words, _budget(line, chosen.tier.budget), chosen, prompt, stdin, prices)


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
    descriptor = _spool()
    with open(0, "rb", closefd=False) as stream, open(descriptor, "r+b", closefd=False) as spool:
        while chunk := stream.read(1 << 16):
            spool.write(chunk)
        spool.seek(0)
        text = spool.read(MAX_PROMPT_BYTES).decode("utf-8", errors="replace")
    return text, descriptor


def _spool() -> int:
    """Return a descriptor to keep bytes in: in memory, so that no disk need be there or have room; else in a file."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("prompt")
    import tempfile

    with tempfile.TemporaryFile() as spool:
        return os.dup(spool.fileno())


def _prices() -> dict[str, Rates]:
    """Return the snapshot that `init` and `apply` leave; without one nothing is known."""
    from codex_router.evidence.prices import FILE, load_snapshot

    try:
        return load_snapshot(os.path.join(router_folder(), FILE))
    except RouterError:
        return {}
