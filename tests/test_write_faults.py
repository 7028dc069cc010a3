"""The write path under a kill before every system call, and on disks that fail: old or new, never in between."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import faults
import pytest
from faults import NEW, OLD, Countdown, Machine
from quick import new_folder

from codex_router.codex.checks import check_journal
from codex_router.codex.disk import Disk
from codex_router.codex.journal import Journal
from codex_router.errors import RouterError

NOTHING = "nothing to undo"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory: thousands of fsync calls are not what is tested here."""
    with new_folder() as made:
        yield made


def walked(scenario: str, folder: Path) -> list[Machine]:
    """Return one machine per system call, as the kill left it, and at the end one that was not killed."""
    script = [sys.executable, str(Path(faults.__file__)), scenario, str(folder)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    machines = sorted(folder.iterdir())
    assert len(machines) > 30
    return [Machine(path) for path in machines]


def use(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("CODEX_ROUTER_HOME", str(machine.router))
    return machine


def whole(machine: Machine) -> bool:
    """Tell whether every file is old or new, byte for byte, with the mode it had."""
    holds, modes = machine.holds(), machine.modes()
    return all(
        holds[name] in (OLD[name], NEW[name]) and modes.get(name, 0) in (faults.MODES.get(name, 0o644), 0)
        for name in OLD
    )


def said() -> str:
    return " ".join(row.message for row in check_journal(Journal()))


def undone() -> None:
    """Take back the last change; there is none when the kill or the failure came before it, or behind its undo."""
    try:
        Journal().undo()
    except RouterError as error:
        if NOTHING not in str(error):
            raise


@pytest.mark.parametrize("scenario", list(faults.SCENARIOS))
def test_killed_anywhere_each_file_is_old_or_new_doctor_says_so_and_undo_goes_back(
    scenario: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = walked(scenario, folder)
    assert machines[-1].holds() == (NEW if scenario in {"init", "again"} else OLD)
    assert not machines[-1].temporary()
    mixed = 0
    for machine in machines:
        use(machine, monkeypatch)
        assert whole(machine), machine.home
        holds, told = machine.holds(), said()
        if holds not in (OLD, NEW):
            mixed += 1
            assert "was cut off" in told, machine.home
        for name in OLD if told else ():
            assert f"{name}` is {'new' if holds[name] == NEW[name] else 'old'}" in told or name == "config.toml"
        undone()
        assert machine.holds() == OLD, machine.home
        assert machine.modes() == faults.MODES, machine.home
        assert not machine.temporary(), machine.home
        assert not said()
        with pytest.raises(RouterError, match=NOTHING):
            Journal().undo()
    assert mixed > 5


@pytest.mark.parametrize("scenario", list(faults.SCENARIOS))
def test_after_any_kill_the_same_command_completes_and_one_undo_takes_all_of_it_back(
    scenario: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for machine in walked(scenario, folder):
        use(machine, monkeypatch)
        faults.init(machine, Disk())
        assert machine.holds() == NEW, machine.home
        assert not said()
        Journal().undo()
        assert machine.holds() == OLD, machine.home
        assert machine.modes() == faults.MODES, machine.home
        assert not machine.temporary(), machine.home


class Failing(Countdown):
    """A disk that fails at one call, or at every call from there on."""

    def __init__(self, number: int, code: int, *, stays: bool) -> None:
        super().__init__(number, lambda: None)
        self.code = code
        self.stays = stays

    def before(self, call: str, path: Path) -> None:
        self.left -= 1
        if self.left == 0 or (self.stays and self.left < 0):
            raise OSError(self.code, os.strerror(self.code), str(path))


def failure(scenario: str, machine: Machine, disk: Disk) -> RouterError | None:
    """Play a scenario and return how it failed."""
    try:
        faults.SCENARIOS[scenario](machine, disk)
    except RouterError as error:
        return error
    return None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=errno.errorcode.get)
@pytest.mark.parametrize("stays", [False, True], ids=["once", "from there on"])
@pytest.mark.parametrize("scenario", ["init", "undo"])
def test_a_disk_that_fails_at_any_call_is_told_and_nothing_is_lost(
    scenario: str, code: int, stays: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 1000):
        machine = Machine(folder / f"{number:03d}")
        use(machine, monkeypatch).build()
        told = failure(scenario, machine, Failing(number, code, stays=stays))
        if told is None:
            break
        assert os.strerror(code) in str(told)
        assert told.where
        assert told.hint
        assert whole(machine), number
        as_it_was = "everything is as it was" in str(told)
        assert as_it_was or stays or scenario == "undo", f"call {number}: {told}"
        assert machine.holds() == OLD or not as_it_was
        if scenario == "init":
            faults.init(machine, Disk())
            assert machine.holds() == NEW
        undone()
        assert machine.holds() == OLD
        assert machine.modes() == faults.MODES
        assert not machine.temporary()
    assert number > 30
