"""Fixed plans, as `init` would choose them, for tests that are not about choosing."""

from __future__ import annotations

from codex_router.records import Arm, Budget, Plan, Tier

BULK = Tier("bulk", 1.0, Arm("gpt-5.5", "medium"), Budget(370, 0.66), rests_on="113 published attempts, 0 of your own")
STANDARD = Tier("standard", 5.0, Arm("gpt-5.5", "low"), Budget(460, 1.1))
PRECISION = Tier("precision", 25.0, Arm("gpt-5.5", "high"), Budget(160, 14.0))
PLAN = Plan(
    (PRECISION, STANDARD, BULK),
    (("review", "precision"), ("bugfix", "standard"), ("lint", "bulk"), ("docs", "bulk")),
    ("standard: no clear winner between gpt-5.5 low and gpt-5.5 medium",),
)
OTHER = Plan((PRECISION, Tier("bulk", 1.0, Arm("gpt-5.2", "xhigh"), Budget())), (("review", "precision"),))
