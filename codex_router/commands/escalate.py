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

from dataclasses import replace
from typing import TYPE_CHECKING

from codex_router.codex.acceptance import Checked, check
from codex_router.codex.kept import KeptAttempt, KeptCheck, begin
from codex_router.codex.router_file import read_plan
from codex_router.commands.answers import Answers
from codex_router.commands.attempt import Done, attempt, folder
from codex_router.commands.ended import Ended, ended_by_signals
from codex_router.commands.exec_ import Job, for_route
from codex_router.commands.exec_words import after, before, say
from codex_router.commands.policy_in_force import read_policy
from codex_router.commands.states import States
from codex_router.commands.told_failure import with_failure
from codex_router.decide.escalation import best, next_step, why_not
from codex_router.errors import ExitCode, RouterError, UsageError
from codex_router.home import codex_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_router.codex.kept import Result
    from codex_router.literals import Outcome, OutcomeSource
    from codex_router.records import Tier


def escalate(job: Job) -> int:
    """Run a job under its checks and return the exit status.

    Raises:
        UsageError: the checks could not see what Codex does.
        RouterError: the checks cannot be run, or their output not be kept.
        LaunchError: Codex cannot be started for the first attempt.
    """
    if job.line.elsewhere:
        raise UsageError("--check does not go with --worktree", hint="Codex would work where the checks do not look")
    trial = _Trial(job)
    try:
        with ended_by_signals():
            return trial.run()
    except Ended as ended:
        trial.close("interrupted")
        trial.say(f"interrupted; {trial.where()}")
        return 128 + ended.number
    except OSError as error:
        trial.close("failed")
        raise RouterError(f"the checks cannot go on: {error.strerror}", where=error.filename) from None
    except BaseException:
        trial.close("failed")
        raise


class _Trial:
    """A job under its checks, from the first attempt to the verdict."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.own = job.line.own
        self.policy = read_policy()
        self.stdin = job.stdin
        self.folder = folder(job.line)
        self.tried: list[Tier] = [job.route.tier] if job.route else []
        self.spent_usd = 0.0
        self.states = States(self.folder, self.say)
        self.kept = begin(self.folder, self.states.top, self.states.obstacle, self.own.checks)
        self.states.prefix = self.kept.run
        self.answers = Answers(job.line.answer, self.kept.path)
        self.first: list[Checked] = []

    def say(self, *lines: str) -> None:
        """Say something, unless told to be quiet."""
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
            if done.late is not None:
                raise Ended(done.late)
            checks = self._checks(f"attempt-{number}")
            self._judged(number, done, checks)
            passed = all(one.passed for one in checks)
            self.say(after(self.job, done.ran, done.recorded, self._verdict(checks), rejected=not passed))
            never_answered = done.ran.end == "error" and not done.ran.progress.responses
            if never_answered and (not passed or self._passed_before()):
                return self._finish("failed", done, checks)
            if passed:
                return self._finish("accepted", done, checks)
            following = self._next(checks)
            if following is None:
                return self._finish("rejected", done, checks)
            self.job = following

    def _begin(self) -> None:
        """Store the clean state, and see what the checks say of it."""
        if self.states.obstacle:
            self.say(f"no snapshot: {self.states.obstacle}; nothing is brought back")
        self.states.store(0, "before the first attempt")
        self._answer(self.answers.keep, 0)
        self.say(*before(self.job, self._what_follows()))
        self.kept.before = self.states.ref(0)
        self._save()
        self.first = self._checks("before")
        self.kept.first_checks = _kept(self.first)
        self._save()
        if self._passed_before():
            self.say("the check passes already, before the first attempt: it may not measure this task")
        self.states.back_to(0, "0-checked", "before the first attempt, after the checks")

    def _ended(self, done: Done) -> int:
        """Keep an attempt as it ended; return its number."""
        number, ran = len(self.kept.attempts) + 1, done.ran
        tier = self.job.route.tier if self.job.route else None
        self.states.store(number, f"attempt {number}{f' ({tier.name})' if tier else ''}")
        self._answer(self.answers.keep, number)
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
                snapshot=self.states.ref(number),
            )
        )
        self._save()
        return number

    def _judged(self, number: int, done: Done, checks: list[Checked]) -> None:
        """Keep what the checks said of an attempt, here and in the ledger."""
        self.kept.attempts[number - 1] = replace(self.kept.attempts[number - 1], checks=_kept(checks))
        self._save()
        for one in checks:
            if not one.passed:
                again = "; it failed so before the first attempt too" if self._failed_so_before(one) else ""
                lines = [f"check failed: {one}{again}", *(f"  | {line}" for line in one.last_lines())]
                self.say(*lines, f"  all of it: {one.output}")
        outcome, source = self._outcome(done, checks)
        if done.entry is not None and outcome != "unknown":
            from codex_router.commands.record import store

            judged = done.entry.attempt._replace(outcome=outcome, outcome_source=source)
            entry = done.entry._replace(attempt=judged)
            try:
                store(entry)
            except RouterError as error:
                self.say(f"the check's result is not recorded: {error.what}")

    def _outcome(self, done: Done, checks: list[Checked]) -> tuple[Outcome, OutcomeSource | None]:
        """Return what the checks prove: little if they passed before, nothing of a Codex that failed as they did."""
        passed, before = all(one.passed for one in checks), self._passed_before()
        if done.ran.end == "error" and (before or not passed):
            return "unknown", None
        return "yes" if passed else "no", "heuristic" if passed and before else "tests"

    def _verdict(self, checks: list[Checked]) -> str:
        what = "check" if len(checks) == 1 else "checks"
        failing = sum(not one.passed for one in checks)
        if failing:
            return f"{what} failed" if len(checks) == 1 else f"{failing} of {len(checks)} checks failed"
        return f"{what} passed" if self._passed_before() else f"solved, {what} passed"

    def _passed_before(self) -> bool:
        return all(one.passed for one in self.first)

    def _what_follows(self) -> str:
        """Say what happens when the check rejects the first attempt."""
        if not self._may_go_on():
            return "one attempt"
        plan = read_plan(codex_home())
        tier = next_step(plan, self.tried, self.policy)
        if tier:
            return f"then {tier.name} if the check fails"
        reason = why_not(plan, self.tried, self.policy)
        return f"one attempt: {reason or 'no dearer tier has another model or effort'}"

    def _failed_so_before(self, one: Checked) -> bool:
        return any(one.command == first.command and one.manner == first.manner for first in self.first)

    def _may_go_on(self) -> bool:
        """Tell whether another attempt is possible: the arm is ours to choose, attempts and money are left."""
        most = self.policy.max_attempts if self.own.attempts is None else self.own.attempts
        has_start = self.states.can_go_back or self.own.keep_going
        has_money = not self.own.max_cost_usd or self.spent_usd < self.own.max_cost_usd
        return self.job.route is not None and has_start and has_money and len(self.kept.attempts) < most

    def _next(self, checks: list[Checked]) -> Job | None:
        """Return the next attempt, with the tree ready for it; None when this was the last."""
        route = self.job.route
        tier = next_step(read_plan(codex_home()), self.tried, self.policy) if self._may_go_on() else None
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
        self._answer(self.answers.put_back, 0)
        self.tried.append(tier)
        self.say(*before(job))
        return job

    def _is_clean(self) -> bool:
        """Bring the tree back for the next attempt; tell whether it is as it was."""
        number = len(self.kept.attempts)
        changed = self.states.back_to(0, f"{number}-checked", f"attempt {number}, after the checks")
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
            self.say(self.where())
        if result == "rejected":
            return ExitCode.CHECK_FAILED
        is_ours = result == "accepted" and done.ran.end in {"budget", "timeout"}
        return ExitCode.DONE if is_ours else done.ran.status

    def _keep_best(self) -> None:
        number = best([one.failing for one in self.kept.attempts]) + 1
        if self.states.in_place not in {None, number}:
            last = len(self.kept.attempts)
            self.states.back_to(number, f"{last}-last", f"attempt {last}, not the best")
            self._answer(self.answers.put_back, number)

    def _answer(self, move: Callable[[int], None], number: int) -> None:
        """Keep the last message of an attempt, or put it back; not being able to must not cost the run."""
        try:
            move(number)
        except OSError as error:
            self.say(f"the file of -o cannot be kept or put back: {error}")

    def _checks(self, stage: str) -> list[Checked]:
        return check(self.own.checks, self.folder, self.own.check_seconds, self.kept.path, stage)

    def _save(self) -> None:
        """Keep what is known so far; a full disk must not cost the run."""
        self.kept.in_place = self.states.in_place if self.kept.before else None
        try:
            self.kept.save()
        except OSError as error:
            self.say(f"not kept: {error}")

    def close(self, result: Result) -> None:
        """Keep the result."""
        self.kept.result = result
        self._save()

    def where(self) -> str:
        """Say whose work is in the tree, and where the other states are."""
        others = f"; other states: `codex-router runs show {self.kept.run}`" if self.kept.snapshots else ""
        return f"{self.states}{others}"


def _kept(checks: list[Checked]) -> tuple[KeptCheck, ...]:
    return tuple(KeptCheck(one.command, one.status, one.seconds, one.output.name) for one in checks)
