"""The classifier as this user has it: shipped weights, their taxonomy, what was learnt, the repository's patterns."""

from __future__ import annotations

from codex_router.decide.classify import NONE, Classifier
from codex_router.decide.taxonomy import read_categories, read_patterns
from codex_router.decide.weights import read_weights
from codex_router.errors import UsageError
from codex_router.evidence.corrections import corrections, read_learnt, write_learnt
from codex_router.settings import categories_document, in_force, repository_document, repository_file
from codex_router.shipped import shipped_bytes

WEIGHTS = "classifier.bin"


def classifier(*, repository: bool = True) -> Classifier:
    """Put the classifier together.

    Args:
        repository: heed the patterns of the repository one works in; not for prompts of elsewhere.

    Raises:
        RouterError: one of its files cannot be read.
    """
    categories = read_categories(categories_document(), in_force("categories.toml"))
    told = repository_file() if repository else None
    known = [*(category.name for category in categories), NONE]
    return Classifier(
        weights=read_weights(shipped_bytes(WEIGHTS), WEIGHTS),
        categories=categories,
        patterns=read_patterns(repository_document(told), known, told),
        learnt=read_learnt(),
    )


def check_category(name: str) -> None:
    """Refuse a category that is in nobody's taxonomy.

    Raises:
        UsageError: there is none of that name.
    """
    known = [category.name for category in read_categories(categories_document(), in_force("categories.toml"))]
    if name not in known:
        raise UsageError(f"no category {name!r}", hint=f"categories are: {', '.join(known)}")


def teach() -> int:
    """Learn from all corrections so far; return how many there are.

    Raises:
        RouterError: our folder cannot be written.
    """
    from codex_router.decide.learning import learn

    told = corrections()
    if told:
        categories = read_categories(categories_document(), in_force("categories.toml"))
        write_learnt(learn(told, read_weights(shipped_bytes(WEIGHTS), WEIGHTS), categories))
    return len(told)
