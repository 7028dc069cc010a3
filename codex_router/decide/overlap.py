"""How outcomes of different attempts at the same task go together: 2 x 2 tables per pair of cells.

These counts are all that the task-difficulty model and the joint uncertainty of several arms need to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from codex_router.decide.columns import Columns

    Array = NDArray[np.float64]
    Codes = NDArray[np.int64]

COMMON_CORRELATION = 0.5
"""Default correlation of the outcomes of two arms at one task (a latent correlation of about .7)."""
COMMON_WEIGHT = 30.0
"""Pairs of attempts that the default counts for."""
CHUNK = 20_000
"""Tasks per matrix product, to bound the memory."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Tasks shared by pairs of cells, arrays of shape (cells, cells)."""

    shared: Array
    """Tasks that both cells attempted, unweighted; the diagonal counts the tasks of a cell."""
    both: Array
    """Weight of tasks that both solved; tasks with m cells count 1 / (m - 1) in each pair."""
    first: Array
    """Solved by the row's cell, not by the column's."""
    neither: Array
    again_both: Array
    """Per cell: weight of pairs of attempts at one task that both solved it."""
    again_one: Array
    again_neither: Array


def overlap_of(columns: Columns) -> Overlap:
    """Count shared tasks; unknown and guessed outcomes, and third attempts of an escalation, are left out."""
    cells = len(columns.keys)
    known = ~np.isnan(columns.outcome) & ~columns.guessed & ~_third(columns)
    pair, which, times = np.unique(
        columns.task[known] * max(cells, 1) + columns.cell[known], return_inverse=True, return_counts=True
    )
    solved = np.bincount(which, columns.outcome[known], len(pair)).astype(float)
    task, cell = pair // max(cells, 1), pair % max(cells, 1)
    shared, both, first, neither = (np.zeros((cells, cells)) for _ in range(4))
    for chunk in _chunks(task):
        _add_chunk((shared, both, first, neither), task[chunk], cell[chunk], solved[chunk] / times[chunk])
    np.fill_diagonal(shared, np.bincount(cell, minlength=cells))
    return Overlap(shared, both, first, neither, *_again(cell, solved, times, cells))


def _third(columns: Columns) -> NDArray[np.bool_]:
    """Mark attempts that were made because two earlier ones had failed."""
    third = np.zeros(len(columns.task), dtype=bool)
    third[1:] = columns.escalated[1:] & columns.escalated[:-1] & (columns.task[1:] == columns.task[:-1])
    return third


def _chunks(task: Codes) -> list[slice]:
    """Cut sorted task numbers into slices that never divide a task."""
    if not len(task):
        return []
    starts = np.flatnonzero(np.concatenate([[True], task[1:] != task[:-1]]))
    edges = [*starts[::CHUNK].tolist(), len(task)]
    return [slice(a, b) for a, b in pairwise(edges)]


def _add_chunk(tables: tuple[Array, Array, Array, Array], task: Codes, cell: Codes, solved: Array) -> None:
    """Add tasks that several cells attempted, one matrix product per set of cells that occur together."""
    _, row, cells_of_task = np.unique(task, return_inverse=True, return_counts=True)
    several = cells_of_task[row] > 1
    if not several.any():
        return
    rows, row = np.unique(row[several], return_inverse=True)
    present, column = np.unique(cell[several], return_inverse=True)
    tried, won = np.zeros((len(rows), len(present))), np.zeros((len(rows), len(present)))
    tried[row, column], won[row, column] = 1.0, solved[several]
    weight = 1 / (tried.sum(axis=1, keepdims=True) - 1)
    lost, at = tried - won, np.ix_(present, present)
    for table, product in zip(
        tables,
        (tried.T @ tried, (won * weight).T @ won, (won * weight).T @ lost, (lost * weight).T @ lost),
        strict=True,
    ):
        table[at] += product - np.diag(np.diag(product))


def _again(cell: Codes, solved: Array, times: Codes, cells: int) -> tuple[Array, Array, Array]:
    repeated = times > 1
    k, m, c = solved[repeated], times[repeated], cell[repeated]
    weight = 1 / (m - 1)
    counts = (k * (k - 1) / 2, k * (m - k), (m - k) * (m - k - 1) / 2)
    both, one, neither = (np.bincount(c, weight * count, cells).astype(float) for count in counts)
    return both, one, neither


def error_correlation(overlap: Overlap) -> Array:
    """Return the correlation of the errors of the cells' pass rates, shape (cells, cells).

    Two rates measured on the same tasks err together: both profit when the tasks happen to be easy. With n_ab shared of
    n_a and n_b tasks and outcomes of correlation phi, theirs is phi n_ab / sqrt(n_a n_b).
    """
    size = np.sqrt(np.maximum(np.diag(overlap.shared), 1.0))
    phi = _outcome_correlation(overlap)
    return np.asarray(phi * overlap.shared / np.outer(size, size) + (1 - phi) * np.eye(len(size)))


def _outcome_correlation(overlap: Overlap) -> float:
    """Return the mean correlation of outcomes at shared tasks, shrunk to the default."""
    n = overlap.both + overlap.first + overlap.first.T + overlap.neither
    safe = np.where(n > 0, n, 1.0)
    row, column = (overlap.both + overlap.first) / safe, (overlap.both + overlap.first.T) / safe
    spread = np.sqrt(row * (1 - row) * column * (1 - column))
    phi = np.divide(overlap.both / safe - row * column, spread, out=np.zeros_like(spread), where=spread > 0)
    weight = np.where(spread > 0, n, 0.0)
    mean = (COMMON_WEIGHT * COMMON_CORRELATION + np.sum(weight * phi)) / (COMMON_WEIGHT + weight.sum())
    return float(np.clip(mean, 0.0, 0.99))
