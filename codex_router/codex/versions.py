"""What each Codex version reads and accepts, as one table.

Measured on real binaries; ``docs/reference/codex-versions.md`` is generated from the tests that hold this table
against them.
"""

from __future__ import annotations

import re

from codex_router.named import NamedTuple

Version = tuple[int, int, int]
"""(major, minor, patch); a pre-release counts as its release."""

NEWEST_KNOWN: Version = (0, 169, 0)
"""The newest version whose behaviour was measured; newer ones are taken to behave like it."""

PROFILE_FILES: Version = (0, 134, 0)
"""From here ``--profile NAME`` layers ``$CODEX_HOME/NAME.config.toml``; before, ``[profiles.NAME]``."""
DEBUG_MODELS: Version = (0, 122, 0)
"""From here ``codex debug models`` prints the models on offer."""
STRICT_CONFIG: Version = (0, 131, 0)
"""From here ``--strict-config`` refuses unknown keys."""
ROLLOUT_BUDGET: Version = (0, 142, 0)
"""From here ``[features.rollout_budget]`` works; before, that table stops Codex from starting."""
USAGE_RECORDS: Version = (0, 153, 0)
"""From here a session file has one ``token_usage_record`` per response, written when the response ends."""
REQUEST_HOOK: Version = (0, 165, 0)
"""From here a hook runs before each model request (``PreModelRequest``)."""
PROOF_WITHOUT_PROMPT: Version = (0, 65, 0)
"""From here ``codex exec -`` with an empty stdin loads the configuration before it misses the prompt."""

TABLE_KEYS = frozenset(
    {
        "model",
        "model_provider",
        "model_reasoning_effort",
        "plan_mode_reasoning_effort",
        "model_reasoning_summary",
        "model_verbosity",
        "service_tier",
        "web_search",
        "personality",
        "features",
    }
)
"""The keys that a ``[profiles.NAME]`` table may hold (strict 0.131 to 0.133 refuses all others we would write)."""


class Reads(NamedTuple):
    """What one Codex version reads; the layout that codex-router writes for it."""

    version: Version
    profile_files: bool
    """Profiles are files of their own; otherwise tables in ``config.toml``."""
    debug_models: bool
    strict_config: bool
    rollout_budget: bool
    proof_without_prompt: bool

    @property
    def layout(self) -> str:
        """Return ``profile-files`` or ``profile-tables``."""
        return "profile-files" if self.profile_files else "profile-tables"


def reads(version: Version) -> Reads:
    """Return what a Codex of this version reads."""
    return Reads(
        version=version,
        profile_files=version >= PROFILE_FILES,
        debug_models=version >= DEBUG_MODELS,
        strict_config=version >= STRICT_CONFIG,
        rollout_budget=version >= ROLLOUT_BUDGET,
        proof_without_prompt=version >= PROOF_WITHOUT_PROMPT,
    )


def parse_version(text: str) -> Version | None:
    """Return the version in what ``codex --version`` printed (``codex-cli 0.163.0``), or None."""
    found = re.search(r"\b(\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def version_text(version: Version) -> str:
    """Return ``0.163.0`` for (0, 163, 0)."""
    return ".".join(str(part) for part in version)
