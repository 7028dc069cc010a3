"""The columns of our own table format, checked by pydantic; ``docs/reference/evidence-tables.md`` describes them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from codex_router.evidence.tables import CATEGORY
from codex_router.literals import End, Outcome, OutcomeSource
from codex_router.records import EFFORTS

CostUnit = Literal["per_attempt", "per_suite", "per_solved"]

COST_UNITS = {
    "per_suite": "one pass over all tasks of the suite; it is divided by `n_tasks`",
    "per_attempt": "one attempt at one task; it is taken as it is",
    "per_solved": "all attempts divided by those that succeeded; it is multiplied by the pass rate",
    "per index task": "one task of an index that mixes coding with other work; refused, it says nothing about coding",
}
"""The four things that are called "cost" in public; the first three are values of ``cost_unit``."""

RATE_TOLERANCE = 0.006
"""How far ``successes / n_trials`` may be from a ``pass_rate`` given beside it (rates are printed rounded)."""


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a line break or another control character")
    return text


def _name(text: str) -> str:
    if found := re.search(r"[\"'`\\$<>|;]", _plain(text)):
        raise ValueError(f"holds {found[0]!r}, which no model, harness or category is called")
    return text


def _date(text: object) -> str:
    text = text.isoformat() if isinstance(text, dt.date) else text
    if not isinstance(text, str):
        raise ValueError("is no date such as 2026-06-16")  # noqa: TRY004 - pydantic collects ValueError only
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no date such as 2026-06-16") from None
    return text


def _cost_unit(value: object) -> object:
    if value not in {"per_suite", "per_attempt", "per_solved"}:
        raise ValueError("is none of per_attempt, per_suite, per_solved")
    return value


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is no number")  # noqa: TRY004
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_plain)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_name)]
Category = Annotated[str, StringConstraints(pattern=CATEGORY)]
Date = Annotated[str, BeforeValidator(_date)]
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=10**9)]
Tokens = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=10**15)]
Share = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=1)]
Amount = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=10**9)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"]
assert Effort.__args__ == EFFORTS  # type: ignore[attr-defined]  # noqa: S101 - a Literal cannot be built from a tuple


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Header(_Strict):
    """What the header of a file, or its side-car, may say."""

    format: Literal[1] = Field(default=1, alias="schema")
    """Version of this format."""
    kind: Literal["aggregates", "attempts"] | None = None
    """Told apart by the column ``attempt_id`` when missing."""
    source: Text | None = None
    """Whose figures these are."""
    url: Text | None = None
    date: Date | None = None
    """Of the figures; also the date of every row that has none."""
    licence: Text | None = None
    """Under which terms the figures were published."""
    caveats: list[Text] = []
    left_out: list[Text] = []
    """Rows of the source that the table does not hold, and why."""
    defaults: dict[str, Any] = {}
    """Cells that all rows share, by column."""


class _Cost(_Strict):
    cost_usd: Amount | None = None
    """USD; empty when unknown. 0 is refused: no work is free."""
    free: bool = False
    """The run was a free promotion: its cost is unknown, whatever was published."""
    note: Text | None = None

    @model_validator(mode="after")
    def _no_zero(self) -> _Cost:
        if self.cost_usd == 0 and not self.free:
            raise ValueError("cost_usd 0 is no price: leave it empty, or add `free = true` for a promotion")
        return self


class AggregateRow(_Cost):
    """One row of a table of kind ``aggregates``: how one arm did on a set of tasks."""

    source: Name
    date: Date
    harness: Name
    """The agent program that ran the model."""
    model: Name
    effort: Effort | None = None
    category: Category
    """A task category, or ``mixed:<benchmark>``."""
    n_tasks: Count
    n_trials: Count | None = None
    """Attempts in all; `n_tasks` when missing."""
    successes: Amount | None = None
    pass_rate: Share | None = None
    """Share, not per cent."""
    cost_unit: Annotated[CostUnit | None, BeforeValidator(_cost_unit)] = None
    turns_mean: Amount | None = None
    pass_at_k: Share | None = None
    k: Count | None = None
    self_reported: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> AggregateRow:
        if self.successes is None and self.pass_rate is None:
            raise ValueError("neither `successes` nor `pass_rate` is given")
        if self.trials < self.n_tasks:
            raise ValueError("n_trials is smaller than n_tasks")
        if self.successes is not None:
            if self.successes > self.trials:
                raise ValueError("more successes than n_trials")
            if self.pass_rate is not None and abs(self.rate - self.pass_rate) > RATE_TOLERANCE:
                raise ValueError(f"successes / n_trials is {self.rate:.4f}, pass_rate says {self.pass_rate}")
        if (self.pass_at_k is None) != (self.k is None):
            raise ValueError("`pass_at_k` and `k` belong together")
        if self.cost_unit == "per_solved" and self.cost_usd is not None and self.rate == 0:
            raise ValueError("a cost per solved task cannot be known when nothing was solved")
        return self

    @property
    def trials(self) -> int:
        """Attempts in all."""
        return self.n_trials or self.n_tasks

    @property
    def rate(self) -> float:
        """Pass rate, from whichever of the two columns is given."""
        if self.successes is not None:
            return self.successes / self.trials
        return self.pass_rate or 0.0


class AttemptRow(_Cost):
    """One row of a table of kind ``attempts``: one run of an arm on a task. Its cost is always that of the attempt."""

    attempt_id: Name
    task_id: Name
    category: Category
    model: Name
    effort: Effort | None = None
    harness: Name
    outcome: Outcome
    outcome_source: OutcomeSource | None = None
    cost_unit: Literal["per_attempt"] | None = None
    turns: Tokens | None = None
    """Model responses."""
    seconds: Amount | None = None
    end: End = "completed"
    date: Date
    input_tokens: Tokens | None = None
    """All input, cached tokens included."""
    cached_input_tokens: Tokens = 0
    cache_write_input_tokens: Tokens = 0
    output_tokens: Tokens | None = None
    """All output, reasoning included."""
    reasoning_output_tokens: Tokens = 0
