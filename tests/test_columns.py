"""Attempts as columns, and what they sum up to."""

from __future__ import annotations

import numpy as np
import pytest

from codex_router.decide.cells import cells_of, repeat_weights
from codex_router.decide.columns import columns_of
from codex_router.decide.overlap import error_correlation, overlap_of
from codex_router.records import Aggregate, Arm, Attempt

GUESS = {"outcome_source": "heuristic"}
A, B, C = Arm("a", "high"), Arm("b", "high"), Arm("c", "high")


def attempt(arm: Arm, task: str, outcome: str = "yes", **changes: object) -> Attempt:
    one = Attempt("id", task, "bugfix", arm, "codex", "yes", 0.5, 30, 60.0, "completed", "2026-09-01T10:00")
    return one._replace(outcome=outcome, **changes)  # type: ignore[arg-type]


def test_a_second_attempt_after_a_failure_is_an_escalation() -> None:
    columns = columns_of(
        [
            attempt(A, "1", "no"),
            attempt(B, "1", "yes", date="2026-09-01T11:00"),
            attempt(A, "2", "yes"),
            attempt(A, "3", "no"),
            attempt(B, "3", "no", date="2026-09-01T12:00"),
        ]
    )

    assert columns.escalated.tolist() == [False, True, False, False, True]


def test_where_later_attempts_follow_successes_too_every_arm_was_tried_on_purpose() -> None:
    columns = columns_of(
        [
            attempt(A, "1", "no"),
            attempt(B, "1", "yes", date="2026-09-02"),
            attempt(A, "2", "yes"),
            attempt(B, "2", "yes", date="2026-09-02"),
        ]
    )

    assert not columns.escalated.any()


def test_attempts_of_one_date_are_no_escalation() -> None:
    assert not columns_of([attempt(A, "1", "no"), attempt(B, "1", "yes")]).escalated.any()


def test_an_escalated_attempt_informs_the_cost_but_not_the_pass_rate() -> None:
    columns = columns_of([attempt(A, "1", "no"), attempt(B, "1", "yes", date="2026-09-02", cost_usd=1.3)])
    cells = cells_of([], columns)
    b = [key.arm for key in cells.keys].index(B)

    assert cells.passes.n[b] == 0.0
    assert cells.cost.mean[b] == pytest.approx(1.0)


def test_the_same_task_id_in_another_category_is_another_task() -> None:
    columns = columns_of([attempt(A, "1", "no"), attempt(B, "1", "yes", category="docs", date="2026-09-02")])

    assert len(set(columns.task.tolist())) == 2
    assert not columns.escalated.any()


def test_broken_runs_and_unknown_outcomes_count_as_unknown_unless_they_had_solved_the_task() -> None:
    rows = [
        attempt(A, "1", "no", end="abort"),
        attempt(A, "2", "yes", end="timeout"),
        attempt(A, "3", "unknown"),
        attempt(A, "4", "no", end="budget"),
    ]

    assert columns_of(rows).outcome.tolist() == pytest.approx([np.nan, 1.0, np.nan, 0.0], nan_ok=True)


def test_sums_per_cell_are_those_of_the_attempts() -> None:
    rows = [attempt(A, str(i), "yes" if i % 4 else "no", cost_usd=1.0 + i, turns=10 + i) for i in range(8)]
    cells = cells_of([], columns_of(rows))

    assert (cells.passes.n[0], cells.passes.mean[0]) == (8, pytest.approx(6 / 8))
    assert cells.cost.mean[0] == pytest.approx(4.5)
    logs = np.log([1.0 + i for i in range(8)])
    assert (cells.cost.mean_log[0], cells.cost.log_variance[0]) == pytest.approx((np.mean(logs), np.var(logs)))
    assert cells.turns.mean[0] == pytest.approx(13.5)
    assert cells.attempts.tolist() == [8]


def test_a_guessed_outcome_is_half_a_vote_and_its_cost_a_whole_one() -> None:
    rows = [attempt(A, "1", "yes"), attempt(A, "2", "no", **GUESS), attempt(A, "3", "no", **GUESS)]
    cells = cells_of([], columns_of(rows))

    assert (cells.passes.n[0], cells.passes.mean[0]) == (2, 0.5)
    assert cells.cost.n[0] == 3


def test_a_guess_is_no_witness_of_how_attempts_go_together() -> None:
    rows = [attempt(A, "1", "yes"), attempt(B, "1", "no", **GUESS), attempt(A, "2"), attempt(B, "2")]

    assert overlap_of(columns_of(rows)).shared.tolist() == [[2, 1], [1, 1]]


def test_repeats_weigh_less_each() -> None:
    rows = [attempt(A, "1"), attempt(A, "1"), attempt(A, "1"), attempt(B, "1"), attempt(A, "2")]

    assert sorted(repeat_weights(columns_of(rows)).tolist()) == pytest.approx([1 / 2.2] * 3 + [1.0, 1.0])


def test_old_published_rows_weigh_half_after_half_a_year() -> None:
    row = Aggregate("t", "2026-09-01", "kilo", A, "bugfix", 100, 100, 70.0, 1.0)
    older = row._replace(date="2026-03-05", arm=B)

    cells = cells_of([row, older], columns_of([]))

    assert cells.passes.n.tolist() == pytest.approx([100.0, 50.0])
    assert cells.cost.n.tolist() == pytest.approx([100.0, 50.0])


def test_five_attempts_per_task_are_fewer_than_five_times_the_tasks() -> None:
    row = Aggregate("t", "2026-09-01", "kilo", A, "bugfix", 89, 445, 330.0, 0.8)

    assert cells_of([row], columns_of([])).passes.n[0] == pytest.approx(445 / (1 + 4 * 0.6))


def test_shared_tasks_are_counted_in_two_by_two_tables() -> None:
    outcomes = {"1": ("yes", "yes"), "2": ("yes", "no"), "3": ("no", "no"), "4": ("no", "no")}
    rows = [attempt(arm, task, o) for task, pair in outcomes.items() for arm, o in zip((A, B), pair, strict=True)]
    rows.append(attempt(C, "9"))

    overlap = overlap_of(columns_of(rows))

    assert overlap.shared[:2, :2].tolist() == [[4, 4], [4, 4]]
    assert (overlap.both[0, 1], overlap.first[0, 1], overlap.first[1, 0], overlap.neither[0, 1]) == (1, 1, 0, 2)
    assert overlap.shared[2].tolist() == [0, 0, 1]


def test_attempts_again_at_one_task_are_counted_as_pairs() -> None:
    rows = [attempt(A, "1", o) for o in ("yes", "no", "no")] + [attempt(A, "2", "yes")]

    overlap = overlap_of(columns_of(rows))

    # Three attempts make three pairs, worth 1 / (3 - 1) each: two of them mixed, one failed twice.
    assert (overlap.again_both[0], overlap.again_one[0], overlap.again_neither[0]) == (0.0, 1.0, 0.5)


def test_rates_measured_on_the_same_tasks_err_together() -> None:
    rng = np.random.default_rng(0)
    hard = rng.standard_normal(400)
    rows = [
        attempt(arm, str(task), "yes" if hard[task] + 0.3 * rng.standard_normal() > 0 else "no")
        for task in range(400)
        for arm in (A, B)
    ]
    rows += [attempt(C, f"other {i}") for i in range(50)]

    correlation = error_correlation(overlap_of(columns_of(rows)))

    seen = np.corrcoef([[row.outcome == "yes" for row in rows if row.arm == arm] for arm in (A, B)])[0, 1]
    assert correlation[0, 1] == pytest.approx(seen, abs=0.05)
    assert correlation[0, 2] == 0.0
    assert np.linalg.eigvalsh(correlation).min() > 0


def test_nothing_is_empty_columns() -> None:
    columns = columns_of([])

    assert columns.keys == ()
    assert overlap_of(columns).shared.shape == (0, 0)
