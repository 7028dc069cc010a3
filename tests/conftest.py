"""Every test has its own home: nothing may touch the real one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from codex_binary import codex_binary
from hypothesis import settings
from world import World

from codex_router.codex.scripted_server import Step, serving

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that wait for each other make `init` 7 times slower here
settings.register_profile("ci", max_examples=2000, deadline=None, print_blob=True)
settings.register_profile("here", max_examples=100, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-docs", action="store_true", help="write docs/reference/codex-versions.md as measured")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point every home variable at a fresh folder and remove what would colour or redirect output."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CODEX_ROUTER_CODEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CODEX_HOME", str(home / ".codex"))
    monkeypatch.setenv("CODEX_ROUTER_HOME", str(home / "router"))
    return home


@pytest.fixture(scope="session")
def codex() -> Callable[[str], str]:
    """Return the path of a Codex version's own binary; see `codex_binary`."""
    return codex_binary


@pytest.fixture
def make_world(own_home: Path) -> Iterator[Callable[..., World]]:
    """Return a maker of a `World`: ``make_world("0.163.0", {"cmd": "echo 1"}, {"final": "done"})``; one per test."""
    with ExitStack() as stack:

        def make(version: str, *steps: Step) -> World:
            server = stack.enter_context(serving(steps or [{"final": "done"}]))
            world = World(own_home, codex_binary(version), version, server)
            stack.callback(world.end)
            return world

        yield make


@contextmanager
def permissions_apply() -> Iterator[None]:
    """Be a user to whom permissions apply; in CI we are root, who may do everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that every user may enter; those of `tmp_path` are for their maker only."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
