"""What stands between the user and the first byte of Codex imports nothing heavy; seen in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "scipy", "pydantic", "pydantic_core", "tomlkit", "sqlalchemy", "rich", "yaml", "genai_prices"}
"""Neither `route` nor `exec` may import these."""
HEAVY_FOR_EXEC = HEAVY | {"click", "sqlite3", "asyncio", "subprocess", "shutil", "http", "email", "uuid", "hashlib"}
"""Nor `exec` these before Codex is spawned: the grammar is Codex's, and the ledger can wait."""
SLOW_FOR_EXEC = {"typing", "pathlib", "tomllib", "dataclasses", "inspect", "urllib", "tempfile", "shlex"}
"""Nor these from its start to its end, once it remembers what the TOML files say."""

AT_THE_END = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))))
from codex_router.__main__ import main
sys.exit(main())
"""
AT_THE_SPAWN = """
import json, os, sys
def spawn(path, argv, environment, **_):
    os.write(1, json.dumps(sorted(sys.modules)).encode())
    os._exit(0)
os.posix_spawn = spawn
from codex_router.__main__ import main
main()
"""
AT_THE_EXIT = """
import json, os, sys
leave = os._exit
def told(status):
    os.write(1, json.dumps(sorted(sys.modules)).encode())
    leave(status)
os._exit = told
from codex_router.__main__ import main
main()
"""
CLOCK = "import time\ntime.time_ns = lambda: 1 << 62\n"
"""Long after every file was written."""
PROMPT = "Update the README with installation instructions"


@pytest.fixture(autouse=True)
def installed(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles, prices, and a Codex whose version is known."""
    codex, home, router = tmp_path / "codex", own_home / ".codex", own_home / "router"
    codex.write_text("#!/bin/sh\necho codex-cli 0.163.0\n")
    codex.chmod(0o755)
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(codex))
    home.mkdir()
    router.mkdir()
    (home / "codex-router.toml").write_text('[profile.bulk]\nmodel = "m"\n[route]\ndocs = "bulk"\n')
    (home / "bulk.config.toml").write_text('model = "m"\n')
    tier = {"above_tokens": 0, "input_usd": 1, "cached_input_usd": 1, "cache_write_usd": 1, "output_usd": 1}
    prices = {"schema": 1, "usd_per_mtok": {"m": {"provider": "test", "tiers": [tier]}}}
    (router / "prices.json").write_text(json.dumps(prices))
    run("-c", AT_THE_SPAWN, "exec", PROMPT)  # the version is asked and remembered


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def packages(modules: str) -> set[str]:
    return {name.partition(".")[0] for name in json.loads(modules)}


def test_the_list_is_of_things_that_are_there() -> None:
    """Else this file would prove nothing."""
    found = run("-c", f"import json, sys\nfor name in {sorted(HEAVY_FOR_EXEC - {'sqlalchemy'})}: __import__(name)")
    assert (found.returncode, found.stderr) == (0, "")


def test_route() -> None:
    done = run("-c", AT_THE_END, "route", PROMPT)
    assert (done.returncode, done.stdout.split()[0]) == (0, "docs")
    assert not packages(done.stderr) & HEAVY


@pytest.mark.parametrize("words", [[PROMPT], ["-m", "m", PROMPT], ["--max-cost", "1", "--explain", PROMPT], ["--help"]])
def test_exec_at_the_moment_codex_is_spawned(words: list[str]) -> None:
    done = run("-c", AT_THE_SPAWN, "exec", *words)
    found = packages(done.stdout)
    assert "codex_router" in found
    assert not found & HEAVY_FOR_EXEC


def test_a_prompt_on_standard_input_is_kept_without_a_file() -> None:
    """In memory: no disk need have room for it, and `tempfile` takes 5 ms to import."""
    found = packages(run("-c", AT_THE_SPAWN, "exec", "-").stdout)
    assert "codex_router" in found
    assert "tempfile" not in found
    assert not found & HEAVY_FOR_EXEC


def test_what_toml_files_say_is_remembered(own_home: Path) -> None:
    """Once they have not changed for a moment."""
    config = own_home / ".codex" / "codex-router.toml"
    os.utime(config, (0, 0))
    words = run("-c", f"{CLOCK}{AT_THE_SPAWN}", "exec", PROMPT)
    assert "tomllib" in packages(words.stdout)
    again = packages(run("-c", AT_THE_SPAWN, "exec", PROMPT).stdout)
    assert "codex_router" in again
    assert not again & SLOW_FOR_EXEC


def test_exec_to_its_end(own_home: Path) -> None:
    """What is imported while Codex starts competes with it for the processor."""
    os.utime(own_home / ".codex" / "codex-router.toml", (0, 0))
    run("-c", f"{CLOCK}{AT_THE_SPAWN}", "exec", PROMPT)
    done = run("-c", AT_THE_EXIT, "exec", PROMPT)
    found = packages(done.stdout.splitlines()[-1])
    assert {"codex_router", "sqlite3"} <= found
    assert not found & (HEAVY | SLOW_FOR_EXEC)


def test_exec_without_a_path_to_codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked for on PATH, as most people's is."""
    monkeypatch.delenv("CODEX_ROUTER_CODEX")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    run("-c", AT_THE_SPAWN, "exec", PROMPT)
    assert not packages(run("-c", AT_THE_SPAWN, "exec", PROMPT).stdout) & HEAVY_FOR_EXEC
