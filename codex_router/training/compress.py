"""From a table of numbers to the few hundred kilobytes that ship: keep what matters, one byte a weight."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from codex_router.decide.weights import OFFSET, SLOTS, Weights, hashed, place
from codex_router.training.corpus import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_router.training.model import Table

BUCKETS = 3072
"""Buckets of eight slots: 24,576 features at twelve bytes make 295 kB."""
CLIPPED = 99.95
"""Percentile of the absolute weights that becomes the largest byte."""


def compress(table: Table, usage: Counter[str]) -> Weights:
    """Return the weights to ship, without temperature and thresholds yet.

    Args:
        table: the finished model.
        usage: how often each feature occurs in prompts; a feature matters as often as it occurs.
    """
    frequency = np.array([usage[name] for name in table.names], dtype=float)
    matters = frequency * (table.rows**2).sum(axis=1)
    scale = float(np.percentile(np.abs(table.rows[matters > 0]), CLIPPED)) / (OFFSET - 1)
    stored = np.clip(np.rint(table.rows / scale), 1 - OFFSET, OFFSET - 1).astype(np.int16) + OFFSET
    order = np.argsort(-matters, kind="stable")
    fingerprints, rows = _placed(table.names, stored, order[matters[order] > 0])
    return Weights(
        classes=CLASSES,
        biases=tuple(round(float(bias), 6) for bias in table.biases),
        scale=float(f"{scale:.8g}"),
        temperature=1.0,
        none_above=1.0,
        unsure_below=0.0,
        fingerprints=bytes(fingerprints),
        columns=tuple(bytes(rows[:, k].astype(np.uint8)) for k in range(len(CLASSES))),
    )


def _placed(names: list[str], stored: Any, order: Any) -> tuple[bytearray, Any]:
    """Put the most important features first into their buckets; what finds no room is left out."""
    fingerprints = bytearray(BUCKETS * SLOTS)
    rows = np.full((BUCKETS * SLOTS, len(CLASSES)), OFFSET)
    for i in order:
        start, mark = place(hashed(names[i]), BUCKETS)
        bucket = fingerprints[start : start + SLOTS]
        slot = bucket.find(0)
        if slot >= 0 and mark not in bucket:
            fingerprints[start + slot] = mark
            rows[start + slot] = stored[i]
    return fingerprints, rows


def usage(prompts: Iterable[list[str]]) -> Counter[str]:
    """Count the prompts in which each feature occurs."""
    return Counter(name for names in prompts for name in names)
