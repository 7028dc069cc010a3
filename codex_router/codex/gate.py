"""A gate before each model request: Codex waits there until the answers so far are counted.

It is a ``PreModelRequest`` hook, given on the command line, so no file of the user's changes. Codex runs only hooks
that it was told to trust; the hash that says so is given with it (measured: 0.165 to 0.169). A hook that is not run
changes nothing: the limit is then held by following the session file alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

TIMEOUT_S = 600
"""Codex stops waiting after so many seconds, as when we are suspended."""
KEY = "/<session-flags>/config.toml:pre_model_request:0:0"
"""How Codex names the first such hook of a command line."""


class Gate:
    """The two pipes of a gate; use it as a context manager, which removes them."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="codex-router-gate-"))
        ask, go = self._folder / "ask", self._folder / "go"
        os.mkfifo(ask, 0o600)
        os.mkfifo(go, 0o600)
        # Open at both ends from the start, so that neither side ever waits for the other to open them.
        self._ask, self._go = (os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC) for pipe in (ask, go))
        self.command = f"echo >{shlex.quote(str(ask))}; read -r _ <{shlex.quote(str(go))}"
        self.waiting = 0
        """Requests that wait now."""
        self.passed = 0
        """Requests that were let go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ask)
        os.close(self._go)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def words(self) -> list[str]:
        """Return the options of Codex that set it up."""
        hook = {"type": "command", "command": self.command, "timeout": TIMEOUT_S}
        state = {KEY: {"trusted_hash": trusted_hash(self.command)}}
        return [
            "-c",
            f"hooks.PreModelRequest={_toml([{'hooks': [hook]}])}",
            "-c",
            f"hooks.state={_toml(state)}",
        ]

    def look(self) -> bool:
        """Tell whether requests have come to the gate since the last look."""
        try:
            came = len(os.read(self._ask, 4096))
        except BlockingIOError:
            return False
        self.waiting += came
        return came > 0

    def let_go(self, number: int) -> None:
        """Let so many of the requests go that wait."""
        number = min(number, self.waiting)
        os.write(self._go, b"\n" * number)
        self.passed += number
        self.waiting -= number


def trusted_hash(command: str) -> str:
    """Return how Codex names the very hook that the user trusts."""
    hook = {"async": False, "command": command, "timeout": TIMEOUT_S, "type": "command"}
    said = json.dumps({"event_name": "pre_model_request", "hooks": [hook]}, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def _toml(value: Any) -> str:
    """Return a value in TOML's inline form; its strings are JSON's as long as they are printable."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}={_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_toml(one) for one in value) + "]"
    return json.dumps(value)
