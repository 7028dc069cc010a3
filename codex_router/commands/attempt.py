"""One attempt: Codex started, followed to its end, recorded."""

from __future__ import annotations

import contextlib
import gc
import os

from codex_router.codex.launch import Launched
from codex_router.commands.exec_words import budget_event, say
from codex_router.errors import RouterError
from codex_router.home import codex_folder
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from codex_router.codex.argv import ExecLine
    from codex_router.codex.gate import Gate
    from codex_router.codex.session import Price
    from codex_router.codex.supervise import Ran
    from codex_router.commands.exec_ import Job
    from codex_router.commands.record import Recorder
    from codex_router.evidence.prices import Rates
    from codex_router.evidence.runs import Run
    from codex_router.records import Usage


class Done(NamedTuple):
    """An attempt that ended."""

    ran: Ran
    entry: Run | None
    """As it is in the ledger; None when it is not."""
    recorded: str
    """The same in words."""
    late: int | None
    """A signal that came when Codex had ended."""


def attempt(job: Job) -> Done:
    """Run Codex and record it; whatever goes wrong with the record, the run's status stands."""
    at = folder(job.line)
    if job.stdin is not None:
        os.lseek(job.stdin, 0, os.SEEK_SET)
    with _gate(job) as gate, Launched(_gated(job, gate), job.stdin) as codex:
        gc.enable()
        # Codex takes longer to start than what is needed from here on takes to import.
        from codex_router.codex.supervise import supervise

        recorder = _recorder(job, at)
        where = None if job.line.ephemeral else at
        blind = None if job.line.own.quiet else _say_blind
        ran = supervise(codex, codex_folder(), where, _price(job.prices), job.budget, gate, blind)
        recorded, entry = _record(recorder, ran)
    if gate and not gate.passed and ran.progress.responses and not job.line.own.quiet:
        say("this Codex did not heed --gate; the limits were held by following its session file")
    event = budget_event(job, ran) if job.line.as_json else None
    if event is not None:
        with contextlib.suppress(OSError):
            print(event, flush=True)  # unlike `sys.stdout.write`, also where standard output is closed
    return Done(ran, entry, recorded, codex.late)


def _say_blind() -> None:
    say("Codex keeps no session file: turns and cost cannot be seen and their limits do not hold; the time limit does")


def _gate(job: Job) -> AbstractContextManager[Gate | None]:
    if not job.line.own.gate or job.line.inert:
        return contextlib.nullcontext()
    from codex_router.codex.gate import Gate

    return Gate()


def _gated(job: Job, gate: Gate | None) -> list[str]:
    """Return the command line, with the options that set up the gate right behind ``exec``."""
    at = len(job.line.before) + 2
    return [*job.argv[:at], *gate.words, *job.argv[at:]] if gate else job.argv


def folder(line: ExecLine) -> str:
    """Return where Codex will work; of a folder that is gone, the path that it had: Codex itself will refuse it."""
    try:
        here = os.getcwd()
    except OSError:
        here = os.environ.get("PWD", "/")
    return os.path.join(here, line.folder or "")


def _price(prices: dict[str, Rates]) -> Price:
    """Return what prices a response."""
    from codex_router.evidence.prices import cost_usd

    def price(model: str, usage: Usage) -> float | None:
        rates = prices.get(model)
        return None if rates is None else cost_usd(rates, usage)

    return price


def _recorder(job: Job, at: str) -> Recorder | str:
    """Return what will put the attempt into the ledger; else why there is none, in words."""
    if job.line.inert or job.line.own.no_record or os.environ.get("CODEX_ROUTER_NO_RECORD"):
        return ""
    try:
        from codex_router.commands.record import Recorder

        return Recorder(job.codex, job.route, job.prompt, at, keep_text=job.line.own.record_prompt)
    except Exception as error:  # noqa: BLE001 - see `_record`
        return f"not recorded: {type(error).__name__}: {error}"


def _record(recorder: Recorder | str, ran: Ran) -> tuple[str, Run | None]:
    """Put the attempt into the ledger; return what to say of it, and the entry."""
    if isinstance(recorder, str):
        return recorder, None
    try:
        entry = recorder.record(ran)
    except RouterError as error:
        return f"not recorded: {error}", None
    except Exception as error:  # noqa: BLE001 - Codex has done its work; nothing here may spoil its exit status
        return f"not recorded: {type(error).__name__}: {error}", None
    return f"run {entry.attempt.attempt_id[:8]}", entry
