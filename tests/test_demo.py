"""The whole story with real Codex, as a newcomer sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codex_router", "demo"],
        env={**os.environ, "COLUMNS": "160", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.codex
@pytest.mark.parametrize("version", ["0.163.0", "0.133.0"])
def test_the_story(codex: Callable[[str], str], own_home: Path, version: str) -> None:
    # What a user may have set must not spoil it: no key, no network and no record of theirs are needed.
    theirs = {"CODEX_ROUTER_NO_RECORD": "1", "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = demo(CODEX_ROUTER_CODEX=codex(version), **theirs)
    assert done.returncode == 0, done.stderr

    said = done.stdout
    assert said.startswith(f"Codex {version} ")
    headings = re.findall(r"^\$ codex-router (\w+)|^\(exit status (\d+)\)", said, re.MULTILINE)
    assert headings == [("init", ""), ("", "0"), ("exec", ""), ("", "0"), ("exec", ""), ("", "124")]
    assert "+[profile.bulk]" in said
    assert "Both errors are fixed." in said
    assert "stopped at the limit of 3 turns" in done.stderr
    ledger = said.partition("The ledger now holds")[2]
    assert re.search(r" 2 +\$0\.\d{4} +completed", ledger)
    assert re.search(r" 3 +\$0\.\d{4} +budget", ledger)

    # Nothing of the user's was touched, nothing stays behind. (Where a shell or a tool starts rustup, that makes itself
    # a folder in any home: seen once.)
    assert [path for path in own_home.rglob("*.toml") if path.parent.name != ".rustup"] == []
    assert not list((own_home / ".cache").glob("codex-router-demo-*"))


def test_without_codex_it_says_what_to_do(tmp_path: Path) -> None:
    done = demo(CODEX_ROUTER_CODEX=str(tmp_path / "gone"))
    assert (done.returncode, done.stdout) == (127, "")
    assert "\n\nhint: mend or unset CODEX_ROUTER_CODEX" in done.stderr
