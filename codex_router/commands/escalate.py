"""``exec --check``: run, check, and while the checks reject the result, let the next tier try from a clean start.

The rules, in the order in which they are asked:

* Codex was interrupted: nothing more happens; the tree stays as it is.
* All checks pass: accepted. The status is 0, also when the attempt was stopped at a budget; only an error of Codex
  itself keeps its own status.
* Codex failed before the model answered once: nothing was tried; its own status.
* Attempts are left, `next_step` names a tier, and the money given with ``--max-cost`` is not used up: the tree is
  brought back and that tier tries. ``--max-cost`` holds for all attempts together, other limits for each.
* Else the best attempt's tree is put in place (fewest failing checks, then the last) and the status is 123.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_router.codex.acceptance import Checked, check
from codex_router.codex.git import Git
from codex_router.codex.kept import KeptAttempt, KeptCheck, begin
from codex_router.codex.restore import restore
from codex_router.codex.router_file import read_plan
from codex_router.codex.snapshot import REFS, Snapshot, obstacle, take
from codex_router.commands.exec_ import Done, Job, attempt, folder, for_route
from codex_router.commands.exec_words import after, before, say
from codex_router.commands.told_failure import with_failure
from codex_router.decide.escalation import MAX_ATTEMPTS, best, next_step
from codex_router.errors import ExitCode, RouterError, UsageError
from codex_router.home import codex_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from codex_router.codex.kept import Result
    from codex_router.records import Outcome, OutcomeSource, Tier

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Ended(BaseException):
    """A signal asks us to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def escalate(job: Job) -> int:
    """Run a job under its checks and return the exit status.

    Raises:
        UsageError: the checks could not see what Codex does.
        LaunchError: Codex cannot be started for the first attempt.
    """
    if job.line.elsewhere:
        raise UsageError("--check does not go with --worktree", hint="Codex would work where the checks do not look")
    trial = _Trial(job)
    try:
        with _ended_by_signals():
            return trial.run()
    except _Ended as ended:
        trial.close("interrupted")
        trial.say(f"interrupted; {trial.where()}{trial.hint()}")
        return 128 + ended.number
    except BaseException:
        trial.close("failed")
        raise


class _Trial:
    """A job under its checks, from the first attempt to the verdict."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.own = job.line.own
        self.stdin = job.stdin
        self.folder = folder(job.line)
        self.tried: list[Tier] = [job.route.tier] if job.route else []
        self.spent_usd = 0.0
        self.git, self.clean, why_not = None, None, None
        try:
            self.git = Git(self.folder)
            why_not = obstacle(self.git)
        except RouterError as error:
            why_not = error.what
        self.git = None if why_not else self.git
        self.kept = begin(self.folder, os.fsdecode(self.git.top) if self.git else None, why_not, self.own.checks)
        self.states: dict[int, Snapshot] = {}
        self.first: list[Checked] = []

    def say(self, *lines: str) -> None:
        if not self.own.quiet:
            say(*lines)

    def run(self) -> int:
        """Run attempts until one is accepted or there is nothing more to try."""
        self._begin()
        while True:
            done = attempt(self.job)
            self.spent_usd += done.ran.progress.cost_usd or 0.0
            number = self._ended(done)
            if done.ran.end == "abort":
                return self._finish("interrupted", done, [])
            checks = self._checks(f"attempt-{number}")
            self._judged(number, done, checks)
            self.say(after(self.job, done.ran, done.recorded, _verdict(checks)))
            if all(one.passed for one in checks):
                return self._finish("accepted", done, checks)
            if done.ran.end == "error" and not done.ran.progress.responses:
                return self._finish("failed", done, checks)
            following = self._next(checks)
            if following is None:
                return self._finish("rejected", done, checks)
            self.job = following

    def _begin(self) -> None:
        """Store the clean state, and see what the checks say of it."""
        tier = next_step(read_plan(codex_home()), self.tried) if self._may_go_on() else None
        self.say(*before(self.job, f"then {tier.name} if the check fails" if tier else ""))
        if self.git is None:
            self.say(f"no snapshot: {self.kept.no_snapshot}; one attempt, and nothing is brought back")
        else:
            self._snapshot(0, "before the first attempt")
            self.kept.before = self.states[0].ref
            self.kept.in_place = 0
            self.kept.save()
        self.first = self._checks("before")
        self.kept.first_checks = _kept(self.first)
        self.kept.save()
        if all(one.passed for one in self.first):
            self.say("the check passes already, before the first attempt: it may not measure this task")
        self._back_to(0, "0-checked", "before the first attempt, after the checks")

    def _ended(self, done: Done) -> int:
        """Keep an attempt as it ended; return its number."""
        number, ran = len(self.kept.attempts) + 1, done.ran
        tier = self.job.route.tier if self.job.route else None
        self.kept.in_place = number if self.git else None
        self.kept.attempts.append(
            KeptAttempt(
                number=number,
                attempt_id=done.entry.attempt.attempt_id if done.entry else None,
                tier=tier.name if tier else None,
                model=ran.model or (tier.arm.model if tier else None),
                effort=ran.effort or (tier.arm.effort if tier else None),
                end=ran.end,
                status=ran.status,
                cost_usd=ran.progress.cost_usd,
                turns=ran.progress.responses if ran.thread_id else None,
                seconds=ran.seconds,
            )
        )
        self.kept.save()
        self._snapshot(number, f"attempt {number}{f' ({tier.name})' if tier else ''}")
        if number in self.states:
            self._change(number, snapshot=self.states[number].ref)
        return number

    def _judged(self, number: int, done: Done, checks: list[Checked]) -> None:
        """Keep what the checks said of an attempt, here and in the ledger."""
        self._change(number, checks=_kept(checks))
        for one in checks:
            if not one.passed:
                again = "; it failed so before the first attempt too" if self._failed_so_before(one) else ""
                lines = [f"check failed: {one}{again}", *(f"  | {line}" for line in one.last_lines())]
                self.say(*lines, f"  all of it: {one.output}")
        outcome, source = self._outcome(done, checks)
        if done.entry is not None and outcome != "unknown":
            from codex_router.commands.record import store

            entry = replace(done.entry, attempt=replace(done.entry.attempt, outcome=outcome), outcome_source=source)
            try:
                store(entry)
            except RouterError as error:
                self.say(f"the check's result is not recorded: {error.what}")

    def _outcome(self, done: Done, checks: list[Checked]) -> tuple[Outcome, OutcomeSource | None]:
        """Return what the checks prove: nothing much if they passed before, nothing at all of a Codex that failed."""
        if all(one.passed for one in checks):
            return "yes", "heuristic" if all(one.passed for one in self.first) else "tests"
        return ("unknown", None) if done.ran.end == "error" else ("no", "tests")

    def _failed_so_before(self, one: Checked) -> bool:
        return any(one.command == first.command and one.manner == first.manner for first in self.first)

    def _may_go_on(self) -> bool:
        """Tell whether another attempt is possible: the arm is ours to choose, attempts and money are left."""
        most = MAX_ATTEMPTS if self.own.attempts is None else self.own.attempts
        has_start = self.git is not None or self.own.keep_going
        has_money = not self.own.max_cost_usd or self.spent_usd < self.own.max_cost_usd
        return self.job.route is not None and has_start and has_money and len(self.kept.attempts) < most

    def _next(self, checks: list[Checked]) -> Job | None:
        """Return the next attempt, with the tree ready for it; None when this was the last."""
        route = self.job.route
        tier = next_step(read_plan(codex_home()), self.tried) if self._may_go_on() else None
        if route is None or tier is None:
            return None
        line = self.job.line
        if self.own.max_cost_usd:
            left = self.own._replace(max_cost_usd=self.own.max_cost_usd - self.spent_usd)
            line = line._replace(own=left)
        why = f"{route.category}, escalated" if route.category != "none" else "escalated"
        try:
            job = for_route(self.job.codex, line, route._replace(tier=tier, why=why), self.job.prompt, self.stdin)
        except RouterError as error:
            self.say(f"no further attempt: {error}")
            return None
        if self.own.keep_going:
            job = with_failure(job, checks)
        elif not self._is_clean():
            return None
        self.tried.append(tier)
        self.say(*before(job))
        return job

    def _is_clean(self) -> bool:
        """Bring the tree back for the next attempt; tell whether it is as it was."""
        number = len(self.kept.attempts)
        changed = self._back_to(0, f"{number}-checked", f"attempt {number}, after the checks")
        if changed:
            names = ", ".join(f"`{name}`" for name in changed)
            self.say(f"no further attempt: {names} changed and cannot be brought back (a repository of its own)")
        return changed == ()

    def _finish(self, result: Result, done: Done, checks: list[Checked]) -> int:
        if result == "rejected":
            self._keep_best()
        self.close(result)
        if not checks:
            self.say(after(self.job, done.ran, done.recorded))
        if result != "accepted":
            self.say(f"{self.where()}{self.hint()}")
        if result == "rejected":
            return ExitCode.CHECK_FAILED
        is_ours = result == "accepted" and done.ran.end in {"budget", "timeout"}
        return ExitCode.DONE if is_ours else done.ran.status

    def _keep_best(self) -> None:
        number = best([one.failing for one in self.kept.attempts]) + 1
        if number in self.states and number != self.kept.in_place:
            last = len(self.kept.attempts)
            self._back_to(number, f"{last}-last", f"attempt {last}, not the best")

    def _checks(self, stage: str) -> list[Checked]:
        return check(self.own.checks, self.folder, self.own.check_seconds, self.kept.path, stage)

    def _snapshot(self, number: int, why: str) -> None:
        """Store the present state; if that fails, nothing is brought back any more."""
        if self.git is None:
            return
        try:
            self.states[number] = take(self.git, f"{REFS}/{self.kept.run}/{number}", why)
        except (RouterError, OSError) as error:
            self.say(f"no snapshot: {error}; from here on nothing is brought back")
            self.git, self.kept.no_snapshot = None, str(error)

    def _back_to(self, number: int, keep_as: str, why: str) -> tuple[str, ...] | None:
        """Bring the tree back to a state, keeping the present one.

        Returns:
            the repositories inside that are not as they were; None when it failed.
        """
        if self.git is None or number not in self.states:
            return None
        try:
            done = restore(self.git, self.states[number], f"{REFS}/{self.kept.run}/{keep_as}", why)
        except RouterError as error:
            self.say(f"the tree cannot be brought back: {error}")
            self.kept.in_place = None
            return None
        self.kept.in_place = number
        self.kept.save()
        if done.aside:
            self.say(f"in the way, kept under another name: {', '.join(done.aside)}")
        return done.repositories

    def _change(self, number: int, **changes: object) -> None:
        self.kept.attempts[number - 1] = replace(self.kept.attempts[number - 1], **changes)  # type: ignore[arg-type]
        self.kept.save()

    def close(self, result: Result) -> None:
        """Keep the result."""
        self.kept.result = result
        with contextlib.suppress(OSError):
            self.kept.save()

    def where(self) -> str:
        """Say whose work is in the tree."""
        number = self.kept.in_place
        if number is None:
            return "the work so far is left in place"
        return "the tree is as it was before" if number == 0 else f"the tree is as attempt {number} left it"

    def hint(self) -> str:
        """Say where the other states are."""
        return f"; other states: `codex-router runs show {self.kept.run}`" if self.kept.snapshots else ""


def _verdict(checks: list[Checked]) -> str:
    what = "check" if len(checks) == 1 else "checks"
    failing = sum(not one.passed for one in checks)
    if not failing:
        return f"{what} passed"
    return f"{what} failed" if len(checks) == 1 else f"{failing} of {len(checks)} checks failed"


def _kept(checks: list[Checked]) -> tuple[KeptCheck, ...]:
    return tuple(KeptCheck(one.command, one.status, one.seconds, one.output.name) for one in checks)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals end us in good order; while Codex runs, they are Codex's."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise _Ended(number)

    old = {number: signal.signal(number, end) for number in ENDS if signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
