"""A machine of its own for one test: a home, a project folder, an environment, a real Codex and a scripted server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from codex_router.codex.scripted_server import ScriptedServer
from codex_router.codex.versions import parse_version, reads

GO = ("--skip-git-repo-check", "-s", "danger-full-access")
"""What `codex exec` needs in a folder without git, in a container without a sandbox."""

TIERS = {"precision": ("gpt-5.5", "high"), "standard": ("gpt-5.5", "low"), "bulk": ("gpt-5.4", "medium")}
"""What the profiles of a world choose; Codex itself is configured for another model, `BASE_MODEL`."""
BASE_MODEL = "gpt-5.2"
ROUTES = {"review": "precision", "bugfix": "standard", "lint": "bulk", "docs": "bulk"}
PRICES = {
    "gpt-5.5": {"input_usd": 10.0, "cached_input_usd": 1.0, "cache_write_usd": 10.0, "output_usd": 100.0},
    "gpt-5.4": {"input_usd": 2.0, "cached_input_usd": 0.5, "cache_write_usd": 2.0, "output_usd": 20.0},
}
"""USD per million tokens: round numbers, so that a test can work a cost out by hand."""


class Done(NamedTuple):
    """What became of a command."""

    status: int
    stdout: bytes
    stderr: str


@dataclass
class World:
    """See the module's text; everything in it is below `home`."""

    home: Path
    codex: str
    version: str
    server: ScriptedServer
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.codex_home.mkdir(exist_ok=True)
        (self.home / ".bash_profile").touch()  # Codex's shell tool starts a login shell
        (self.codex_home / "config.toml").write_text(self.server.config(BASE_MODEL))
        self.env |= {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "CODEX_HOME": str(self.codex_home),
            "CODEX_ROUTER_HOME": str(self.router_home),
            "CODEX_ROUTER_CODEX": self.codex,
            "SCRIPTED_KEY": "not-a-key",
        }

    @property
    def codex_home(self) -> Path:
        return self.home / ".codex"

    @property
    def router_home(self) -> Path:
        return self.home / "router"

    @property
    def folder(self) -> Path:
        """The working folder."""
        return self.home / "project"

    def write_profiles(self, **max_turns: int) -> None:
        """Write by hand what `init` would: the profiles of `TIERS`, their routes, and the price snapshot."""
        self.router_home.mkdir(exist_ok=True)
        ours = "".join(self._tier(name, max_turns.get(name, 0)) for name in TIERS)
        ours += "[route]\n" + "".join(f'{category} = "{tier}"\n' for category, tier in ROUTES.items())
        (self.codex_home / "codex-router.toml").write_text(ours)
        found = parse_version(self.version)
        assert found
        with (self.codex_home / "config.toml").open("a") as config:
            for name, (model, effort) in TIERS.items():
                text = f'model = "{model}"\nmodel_reasoning_effort = "{effort}"\n'
                if reads(found).profile_files:
                    (self.codex_home / f"{name}.config.toml").write_text(text)
                else:
                    config.write(f"\n[profiles.{name}]\n{text}")
        usd = {model: {"provider": "test", "tiers": [{"above_tokens": 0, **price}]} for model, price in PRICES.items()}
        (self.router_home / "prices.json").write_text(json.dumps({"schema": 1, "usd_per_mtok": usd}))

    def _tier(self, name: str, max_turns: int) -> str:
        model, effort = TIERS[name]
        return (
            f'[profile.{name}]\nmodel = "{model}"\nreasoning_effort = "{effort}"\n'
            f"task_value_usd = 1.0\nmax_turns = {max_turns}\n\n"
        )

    def run(self, *arguments: str, stdin: bytes = b"") -> Done:
        """Run `codex-router` with these arguments as a user would, to its end."""
        return self._done([sys.executable, "-m", "codex_router", *arguments], stdin)

    def bare(self, *arguments: str, stdin: bytes = b"") -> Done:
        """Run Codex itself."""
        return self._done([self.codex, *arguments], stdin)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `codex-router` with these arguments; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "codex_router", *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def processes(self) -> dict[int, str]:
        """Return the command lines of all processes that live in this world, by the home in their environment."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.fsencode(self.home) in (process / "environ").read_bytes():
                    words = (process / "cmdline").read_bytes()
                    found[int(process.name)] = words.replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
        return {pid: words for pid, words in found.items() if words}  # a zombie has none

    def end(self) -> None:
        """End what a test has left running."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _done(self, argv: list[str], stdin: bytes) -> Done:
        done = subprocess.run(
            argv, cwd=self.folder, env=self.env, input=stdin, capture_output=True, timeout=120, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())
