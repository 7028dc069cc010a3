"""Word vectors from the company that words keep in prompts and commit subjects: no outside model is needed.

Positive pointwise mutual information with smoothed contexts, reduced by a truncated singular value decomposition, the
singular values to the power of a half (Levy, Goldberg and Dagan, 2015, TACL 3, "Improving Distributional Similarity").
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from codex_router.decide.prompt_features import features

if TYPE_CHECKING:
    from collections.abc import Iterable

SEEN_AT_LEAST = 4
DIMENSIONS = 150
CONTEXT_POWER = 0.75


class Vectors(NamedTuple):
    """A unit vector per word."""

    words: dict[str, int]
    values: np.ndarray[Any, np.dtype[np.float64]]


def learn_vectors(texts: Iterable[str]) -> Vectors:
    """Learn vectors for all words that occur in at least `SEEN_AT_LEAST` texts."""
    documents = [[name[2:] for name in features(text) if name.startswith("w:")] for text in texts]
    seen = Counter(word for words in documents for word in words)
    index = {word: i for i, (word, _) in enumerate(_common(seen))}
    together = _together(documents, index)
    left, size, _ = svds(_information(together), k=DIMENSIONS, v0=np.ones(len(index)))
    values = left * np.sqrt(size)
    return Vectors(index, values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9))


def _common(seen: Counter[str]) -> list[tuple[str, int]]:
    return sorted(((w, n) for w, n in seen.items() if n >= SEEN_AT_LEAST), key=lambda pair: (-pair[1], pair[0]))


def _together(documents: list[list[str]], index: dict[str, int]) -> Any:
    """Return how often two words share a text, each text counting one word's worth."""
    known = [[index[word] for word in words if word in index] for words in documents]
    values = np.concatenate([np.full(len(k), max(len(w), 1) ** -0.5) for k, w in zip(known, documents, strict=True)])
    ends = np.cumsum([0, *(len(k) for k in known)])
    flat = np.concatenate([np.array(k, dtype=np.int64) for k in known])
    bags = sparse.csr_matrix((values, flat, ends), shape=(len(documents), len(index)))
    together = (bags.T @ bags).tocoo()
    apart = together.row != together.col
    return sparse.coo_matrix((together.data[apart], (together.row[apart], together.col[apart])), together.shape)


def _information(together: Any) -> Any:
    totals = np.asarray(together.sum(axis=1)).ravel()
    contexts = totals**CONTEXT_POWER
    contexts /= contexts.sum()
    values = np.log(together.data / (totals[together.row] * contexts[together.col]))
    kept = values > 0
    return sparse.csr_matrix((values[kept], (together.row[kept], together.col[kept])), together.shape)
