"""The policy and the taxonomy: shipped under ``profiles/``, changed by the user under ``~/.config/codex-router``."""

from __future__ import annotations

import os

from codex_router.errors import UsageError
from codex_router.named import TYPE_CHECKING
from codex_router.shipped import shipped_folder
from codex_router.toml_file import read_toml

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path
    from typing import Any


def own_file(name: str) -> Path:
    """Return where the user's own ``policy.toml`` or ``categories.toml`` lives, below ``$XDG_CONFIG_HOME``."""
    from pathlib import Path

    return Path(_own_file(name))


def _own_file(name: str) -> str:
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return os.path.join(os.path.expanduser(config), "codex-router", name)


def _shipped_file(name: str) -> str:
    return os.path.join(shipped_folder("profiles"), name)


def policy_document() -> dict[str, Any]:
    """Return the shipped policy with the user's values on top; a user's ``[tiers]`` replace the shipped ones whole.

    Raises:
        UsageError: the user's file cannot be read or parsed; says which line.
    """
    return _merged(_read(_shipped_file("policy.toml")), _own("policy.toml"))


def categories_document() -> dict[str, Any]:
    """Return the user's taxonomy when there is one, else the shipped one.

    Raises:
        UsageError: the user's file cannot be read or parsed; says which line.
    """
    return _own("categories.toml") or _read(_shipped_file("categories.toml"))


REPOSITORY_FILE = ".codex-router.toml"
"""What a repository says to codex-router, at its top or in the folder one works in."""


def repository_file() -> str | None:
    """Return the nearest ``.codex-router.toml``, from the working folder up to the repository's top."""
    try:
        folder, above = "", os.getcwd()
    except OSError:
        return None  # the working directory was deleted
    while folder != above:
        folder, above = above, os.path.dirname(above)
        told = os.path.join(folder, REPOSITORY_FILE)
        if os.path.isfile(told):
            return told
        if os.path.exists(os.path.join(folder, ".git")):
            return None
    return None


def repository_document(path: str | None) -> dict[str, Any]:
    """Return what a repository's own file says; nothing when there is none.

    Raises:
        UsageError: the file cannot be read or parsed; says which line.
    """
    return _read(path, "mend it, or remove it") if path else {}


def in_force(name: str) -> str:
    """Return the file that decides: the user's own when it exists, else the shipped one."""
    own = _own_file(name)
    return own if os.path.lexists(own) else _shipped_file(name)


def _own(name: str) -> dict[str, Any]:
    path = _own_file(name)
    return _read(path) if os.path.lexists(path) else {}


def _read(path: str | PathLike[str], hint: str = "mend it, or move it away to get the shipped one") -> dict[str, Any]:
    try:
        return read_toml(path)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot be read: {error}", where=path, hint=hint) from None


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Lay `own` over `base`, table by table."""
    merged = {**base}
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "tiers"
        merged[key] = _merged(base[key], value) if both else value
    return merged
