"""Is the profile there that is about to be used? Codex itself would silently run on the base configuration."""

from __future__ import annotations

import os
import re

from codex_router.errors import LaunchError
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

    from codex_router.codex.versions import Reads

APPLY = "run `codex-router apply`, which writes the profiles for the Codex that is installed now"
LEGACY = rb"(?m)^\s*(profile\s*=|\[+\s*profiles?\s*[.\]])"
"""What may stop Codex from starting since 0.134; only a hint to look closer."""


def check_ready(home: str | PathLike[str], tier: str, reads: Reads) -> bool:
    """Check that this Codex will find the profile `tier`, and will start with it.

    Returns:
        whether the profile holds Codex's own token budget.

    Raises:
        LaunchError: the profile is missing, or was written for another Codex version; says what to do.
    """
    if reads.profile_files:
        _check_no_table(os.path.join(home, "config.toml"), tier)
        return _check_file(os.path.join(home, f"{tier}.config.toml"), tier, reads)
    _check_table(os.path.join(home, "config.toml"), tier)
    return False


def _check_file(path: str, tier: str, reads: Reads) -> bool:
    try:
        with open(path, "rb") as stream:
            text = stream.read()
    except OSError as error:
        raise LaunchError(
            f"the file of profile `{tier}` is missing ({error.strerror}); Codex would run on its base configuration",
            where=path,
            hint=APPLY,
        ) from None
    has_budget = b"rollout_budget" in text
    if has_budget and not reads.rollout_budget:
        what = "it holds a token budget, with which this older Codex does not start"
        raise LaunchError(what, where=path, hint=APPLY)
    return has_budget


def _check_no_table(path: str, tier: str) -> None:
    data = _read(path)
    if b"profile" not in data or not re.search(LEGACY, data):
        return
    document = _parse(data)
    if "profile" in document:
        raise LaunchError(
            "`profile` in it stops this Codex from starting", where=path, hint="run `codex-router doctor`"
        )
    if tier in _tables(document):
        raise LaunchError(
            f"[profiles.{tier}] in it stops this Codex from using the profile of that name", where=path, hint=APPLY
        )


def _check_table(path: str, tier: str) -> None:
    if tier not in _tables(_parse(_read(path))):
        raise LaunchError(f"[profiles.{tier}] is missing, where this Codex looks for it", where=path, hint=APPLY)


def _tables(document: dict[str, Any]) -> dict[str, Any]:
    """Return ``[profiles.*]``, empty when `profiles` is something else: Codex will say so itself."""
    tables = document.get("profiles")
    return tables if isinstance(tables, dict) else {}


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _parse(data: bytes) -> dict[str, Any]:
    """Return the configuration, empty when it does not parse: Codex will say so itself, better than we could."""
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
