"""The nouns: frozen records with units in their names, shared by all rooms.

An *arm* is a (model, effort). Published tables become `Aggregate` rows, local runs become `Attempt` rows; the
estimator turns both into `Estimate` rows; tiers are picked from those and make up a `Plan`.
"""

from __future__ import annotations

from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from codex_router.literals import End, Outcome, OutcomeSource


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")
"""Reasoning efforts in rising order, as Codex spells them."""

GUESS_WEIGHT = 0.5
"""What a guessed outcome (of the source ``heuristic``) counts beside a check or the user's word."""
REPEAT_CORRELATION = 0.6
"""Of outcomes of repeated attempts at one task; an attempt repeated k times counts 1 + (k-1) * this times less."""


class Arm(NamedTuple):
    """What can be chosen for a task: a model at a reasoning effort."""

    model: str
    """Canonical model name, as Codex and the API spell it."""
    effort: str | None = None
    """One of `EFFORTS`; None when a source does not tell, or for a model without efforts."""

    def __str__(self) -> str:
        return f"{self.model} {self.effort}" if self.effort else self.model


class Usage(NamedTuple):
    """Tokens of one model response, or of several added up, as Codex counts them."""

    input_tokens: int = 0
    """All input, cached and cache-written tokens included."""
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0
    """All output, reasoning included."""
    reasoning_output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:  # type: ignore[override]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_input_tokens + other.cache_write_input_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_output_tokens + other.reasoning_output_tokens,
        )


class Response(NamedTuple):
    """One answer of a model during a run."""

    at: str
    """UTC date-time when it was complete."""
    thread_id: str | None
    """Whose it is: the run's own thread, or a sub-agent's."""
    model: str | None
    usage: Usage
    cost_usd: float | None
    """At list prices; None when the price is unknown."""


class Aggregate(NamedTuple):
    """One published row: how an arm did on a set of tasks, already in our units."""

    source: str
    """Name of the table it was read from."""
    date: str
    """ISO date of the figures."""
    harness: str
    """The agent program that ran the model (``codex``, ``kilo``, ``mini-swe-agent`` ...)."""
    arm: Arm
    category: str
    """A task category, or ``mixed:<benchmark>`` when the benchmark covers several."""
    n_tasks: int
    """Different tasks behind the row."""
    n_trials: int
    """Attempts behind the row; ``n_trials / n_tasks`` attempts per task."""
    successes: float
    """Attempts that solved their task; a float because published rates are rounded."""
    cost_usd: float | None
    """Mean cost of one attempt in USD; None when unknown or when the price was a free promotion."""
    turns_mean: float | None = None
    """Mean number of model responses of one attempt."""
    pass_at_k: float | None = None
    """Share of tasks solved by at least one of `k` attempts."""
    k: int | None = None
    self_reported: bool = False
    """Published by the model's own maker, harness unstated."""

    @property
    def pass_rate(self) -> float:
        """Share of attempts that solved their task, 0 to 1."""
        return self.successes / self.n_trials


class Attempt(NamedTuple):
    """One local run of an arm on a task: a row of the user's own benchmark."""

    attempt_id: str
    task_id: str
    """Groups attempts at the same task."""
    category: str
    arm: Arm
    harness: str
    outcome: Outcome
    """Did it solve the task; ``unknown`` rows still inform cost and turns."""
    cost_usd: float | None
    """Cost of this attempt at list prices; None when the price is unknown (never 0)."""
    turns: int | None
    """Model responses."""
    seconds: float | None
    end: End
    date: str
    """ISO date or date-time of the start."""
    outcome_source: OutcomeSource | None = None
    """Who said whether it solved its task; None while nobody did. A ``heuristic`` is a guess: half a vote."""


class Moments(NamedTuple):
    """What sums say of an amount; attempts that repeat a task count less, see `REPEAT_CORRELATION`."""

    n: float = 0.0
    """Effective number of attempts; the rest means nothing where it is 0."""
    mean: float = 1.0
    mean_log: float = float("nan")
    log_variance: float = float("nan")


class Summed(NamedTuple):
    """Attempts of an arm in a category that nobody judged, as sums that were made where they are stored."""

    arm: Arm
    category: str
    harness: str
    attempts: int
    """As counted, without any discount."""
    capped: int
    """Of these, those that their budget cut."""
    cost_usd: Moments
    """Of attempts that ended by themselves."""
    cut_cost_usd: Moments
    """Of attempts that their budget cut: each would have come to more."""
    turns: Moments
    cut_turns: Moments


class Interval(NamedTuple):
    """A mean with its 90 % credible interval, all in the unit of the field that holds it."""

    mean: float
    low: float
    high: float


class Estimate(NamedTuple):
    """What the estimator believes of an arm in a category."""

    arm: Arm
    category: str
    harness: str
    p_pass: Interval
    """Probability that one attempt solves the task."""
    cost_usd: Interval
    """Mean cost of one attempt, USD."""
    turns: Interval
    """Mean model responses of one attempt."""
    n_published: int
    """Published attempts of this very arm in this category (any harness)."""
    n_local: int
    """The user's own attempts of this very arm in this category."""
    n_effective: float
    """How many own attempts the whole evidence is worth."""
    guess: bool
    """True when this arm was never measured in this category: the value is inferred from its relatives."""
    n_model: int = 0
    """Attempts of this model at any effort in any category; 0 means that the value is the prior only."""

    @property
    def cost_per_solved_usd(self) -> float:
        """Cost divided by pass rate: a lower bound, since tasks that failed once fail again."""
        return self.cost_usd.mean / self.p_pass.mean


class Budget(NamedTuple):
    """Runaway insurance of one attempt; None is no limit."""

    max_turns: int | None = None
    """Model responses."""
    max_cost_usd: float | None = None
    """At list prices."""
    max_seconds: float | None = None
    """Wall-clock seconds from the start of Codex; time while suspended does not count."""


class Tier(NamedTuple):
    """A named choice: the arm for tasks of about this value, with its budget."""

    name: str
    """``precision``, ``standard``, ``bulk``, or what the user calls them; the name of the Codex profile."""
    task_value_usd: float
    """What a solved task is taken to be worth; it decides how much may be spent."""
    arm: Arm
    budget: Budget
    model_provider: str | None = None
    """A ``[model_providers.X]`` of the user's Codex; None is Codex's own."""
    estimate: Estimate | None = None
    """What the choice rests on; None when read back from a file."""
    rests_on: str = ""
    """The same in one line for people."""
    expected_cost_usd: float | None = None
    """Predicted mean cost of one attempt, for comparisons; None when unknown."""
    solves_after: tuple[tuple[str, float], ...] = ()
    """(lower tier, chance to solve a task whose result by that tier was rejected), 0 to 1; empty when unknown."""
    template: str | None = None
    """The template under ``profiles/`` with its levers; None is the one of the tier's own name."""


class Classification(NamedTuple):
    """What kind of task a prompt asks for."""

    category: str
    """The most probable category; ``none`` when the prompt holds no stand-alone task."""
    probabilities: tuple[tuple[str, float], ...]
    """(category, probability), most probable first; they sum to 1."""
    because: tuple[str, ...]
    """The words or rules that decided."""
    abstained: bool
    """True when the prompt tells too little; it then goes to the standard tier."""


class Correction(NamedTuple):
    """One prompt of which the user said what kind of task it was; its text is not kept."""

    codes: tuple[int, ...]
    """The prompt's features, hashed to 32 bits."""
    category: str


class Plan(NamedTuple):
    """What `init` proposes and ``codex-router.toml`` holds: the tiers, and which category goes to which."""

    tiers: tuple[Tier, ...]
    routes: tuple[tuple[str, str], ...]
    """(category, tier name), in the order of the taxonomy."""
    notes: tuple[str, ...] = ()
    """What a reader must know: categories without evidence, ties, guesses."""
    budgets: tuple[tuple[str, Budget], ...] = ()
    """(category, its own budget) where evidence of the category's own asks for another than its tier's."""

    def tier(self, name: str) -> Tier | None:
        """Return the tier of that name, or None."""
        return next((tier for tier in self.tiers if tier.name == name), None)

    def budget_for(self, category: str, tier: Tier) -> Budget:
        """Return the budget of one attempt at a task of `category` with `tier`."""
        own = dict(self.budgets).get(category) if self.tier_for(category) == tier.name else None
        return own or tier.budget

    def tier_for(self, category: str) -> str | None:
        """Return the name of the tier that a category is routed to, or None."""
        return dict(self.routes).get(category)
