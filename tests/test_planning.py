"""Plans for one category: what is chosen, promised and listed."""

from __future__ import annotations

import numpy as np
import pytest

from codex_router.decide.cases import Replay, cases_of
from codex_router.decide.columns import columns_of
from codex_router.decide.estimator import Estimator
from codex_router.decide.forecast import Forecaster
from codex_router.decide.planning import Planner, Stakes
from codex_router.decide.policy import Check
from codex_router.errors import RouterError
from codex_router.literals import Outcome
from codex_router.records import Aggregate, Arm, Attempt

CHEAP, STRONG, POOR = Arm("cheap", "high"), Arm("strong", "high"), Arm("poor", "high")
PERFECT = Check(0.0, 1.0, 0.0)


def published(arm: Arm, rate: float, cost: float, n: int = 5000) -> Aggregate:
    return Aggregate("t", "2026-09-01", "codex", arm, "bugfix", n, n, rate * n, cost, 30.0)


ROWS = [published(CHEAP, 0.6, 0.05), published(STRONG, 0.72, 0.5), published(POOR, 0.3, 0.6)]


def planner(value: float = 5.0, check: Check = PERFECT, rows: list[Aggregate] = ROWS, **options: object) -> Planner:
    estimator = Estimator().fit(rows)
    return Planner(estimator, [CHEAP, STRONG, POOR], "bugfix", Stakes(value, check), **options)  # type: ignore[arg-type]


def test_value_decides_how_much_is_tried() -> None:
    low, high = (planner(value).plan("value").chosen.arms for value in (0.2, 20.0))

    assert low == (CHEAP,)
    assert high == (CHEAP, STRONG)


def test_no_loss_saves_and_keeps_what_the_reference_solves() -> None:
    plan = planner(reference=STRONG).plan("no-loss")

    assert plan.chosen.arms == (CHEAP, STRONG)
    assert plan.chosen.spend_usd.mean < 0.65 * plan.reference.spend_usd.mean
    assert plan.chosen.p_no_loss >= 0.8
    assert plan.chosen.resolved.mean > plan.reference.resolved.mean


def test_when_nothing_keeps_the_promise_the_reference_stays() -> None:
    weak = Check(0.0, 0.7, 0.6)

    plan = planner(check=weak, reference=STRONG).plan("no-loss")

    assert plan.chosen.arms == (STRONG,)
    assert not plan.chosen.checked


def test_the_reference_is_the_best_arm_unless_named() -> None:
    assert planner().plan("no-loss").reference.arms == (STRONG,)
    assert planner(reference=CHEAP).plan("no-loss").reference.arms == (CHEAP,)


def test_taking_attempts_for_independent_promises_more_than_it_should() -> None:
    honest, naive = planner(reference=STRONG), planner(reference=STRONG)

    expected = honest.plan("no-loss", everything=True).considered
    promised = naive.plan("no-loss", everything=True, naive=True).considered

    both = [next(o.resolved.mean for o in options if o.arms == (CHEAP, STRONG)) for options in (expected, promised)]
    assert both[1] == pytest.approx(1 - 0.4 * 0.28, abs=0.01)
    assert both[0] < both[1] - 0.05


def test_no_arm_is_tried_twice_by_choice_but_everything_is_listed_when_asked() -> None:
    plan = planner(value=1000.0).plan("value", everything=True)

    assert len(set(plan.chosen.arms)) == len(plan.chosen.arms)
    assert len(plan.considered) == 3 + 3 + 9  # unchecked singles, checked singles, pairs
    assert (CHEAP, CHEAP) in {option.arms for option in plan.considered}


def test_a_dear_check_is_not_worth_it_for_a_task_of_little_value() -> None:
    dear = Check(2.0, 1.0, 0.0)

    assert planner(1.0, dear).plan("value").chosen.checked is False
    assert len(planner(500.0, dear).plan("value").chosen.arms) == 2


def test_wrong_results_that_hurt_call_for_a_check() -> None:
    estimator = Estimator().fit(ROWS)
    hurt = Stakes(1.0, Check(0.01, 0.95, 0.05), wrong_accepted_usd=10.0)

    plan = Planner(estimator, [CHEAP, STRONG], "bugfix", hurt, attempts=1).plan("value")

    assert plan.chosen.checked


def test_the_same_seed_gives_the_same_plan() -> None:
    first, second = (planner(seed=3).plan("value", everything=True) for _ in range(2))

    assert first.considered == second.considered


def test_longer_sequences_are_tried_when_allowed() -> None:
    rows = [published(Arm(f"m{i}", "high"), 0.5 + 0.03 * i, 0.02 * 2**i) for i in range(5)]
    estimator = Estimator().fit(rows)

    plan = Planner(estimator, [row.arm for row in rows], "bugfix", Stakes(500.0, PERFECT), attempts=3).plan("value")

    assert len(plan.chosen.arms) == 3


def test_without_arms_there_is_no_plan() -> None:
    with pytest.raises(RouterError, match="no arms to choose from"):
        Planner(Estimator().fit([]), [], "bugfix", Stakes(5.0, PERFECT))


def benchmark(tasks: int, both_share: float) -> list[Attempt]:
    """Tasks that both arms tried: each solves half, together `both_share` more or fewer of them."""
    rows = []
    for task in range(tasks):
        cheap = task % 2 == 0
        strong = cheap if task % 100 < 100 * both_share else not cheap
        for arm, solved in ((CHEAP, cheap), (STRONG, strong)):
            outcome: Outcome = "yes" if solved else "no"
            name = f"{task}{arm}"
            rows.append(
                Attempt(name, str(task), "bugfix", arm, "codex", outcome, 1.0, 9, 1.0, "completed", "2026-09-01")
            )
    return rows


def test_tasks_that_all_arms_tried_are_replayed() -> None:
    rows = benchmark(2000, both_share=0.0)  # one fails exactly where the other succeeds
    columns = columns_of(rows)
    cases = cases_of(columns, [CHEAP, STRONG], "bugfix", "codex")
    forecaster = Forecaster(["cheap", "strong"], np.full((200, 2), 0.5), np.ones((200, 2)), 0.8, 0.9, PERFECT)
    modelled = forecaster.sequences(2, retries=False)

    mixed = Replay(cases, 200, seed=0).mix(modelled, PERFECT)

    at = modelled.sequences.index((0, 1))
    assert modelled.resolved[at].mean() < 0.7
    assert mixed.resolved[at].mean() > 0.97


def test_a_handful_of_shared_tasks_changes_nothing() -> None:
    cases = cases_of(columns_of(benchmark(19, both_share=0.0)), [CHEAP, STRONG], "bugfix", "codex")
    forecaster = Forecaster(["cheap", "strong"], np.full((50, 2), 0.5), np.ones((50, 2)), 0.8, 0.9, PERFECT)
    modelled = forecaster.sequences(2)

    assert Replay(cases, 50, seed=0).mix(modelled, PERFECT) is modelled


def test_tasks_of_another_harness_or_category_are_not_replayed() -> None:
    columns = columns_of(benchmark(50, both_share=1.0))

    assert len(cases_of(columns, [CHEAP, STRONG], "bugfix", "codex").solved) == 50
    assert len(cases_of(columns, [CHEAP, STRONG], "docs", "codex").solved) == 0
    assert len(cases_of(columns, [CHEAP, STRONG], "bugfix", "kilo").solved) == 0


def test_replay_of_a_check_that_errs() -> None:
    cases = cases_of(columns_of(benchmark(100, both_share=1.0)), [CHEAP, STRONG], "bugfix", "codex")
    check = Check(0.0, 0.9, 0.2)

    resolved, wrong = cases.replay(np.array([[0, 1]]), check)

    # Both arms solve the same half: accepted at once, or at the second try.
    assert resolved.mean() == pytest.approx(0.5 * (0.9 + 0.1 * 0.9))
    assert wrong.mean() == pytest.approx(0.5 * (0.2 + 0.8 * 0.2))
