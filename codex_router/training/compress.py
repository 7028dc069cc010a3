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

BUCKETS = 2872
"""Buckets of eight slots: 22,976 features at thirteen bytes make 299 kB."""


def compress(table: Table, usage: Counter[str]) -> Weights:
    """Return the weights to ship, without temperature and thresholds yet.

    Args:
        table: the finished model.
        usage: how often each feature occurs in prompts; a feature matters as often as it occurs.
    """
    frequency = np.array([usage[name] for name in table.names], dtype=float)
    matters = frequency * (table.rows**2).sum(axis=1)
    # The largest weight is the largest byte: clipping even one in two thousand costs .02 nats, a coarser step nothing.
    scale = float(np.abs(table.rows[matters > 0]).max()) / (OFFSET - 1)
    stored = np.rint(table.rows / scale).astype(np.int16) + OFFSET
    order = np.argsort(-matters, kind="stable")
    fingerprints, seconds, rows = _placed(table.names, stored, order[matters[order] > 0])
    return Weights(
        classes=CLASSES,
        biases=tuple(round(float(bias), 6) for bias in table.biases),
        scale=float(f"{scale:.8g}"),
        temperature=1.0,
        none_above=1.0,
        unsure_below=0.0,
        fingerprints=bytes(fingerprints),
        seconds=bytes(seconds),
        columns=tuple(bytes(rows[:, k].astype(np.uint8)) for k in range(len(CLASSES))),
    )


def _placed(names: list[str], stored: Any, order: Any) -> tuple[bytearray, bytearray, Any]:
    """Put the most important features first into their buckets; what finds no room is left out."""
    fingerprints, seconds = bytearray(BUCKETS * SLOTS), bytearray(BUCKETS * SLOTS)
    rows = np.full((BUCKETS * SLOTS, len(CLASSES)), OFFSET)
    taken = set()
    for i in order:
        start, first, second = place(hashed(names[i]), BUCKETS)
        slot = fingerprints.find(0, start, start + SLOTS)
        if slot >= 0 and (start, first, second) not in taken:
            taken.add((start, first, second))
            fingerprints[slot], seconds[slot], rows[slot] = first, second, stored[i]
    return fingerprints, seconds, rows


def usage(prompts: Iterable[list[str]]) -> Counter[str]:
    """Count the prompts in which each feature occurs."""
    return Counter(name for names in prompts for name in names)
