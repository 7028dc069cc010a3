"""Whether a prompt says that the work before it did not do."""

from __future__ import annotations

import re

COMPLAINT_CHARACTERS = 400
"""Only the beginning of a prompt tells whether it complains about the work before."""
COMPLAINT = re.compile(
    r"\b(?:still (?:fail|broken|not|doesn|does not|wrong|the same|crash|error|get)|"
    r"(?:that|this|it) (?:did|does|is) ?n[o']t (?:work|help|fix|right|correct|compile|build|pass)|"
    r"not (?:fixed|working|what i (?:asked|wanted|meant))|you broke|wrong again|try again|"
    r"(?:undo|revert|roll back|discard) (?:that|this|it|your|the (?:last|change)|everything))",
    re.IGNORECASE,
)


def complains(prompt: str) -> bool:
    """Tell whether a prompt says that the work before it did not solve its task."""
    return COMPLAINT.search(prompt[:COMPLAINT_CHARACTERS]) is not None
