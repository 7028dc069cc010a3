"""Words of which a record's field holds one; apart from the records, since `typing` is slow to import."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["yes", "no", "unknown"]
End = Literal["completed", "budget", "timeout", "abort", "error"]
OutcomeSource = Literal["tests", "user", "heuristic"]
Kind = Literal["aggregates", "attempts"]
"""What the rows of a table are."""
Ingested = Literal["stored", "known", "replaced"]
"""What became of a table."""
Limit = Literal["turns", "cost", "seconds", "tokens"]
"""Which budget ended a run; ``tokens`` is Codex's own."""
