"""Default scales of the three responses, and where each comes from.

Fitted on published tables: OpenHands Index (models x task types x harnesses), SWE-bench bash-only, Terminal-Bench 1
and 2, DeepSWE v1.1 and the AA Coding Agent Index (effort sweeps). With little data of one's own these decide; with
more they are only where learning starts (`codex_router.decide.laplace`).
"""

from __future__ import annotations

from codex_router.decide.kernel import Prior

PASS_PRIOR = Prior(  # logit of the pass rate
    intercept_mean=0.0,
    intercept=1.5,
    scales={
        "model": 0.65,  # fitted 0.54-0.59
        "category": 0.9,  # 0.84-0.95
        "harness": 0.35,
        "model:category": 0.35,  # 0.25-0.34
        "model:harness": 0.24,  # with the next one: 36 pairs of a model in two harnesses 0.20, Terminal-Bench 2 0.37
        "model:category:harness": 0.15,
        "model:step": 0.25,  # 0.18; kept wide since `low` collapses for small models
    },
    # none > minimal > low > medium > high > xhigh > max > ultra. The step none > low is .40; nothing is published about
    # `minimal` (half of it each) nor `ultra` (no gain assumed until measured).
    step_means=(0.20, 0.20, 0.55, 0.30, 0.12, 0.12, 0.0),
    step=(0.14, 0.14, 0.2, 0.2, 0.2, 0.2, 0.2),
    row=0.10,
    self_reported=0.30,  # a judgement: as much as a change of harness
    unknown_effort=0.40,
)
COST_PRIOR = Prior(  # log of the mean cost of an attempt in USD
    intercept_mean=-0.3,
    intercept=2.0,
    scales={
        "model": 1.1,  # 0.77-1.08
        "category": 0.7,  # 0.55-0.63
        "harness": 0.4,
        "model:category": 0.35,  # 0.27-0.37
        "model:harness": 0.45,  # 0.30-0.80 by benchmark
        "model:category:harness": 0.45,
        "model:step": 0.20,  # 0.17
    },
    step_means=(-0.05, -0.05, 0.65, 0.45, 0.35, 0.40, 0.40),
    step=(0.28, 0.28, 0.2, 0.2, 0.2, 0.2, 0.2),
    row=0.20,
    self_reported=0.40,
    unknown_effort=0.40,
)
TURNS_PRIOR = Prior(  # log of the mean number of model responses of an attempt
    intercept_mean=3.5,  # 33 responses
    intercept=1.0,
    scales={
        "model": 0.45,
        "category": 0.4,
        "harness": 0.4,
        "model:category": 0.25,
        "model:harness": 0.30,
        "model:category:harness": 0.25,
        "model:step": 0.15,
    },
    step_means=(-0.07, -0.07, 0.34, 0.23, 0.21, 0.17, 0.2),
    step=(0.15,) * 7,
    row=0.15,
    self_reported=0.30,
    unknown_effort=0.25,
)
COST_LOG_VARIANCE = 0.7
"""Of the cost of one attempt; medians: SWE-bench Verified .67 (39 arms), Multilingual .52 (13), OpenHands .80 (28)."""
TURNS_LOG_VARIANCE = 0.3
"""The same of turns; medians .30 and .20 on SWE-bench Verified and Multilingual."""
