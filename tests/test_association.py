"""Latent correlations learnt from tasks that several attempts share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from codex_router.decide.association import KNOWN, UNKNOWN, associate
from codex_router.decide.columns import columns_of
from codex_router.decide.difficulty import common_share, own_share
from codex_router.decide.overlap import overlap_of
from codex_router.records import Aggregate, Arm, Attempt

RATES = {Arm("a", "high"): 0.5, Arm("b", "high"): 0.65, Arm("c", "high"): 0.75}


def world(common: float, same: float, tasks: int, *, escalate: bool = False, again: bool = False) -> list[Attempt]:
    """Simulate tasks of an unknown category under known correlations."""
    rng = np.random.default_rng(5)
    rows = []
    for task in range(tasks):
        u = rng.standard_normal()
        for step, (arm, rate) in enumerate(RATES.items()):
            mu = stats.norm.ppf(rate)
            solved = False
            total = float(own_share(np.array([mu]), same)[0])
            share = float(common_share(np.array([mu]), common, total)[0])
            score = mu + np.sqrt(share) * u + np.sqrt(total - share) * rng.standard_normal()
            for attempt in range(2 if again else 1):
                solved = score + np.sqrt(1 - total) * rng.standard_normal() > 0
                date = f"2026-09-01T{10 + step:02d}:00" if escalate else "2026-09-01"
                outcome = "yes" if solved else "no"
                name = f"{task}-{step}-{attempt}"
                rows.append(Attempt(name, str(task), "poetry", arm, "h", outcome, 1.0, 9, 1.0, "completed", date))  # type: ignore[arg-type]
            if escalate and solved:
                break
    return rows


def learn(rows: list[Attempt], published: tuple[Aggregate, ...] = ()):  # type: ignore[no-untyped-def]
    columns = columns_of(rows)
    rates = np.array([RATES[key.arm] for key in columns.keys])
    return associate("poetry", columns.keys, overlap_of(columns), rates, published)


@pytest.mark.parametrize("common", [0.3, 0.6, 0.85])
def test_the_common_correlation_is_found(common: float) -> None:
    found = learn(world(common, 0.95, 1500)).middle()

    assert found.common == pytest.approx(common, abs=0.07)


@pytest.mark.parametrize("same", [0.65, 0.9])
def test_the_correlation_of_retries_is_found(same: float) -> None:
    found = learn(world(0.6, same, 1500, again=True)).middle()

    assert found.same == pytest.approx(same, abs=0.07)


def test_escalations_alone_find_it_too() -> None:
    low, high = (learn(world(common, 0.95, 3000, escalate=True)).middle().common for common in (0.3, 0.85))

    assert low == pytest.approx(0.3, abs=0.12)
    assert high == pytest.approx(0.85, abs=0.08)


def test_without_pairs_the_prior_stays_and_pessimism_is_higher() -> None:
    association = learn([])

    assert association.pairs == 0
    assert association.middle().common == pytest.approx(UNKNOWN.common, abs=0.03)
    assert association.middle().same == pytest.approx(UNKNOWN.same, abs=0.03)
    assert association.pessimistic().common > association.middle().common + 0.1


def test_more_pairs_make_the_pessimistic_view_approach_the_middle() -> None:
    few, many = (learn(world(0.6, 0.95, tasks)) for tasks in (50, 3000))

    gaps = [one.pessimistic().common - one.middle().common for one in (few, many)]
    assert gaps[1] < 0.5 * gaps[0]


def test_published_pass_at_k_tells_about_retries() -> None:
    # Ten attempts that hardly help: what fails once fails again.
    row = Aggregate("t", "2026-09-01", "h", Arm("a"), "poetry", 400, 2000, 1000.0, 1.0, pass_at_k=0.55, k=5)

    assert learn([], (row,)).middle().same > UNKNOWN.same + 0.1


def test_draws_follow_the_posterior() -> None:
    association = learn(world(0.6, 0.95, 300))

    common, _ = association.draws(400, seed=1)

    assert np.median(common) == pytest.approx(association.middle().common, abs=0.02)
    assert np.quantile(common, 0.8) == pytest.approx(association.pessimistic().common, abs=0.02)
    assert association.draws(400, seed=1)[0].tolist() == common.tolist()


def test_known_categories_have_correlations_in_order() -> None:
    assert all(0 < one.common <= one.same < 1 for one in (*KNOWN.values(), UNKNOWN))
