"""OpenAI's own Codex binaries, from PyPI and from npm: the tests run them, never a stand-in."""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PACKAGE = "openai-codex-cli-bin"
BINARY = Path("codex_cli_bin", "bin", "codex")
NPM = "npm-"
"""How a version of npm's ``@openai/codex`` begins here, as in ``npm-0.169.0``."""
NEWEST = pytest.param("npm-0.169.0", marks=pytest.mark.slow)
"""The newest version, which PyPI does not have, with the launcher that most people start Codex by."""


def cache() -> Path:
    """Return where further versions are kept: ``$CODEX_ROUTER_TEST_CACHE``, else ``.cache/codex`` in the repository."""
    return Path(os.environ.get("CODEX_ROUTER_TEST_CACHE") or Path(__file__).parents[1] / ".cache" / "codex").absolute()


def codex_binary(version: str) -> str:
    """Return the path of Codex `version`: the installed extra if it is that one, else the cache's, installed once.

    Raises:
        CalledProcessError: pip or npm cannot install it; a test that needs it fails, it is never skipped.
    """
    if version.startswith(NPM):
        return _npm_codex(version)
    installed = _extra(version)
    if installed:
        return installed
    binary = cache() / version / BINARY
    if not binary.exists():
        _install(version)
    return str(binary)


def _npm_codex(version: str) -> str:
    """Return the launcher of npm's package."""
    folder = cache() / version
    launcher = folder / "node_modules" / ".bin" / "codex"
    if not launcher.exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder)]
        subprocess.run([*npm, f"@openai/codex@{version.removeprefix(NPM)}"], check=True)
    return str(launcher)


def _extra(version: str) -> str | None:
    try:
        found = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(found.locate_file(BINARY)))
    return str(path) if found.version == version and path.exists() else None


def _install(version: str) -> None:
    """Install into a folder beside and rename it; the lock keeps the workers of one test run from doing it twice."""
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / version / BINARY).exists():
            return
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{version}-") as scratch:
            target = Path(scratch) / "target"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
            subprocess.run([*pip, "--target", str(target), f"{PACKAGE}=={version}"], check=True)
            shutil.rmtree(folder / version, ignore_errors=True)
            target.rename(folder / version)
