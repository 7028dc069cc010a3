"""Read a job folder of Harbor, the harness of Terminal-Bench: one ``result.json`` per trial folder.

Every trial becomes a run. The job's own ``result.json``, a summary of the same trials, is not read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, AliasChoices, BaseModel, Field, ValidationError

from codex_router.errors import RouterError
from codex_router.evidence.account import Account, faults, refuse
from codex_router.evidence.files import decode, load_json, read_bytes
from codex_router.evidence.names import canonical
from codex_router.evidence.runs import Run
from codex_router.evidence.schema import Amount, Name, Tokens
from codex_router.evidence.tables import Provenance, Table
from codex_router.records import EFFORTS, Attempt, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.literals import End, Outcome

RESULT = "result.json"

BENCHMARKS = {
    "terminal-bench": "mixed:terminal-bench-2",
    "terminal-bench-2-0": "mixed:terminal-bench-2",
    "terminal-bench-2-1": "mixed:terminal-bench-2",
    "terminal-bench-4-0": "mixed:terminal-bench-4",
    "swebench-verified": "bugfix",
    "swe-bench-verified": "bugfix",
}
"""Category of a data set; another one is ``mixed:<its name>``."""
CAVEATS = ("`solved` is the verdict of the task's own tests", "turns are known for agents that count episodes")


def _utc(moment: dt.datetime) -> dt.datetime:
    """Take a time without a zone as UTC, which Harbor writes in most places."""
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


Moment = Annotated[dt.datetime, AfterValidator(_utc)]


class _Timing(BaseModel):
    started_at: Moment | None = None
    finished_at: Moment | None = None

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


class _ModelInfo(BaseModel):
    name: Name


class _AgentInfo(BaseModel):
    name: Name
    model_info: _ModelInfo | None = None


class _AgentConfig(BaseModel):
    model_name: Name | None = None
    options: dict[str, Any] = Field(default={}, validation_alias=AliasChoices("kwargs"))


class _Config(BaseModel):
    agent: _AgentConfig = _AgentConfig()
    job_id: Name | None = None


class _AgentResult(BaseModel):
    n_input_tokens: Tokens | None = None
    n_cache_tokens: Tokens | None = None
    n_output_tokens: Tokens | None = None
    cost_usd: Amount | None = None
    metadata: dict[str, Any] | None = None


class _Verdict(BaseModel):
    rewards: dict[str, float] | None = None


class _Exception(BaseModel):
    exception_type: Name


class Trial(_Timing):
    """What we use of a trial's result."""

    trial_name: Name
    task_name: Name
    source: Name | None = None
    config: _Config = _Config()
    agent_info: _AgentInfo
    agent_result: _AgentResult | None = None
    verifier_result: _Verdict | None = None
    exception_info: _Exception | None = None
    agent_execution: _Timing | None = None

    @property
    def model(self) -> str | None:
        """The model's name as the trial gives it."""
        info = self.agent_info.model_info
        return info.name if info else self.config.agent.model_name

    @property
    def reward(self) -> float | None:
        """The verdict; None without one, or with several of which none is called ``reward``."""
        rewards = (self.verifier_result and self.verifier_result.rewards) or {}
        return rewards.get("reward", next(iter(rewards.values())) if len(rewards) == 1 else None)


def is_job_folder(path: Path) -> bool:
    """Tell whether a folder holds trial folders with results; a folder of jobs holds only their summaries."""
    return any(_is_trial(trial / RESULT) for trial in path.iterdir() if trial.is_dir())


def _is_trial(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return b'"trial_name"' in stream.read(65536)


def read_harbor(path: Path, category: str | None = None) -> Table:
    """Read a job folder.

    Args:
        path: the folder whose sub-folders are trials.
        category: kind of task; None derives it from the name of the data set.

    Raises:
        RouterError: a result is broken; nothing is read then.
    """
    account = Account(path)
    digest = hashlib.sha256()
    trials: list[Trial] = []
    for folder in sorted(child for child in path.iterdir() if child.is_dir()):
        if not (folder / RESULT).is_file():
            account.skip(folder.name, f"no {RESULT}: not finished?")
            continue
        content = read_bytes(folder / RESULT)
        digest.update(folder.name.encode() + b"\0" + hashlib.sha256(content).digest())
        trials.append(_trial(content, folder / RESULT))
    if not trials:
        raise RouterError("no trial folder holds a result", where=path, hint="name the folder of one Harbor job")
    source = _source(path, trials[0])
    runs = tuple(run for trial in trials if (run := _run(trial, source, category, account)))
    return Table(
        path=path,
        sha256=digest.hexdigest(),
        kind="attempts",
        provenance=Provenance(source, date=max(run.attempt.date for run in runs)[:10] if runs else "", caveats=CAVEATS),
        cost_units=("per_attempt",) if any(run.attempt.cost_usd is not None for run in runs) else (),
        runs=runs,
        rows_read=len(trials),
        skipped=tuple(account.skipped),
        conversions=account.sentences(),
        unknown_models=tuple(account.unknown),
    )


def _source(path: Path, trial: Trial) -> str:
    return f"harbor:{trial.config.job_id or path.name}"


def _trial(content: bytes, path: Path) -> Trial:
    try:
        return Trial.model_validate(load_json(decode(content, path), path))
    except ValidationError as error:
        refuse(path, [(None, text) for _, text in faults(error)])


def _run(trial: Trial, source: str, category: str | None, account: Account) -> Run | None:
    started = trial.started_at
    if trial.model is None or started is None:
        account.skip(trial.trial_name, "no model is named" if trial.model is None else "it has not started")
        return None
    result = trial.agent_result or _AgentResult()
    if result.cost_usd == 0:
        account.conversions["costs of 0 taken as unknown"] += 1
    effort = trial.config.agent.options.get("reasoning_effort")
    known = effort if effort in EFFORTS and not canonical(trial.model).arm.effort else None
    outcome = _outcome(trial, account)
    attempt = Attempt(
        attempt_id=trial.trial_name,
        task_id=f"{trial.source or 'harbor'}/{trial.task_name}",
        category=category or _category(trial.source),
        arm=account.arm(trial.model, known, None),
        harness=trial.agent_info.name,
        outcome=outcome,
        cost_usd=result.cost_usd or None,
        turns=_turns(result),
        seconds=(trial.agent_execution or trial).seconds,
        end=_end(trial),
        date=started.isoformat(),
        outcome_source=None if outcome == "unknown" else "tests",
    )
    return Run(attempt, _usage(result), source)


def _category(source: str | None) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", (source or "harbor").rpartition("/")[2].lower()).strip("-._")[:60]
    return BENCHMARKS.get(name, f"mixed:{name or 'harbor'}")


def _outcome(trial: Trial, account: Account) -> Outcome:
    if trial.reward is None:
        account.conversions["trials without a verdict: outcome unknown"] += 1
        return "unknown"
    if 0 < trial.reward < 1:
        account.conversions["partial rewards counted as not solved"] += 1
    return "yes" if trial.reward >= 1 else "no"


def _end(trial: Trial) -> End:
    if trial.exception_info is None:
        return "completed"
    kind = trial.exception_info.exception_type
    if "Timeout" in kind and "Agent" in kind:
        return "timeout"
    return "abort" if kind in {"CancelledError", "KeyboardInterrupt"} else "error"


def _turns(result: _AgentResult) -> int | None:
    episodes = (result.metadata or {}).get("n_episodes")
    return episodes if isinstance(episodes, int) and episodes > 0 else None


def _usage(result: _AgentResult) -> Usage | None:
    if result.n_input_tokens is None and result.n_output_tokens is None:
        return None
    return Usage(result.n_input_tokens or 0, result.n_cache_tokens or 0, 0, result.n_output_tokens or 0)
