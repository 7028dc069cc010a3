"""A multinomial logistic regression over named features, with what words keep company with folded in.

Each prompt is the set of its features, scaled by inverse document frequency and divided by the root of their number.
Beside them stands the sum of its words' vectors (`vectors`), so that a word never seen with a label is judged by its
neighbours. Both parts are linear in the words, hence the finished model is one table: a word's row is its own weights
plus its vector times the weights of the vectors' dimensions.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import optimize, sparse

from codex_router.decide.prompt_features import features
from codex_router.training.corpus import CLASSES, OWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.training.corpus import Row
    from codex_router.training.vectors import Vectors

    Matrix = np.ndarray[Any, np.dtype[np.float64]]

SEEN_AT_LEAST = 2
"""Prompts in which a feature must occur."""
RARE_COUNTS = 1.3
"""Power of the inverse document frequency."""
COMMON = 3000
"""The scale is such that it is 1 on average over this many of the commonest features."""
SMOOTHING = 0.15
"""Share of a label that is spread over all classes: labellers err."""
BALANCE = 0.2
"""Power of the inverse class frequency by which rows are weighted."""
CROWD = 60
"""Rows of one repository from which on each counts for less, by the power `CROWDING` of their number."""
CROWDING = 0.25
PENALTY = 3e-5
"""Ridge penalty; chosen by cross-validation over repositories."""
COMPANY = 0.5
"""Length of the vectors' part beside the features' part."""


class Table(NamedTuple):
    """A finished model: a row of nats per feature and class, to be divided by the root of a prompt's feature count."""

    names: list[str]
    rows: Matrix
    biases: Matrix

    def logits(self, prompts: Sequence[list[str]]) -> Matrix:
        """Return (prompt, class) logits from feature names."""
        index = {name: i for i, name in enumerate(self.names)}
        counts = [max(len(names), 1) for names in prompts]
        return np.asarray(_bag(prompts, index, counts) @ self.rows + self.biases)


def fit(rows: Sequence[Row], vectors: Vectors, prompts: Sequence[list[str]] | None = None) -> Table:
    """Learn a table from labelled rows.

    Args:
        rows: what to learn from.
        vectors: the words' company.
        prompts: the rows' features, when they are at hand.
    """
    prompts = prompts or [features(row.text) for row in rows]
    seen = Counter(name for names in prompts for name in names)
    names = sorted(name for name, count in seen.items() if count >= SEEN_AT_LEAST)
    index = {name: i for i, name in enumerate(names)}
    counts = [max(len(one), 1) for one in prompts]
    scale = _rarity(np.array([seen[name] for name in names]), len(rows))
    company = _company(prompts, counts, vectors)
    length = COMPANY / np.linalg.norm(company, axis=1).mean()
    both = sparse.hstack([_bag(prompts, index, counts) @ sparse.diags(scale), sparse.csr_matrix(company * length)])
    labels = np.array([CLASSES.index(row.label) for row in rows])
    solution, biases = _regress(both.tocsr(), labels, row_weights(rows))
    own, shared = solution[: len(names)] * scale[:, None], solution[len(names) :] * length
    return _folded(names, own, vectors, vectors.values @ shared, biases)


def _folded(names: list[str], own: Matrix, vectors: Vectors, company: Matrix, biases: Matrix) -> Table:
    """Add each word's share of the vectors' part to its row, and the words that only have that."""
    index = {name: i for i, name in enumerate(names)}
    rows = [own]
    extra = []
    for word, row in vectors.words.items():
        name = f"w:{word}"
        if name in index:
            own[index[name]] += company[row]
        else:
            extra.append(name)
            rows.append(company[row : row + 1])
    table = np.vstack(rows)
    return Table(names + extra, table - table.mean(axis=1, keepdims=True), biases - biases.mean())


def _bag(prompts: Sequence[list[str]], index: dict[str, int], counts: Sequence[int]) -> Any:
    columns = [[index[name] for name in names if name in index] for names in prompts]
    values = np.concatenate([np.full(len(c), n**-0.5) for c, n in zip(columns, counts, strict=True)])
    ends = np.cumsum([0, *(len(c) for c in columns)])
    flat = np.concatenate([np.array(c, dtype=np.int64) for c in columns])
    return sparse.csr_matrix((values, flat, ends), shape=(len(prompts), len(index)))


def _company(prompts: Sequence[list[str]], counts: Sequence[int], vectors: Vectors) -> Matrix:
    index = {f"w:{word}": row for word, row in vectors.words.items()}
    return np.asarray(_bag(prompts, index, counts) @ vectors.values)


def _rarity(seen: Matrix, prompts: int) -> Matrix:
    scale = np.log((prompts + 1) / (seen + 1)) ** RARE_COUNTS
    return np.asarray(scale / scale[np.argsort(-seen, kind="stable")[:COMMON]].mean())


def row_weights(rows: Sequence[Row]) -> Matrix:
    """Return what each row counts for, in sum 1: rare classes count for more, rows of crowded repositories for less."""
    labels = np.array([CLASSES.index(row.label) for row in rows])
    sizes = Counter(row.group for row in rows if row.group != OWN)
    weights = np.array([row.weight * max(sizes[row.group] / CROWD, 1) ** -CROWDING for row in rows])
    totals = np.bincount(labels, weights=weights, minlength=len(CLASSES))
    weights = weights * (totals.mean() / np.maximum(totals, 1))[labels] ** BALANCE
    return np.asarray(weights / weights.sum())


def _regress(data: Any, labels: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Minimise the weighted cross-entropy plus a ridge penalty with L-BFGS; return weights and biases."""
    width, classes = data.shape[1], len(CLASSES)
    target = np.full((len(labels), classes), SMOOTHING / classes)
    target[np.arange(len(labels)), labels] += 1 - SMOOTHING
    turned = data.T.tocsr()

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        solution, biases = flat[:-classes].reshape(width, classes), flat[-classes:]
        logits = data @ solution + biases
        logits -= logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        value = -(weights[:, None] * target * (logits - total)).sum() + PENALTY / 2 * (solution**2).sum()
        slope = (np.exp(logits - total) - target) * weights[:, None]
        return value, np.concatenate([(turned @ slope + PENALTY * solution).ravel(), slope.sum(axis=0)])

    start = np.zeros((width + 1) * classes)
    best = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150, "maxcor": 6}).x
    return best[:-classes].reshape(width, classes), best[-classes:]
