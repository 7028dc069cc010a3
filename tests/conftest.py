"""Every test has its own home: nothing may touch the real one."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from codex_binary import codex_binary
from hypothesis import settings
from postgres_server import postgres
from world import World

from codex_router.codex import locate
from codex_router.codex.scripted_server import Step, serving

if TYPE_CHECKING:
    from codex_router.evidence.store import Store

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that wait for each other make `init` 7 times slower here
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:  # under nohup, or in the background of a script
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
settings.register_profile("ci", max_examples=300, deadline=None, print_blob=True)
settings.register_profile("here", max_examples=100, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-docs", action="store_true", help="write docs/reference/codex-versions.md as measured")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point every home variable at a fresh folder and remove what would colour or redirect output."""
    home = tmp_path_factory.mktemp("home")
    for name in (
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
        "CODEX_ROUTER_CODEX",
        "CODEX_ROUTER_DB",
    ):
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
def use(monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]) -> Callable[[str], None]:
    """Return what installs a Codex version: ``use("0.163.0")``, also under a running test's feet."""
    return lambda version: monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(version))


@pytest.fixture
def without_codex(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no Codex to be found: not named, not on PATH, and without the extra of this environment."""
    monkeypatch.delenv("CODEX_ROUTER_CODEX", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(locate, "_from_extra", lambda: None)


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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Return the URL of a PostgreSQL server that the tests own."""
    with postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Return the URL of an empty database of that server."""
    import sqlalchemy as sa

    name = f"t{uuid.uuid4().hex}"
    admin = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Return an empty ledger of sessions, in each kind of database."""
    from codex_router.evidence.store import Store

    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with Store.open(url) as store:
        yield store
