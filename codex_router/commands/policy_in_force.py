"""The policy in force: the user's files over what ships, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_router.decide.policy import policy_from
from codex_router.decide.taxonomy import read_categories
from codex_router.errors import RouterError, UsageError
from codex_router.settings import categories_document, in_force, policy_document

if TYPE_CHECKING:
    from codex_router.decide.policy import Policy


def read_policy() -> Policy:
    """Return the policy in force.

    Raises:
        RouterError: a file does not parse, or a value is impossible; names the file and the key.
    """
    policy, categories = policy_document(), categories_document()
    where = f"{in_force('policy.toml')} or {in_force('categories.toml')}"
    try:
        read_categories(categories)
        return policy_from(policy, categories)
    except RouterError as error:
        raise UsageError(error.what, where=where, hint=error.hint or "mend it, or move the file away") from None
