"""A PostgreSQL of our own: a private cluster on a loopback port, gone when the tests end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

BIN = "/usr/lib/postgresql"
AS_POSTGRES = [
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--init-groups",
    "--securebits=+no_setuid_fixup",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
    "--",
]
"""PostgreSQL refuses to run as root; some containers let nobody but root pass their root folder."""


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of an empty database; ``CODEX_ROUTER_TEST_PG`` names another server's."""
    given = os.environ.get("CODEX_ROUTER_TEST_PG")
    if given:
        yield given
        return
    found = sorted(Path(BIN).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        words = "no PostgreSQL here: `apt-get install postgresql`, or set CODEX_ROUTER_TEST_PG"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        prefix = AS_POSTGRES
    data, bin_ = folder / "data", found[-1].parent
    init = [*prefix, str(bin_ / "initdb"), "-D", str(data), "-U", "router", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    port = _free_port()
    start = [*prefix, str(bin_ / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    start += ["-c", "listen_addresses=127.0.0.1"]
    server = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        _wait_for(port)
        yield f"postgresql+psycopg://router@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=router dbname=postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
