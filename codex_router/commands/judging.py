"""The classifier as this user has it: shipped weights, their taxonomy, what was learnt, the repository's patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_router.decide.classify import NONE, Classifier
from codex_router.decide.taxonomy import read_categories, read_patterns
from codex_router.decide.weights import read_weights
from codex_router.evidence.corrections import read_learnt
from codex_router.settings import categories_document, in_force, repository_document, repository_file
from codex_router.shipped import shipped_bytes

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = "classifier.bin"


def classifier(folder: Path | None = None) -> Classifier:
    """Put the classifier together.

    Args:
        folder: where to look for the repository's own file; the working directory unless told.

    Raises:
        RouterError: one of its files cannot be read.
    """
    categories = read_categories(categories_document(), in_force("categories.toml"))
    told = repository_file(folder)
    known = [*(category.name for category in categories), NONE]
    return Classifier(
        weights=read_weights(shipped_bytes(WEIGHTS), WEIGHTS),
        categories=categories,
        patterns=read_patterns(repository_document(told), known, told),
        learnt=read_learnt(),
    )
