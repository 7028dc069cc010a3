"""Find the installed Codex and learn its version.

``codex --version`` takes 0.1 s, too long to ask before every run, so the answer is kept beside the ledger and
believed as long as the file on disk is the same one (path, inode, size, change time).
"""

from __future__ import annotations

import json
import os
import sys

from codex_router.codex.versions import Reads, Version, parse_version, reads, version_text
from codex_router.errors import ExitCode, LaunchError
from codex_router.home import make_router_home, router_folder
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

SHIM_MARK = b"#!/bin/sh\n# codex-router shim"
"""How the `codex` begins that `codex-router shim` installs."""
CALLS = tuple(name + rest for name in (b"codex-router", b"codex_router") for rest in (b' "$@"', b" exec"))
"""How a `codex` that somebody wrote by hand calls us."""
MEMO = "codex.json"
INSTALL_HINT = (
    "install it (`npm install -g @openai/codex`, or codex-router with its `codex` extra: `pip install '.[codex]'` in a "
    "clone), or set CODEX_ROUTER_CODEX to its path"
)


class Codex(NamedTuple):
    """An installed Codex."""

    path: str
    """The executable, as it will be run."""
    version: Version
    found_by: str
    """``$CODEX_ROUTER_CODEX``, ``PATH`` or ``the codex extra``."""

    @property
    def reads(self) -> Reads:
        """Return what this version reads."""
        return reads(self.version)

    def __str__(self) -> str:
        return f"Codex {version_text(self.version)} ({self.path}, by {self.found_by})"


def find_codex() -> Codex:
    """Return the Codex that ``$CODEX_ROUTER_CODEX``, ``PATH`` or the ``codex`` extra offers, in this order.

    Raises:
        LaunchError: none found (127), or it cannot be run (126).
    """
    path, found_by = _find_path()
    if path is None:
        raise LaunchError("no Codex found", exit_code=ExitCode.NOT_FOUND, hint=INSTALL_HINT)
    if not os.path.exists(path):
        hint = "mend or unset CODEX_ROUTER_CODEX; without it the one on PATH or of the `codex` extra is taken"
        raise LaunchError("there is no such file", where=path, exit_code=ExitCode.NOT_FOUND, hint=hint)
    return Codex(path, _version(path), found_by)


def _find_path() -> tuple[str | None, str]:
    own = os.environ.get("CODEX_ROUTER_CODEX")
    if own and not leads_back(own):
        return own, "$CODEX_ROUTER_CODEX"
    on_path = next((path for path in codexes_on_path() if not leads_back(path)), None)
    if on_path:
        return on_path, "PATH"
    return _from_extra(), "the codex extra"


def codexes_on_path() -> Iterator[str]:
    """Yield each executable `codex` on PATH, in order; `shutil.which` would give the first, after a slow import."""
    for folder in os.get_exec_path():
        path = os.path.join(folder, "codex")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield path


def is_shim(path: str | PathLike[str]) -> bool:
    """Tell whether a `codex` is the one that we install."""
    return _head(path).startswith(SHIM_MARK)


def leads_back(path: str) -> bool:
    """Tell whether a `codex` is a script that starts us: taking it for the real one would never end."""
    head = _head(path)
    return head.startswith(b"#!") and (is_shim(path) or any(call in head for call in CALLS))


def _head(path: str | PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""


def _from_extra() -> str | None:
    """Return the binary of PyPI's ``openai-codex-cli-bin`` without importing it, or None."""
    for folder in sys.path:
        binary = os.path.join(folder, "codex_cli_bin", "bin", "codex")
        if os.path.isfile(binary):
            return binary
    return None


def _version(path: str) -> Version:
    stat = os.stat(path)
    key = [os.path.realpath(path), stat.st_ino, stat.st_size, stat.st_ctime_ns]
    memo = os.path.join(router_folder(), MEMO)
    try:
        with open(memo, "rb") as stream:
            known = json.loads(stream.read())
        if known["key"] == key:
            major, minor, patch = known["version"]
            return int(major), int(minor), int(patch)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    version = _ask_version(path)
    _remember({"key": key, "version": version})
    return version


def _remember(known: dict[str, object]) -> None:
    """Keep the answer; failing to is no error, it only costs the next start 0.1 s."""
    try:
        memo = make_router_home() / MEMO
        scratch = memo.with_name(f"{memo.name}.{os.getpid()}")
        scratch.write_text(json.dumps(known), encoding="utf-8")
        scratch.replace(memo)
    except OSError:
        pass


def _ask_version(path: str) -> Version:
    import subprocess

    try:
        argv = [path, "--version"]
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except PermissionError:
        raise LaunchError(
            "Codex is not executable", where=path, exit_code=ExitCode.NOT_EXECUTABLE, hint=f"try `chmod +x {path}`"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(
            f"Codex cannot be run: {error}", where=path, exit_code=ExitCode.NOT_EXECUTABLE, hint=INSTALL_HINT
        ) from None
    version = parse_version(done.stdout)
    if version is None:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise LaunchError(
            f"`--version` did not print a version but {repr(said[0]) if said else 'nothing'}",
            where=path,
            exit_code=ExitCode.NOT_EXECUTABLE,
            hint=INSTALL_HINT,
        )
    return version
