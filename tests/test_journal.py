"""The write protocol: all files or none, a foreign hand is noticed, undo gives the very bytes back."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick import Quick, listing, new_home, thorough

from codex_router.codex import lock
from codex_router.codex.changes import ChangeSet, FileChange, read_bytes
from codex_router.codex.checks import check_journal
from codex_router.codex.disk import Disk
from codex_router.codex.journal import Journal
from codex_router.errors import RouterError


def change(path: Path, after: bytes | None) -> FileChange:
    return FileChange(path, read_bytes(path), after)


def changes(*files: FileChange) -> ChangeSet:
    return ChangeSet("init", files)


def write(path: Path, after: bytes | None) -> None:
    Journal().write(changes(change(path, after)))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_bytes(b"old\r\nno final newline")
    path.chmod(0o640)
    return path


def test_nothing_to_change_leaves_no_trace(config: Path, own_home: Path) -> None:
    assert Journal().write(changes(change(config, config.read_bytes()))) is None
    assert not (own_home / "router").exists()


def test_what_was_written_is_known_and_undo_brings_the_bytes_back(config: Path) -> None:
    before = config.read_bytes()
    new = config.with_name("new.toml")

    Journal().write(changes(change(config, b"new\n"), change(new, b"made\n")))

    assert (config.read_bytes(), new.read_bytes()) == (b"new\n", b"made\n")
    assert Journal().last_written(config) == b"new\n"
    assert Journal().interrupted() is None
    entry = Journal().undo()
    assert (entry.verb, [file.path.name for file in entry.files]) == ("init", ["config.toml", "new.toml"])
    assert config.read_bytes() == before
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert not new.exists()
    assert Journal().last_written(config) is None


def test_several_steps_back(config: Path) -> None:
    stages = [config.read_bytes(), b"first\n", None, b"third\n"]
    for stage in stages[1:]:
        write(config, stage)
    for stage in reversed(stages[:-1]):
        Journal().undo()
        assert read_bytes(config) == stage
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    with pytest.raises(RouterError, match="nothing to undo"):
        Journal().undo()


def test_undo_refuses_after_a_foreign_change_and_force_goes_on(config: Path) -> None:
    before = config.read_bytes()
    write(config, b"ours\n")
    config.write_bytes(b"theirs\n")

    with pytest.raises(RouterError, match="changed by somebody else") as caught:
        Journal().undo()
    assert caught.value.where == str(config)
    assert "--force" in (caught.value.hint or "")
    assert config.read_bytes() == b"theirs\n"
    Journal().undo(force=True)
    assert config.read_bytes() == before


def test_undo_does_not_make_a_private_file_public_again(config: Path) -> None:
    write(config, b"ours\n")
    config.chmod(0o600)
    Journal().undo()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_file_that_changed_since_the_plan_is_not_touched(config: Path) -> None:
    planned = changes(change(config, b"ours\n"), change(config.with_name("new"), b"ours\n"))
    config.write_bytes(b"theirs\n")
    with pytest.raises(RouterError, match="changed since the plan was made; nothing was written"):
        Journal().write(planned)
    assert config.read_bytes() == b"theirs\n"
    assert not config.with_name("new").exists()


class Meddler(Disk):
    """Writes to a file when another one is being put in place."""

    def __init__(self, when: str, path: Path) -> None:
        self.when, self.path = when, path

    def before(self, call: str, path: Path) -> None:
        if (call, path.name) == ("rename", self.when):
            self.path.write_bytes(b"theirs\n")


def test_a_file_that_changes_while_others_are_written_keeps_the_foreign_bytes(config: Path) -> None:
    first = config.with_name("first")
    disk = Meddler("first", config)
    with pytest.raises(RouterError, match="changed since the plan was made"):
        Journal(disk).write(changes(change(first, b"ours\n"), change(config, b"ours\n")))
    assert config.read_bytes() == b"theirs\n"
    assert not first.exists()
    assert Journal().interrupted() is None


def test_when_codex_refuses_the_old_bytes_come_back_with_its_words(config: Path) -> None:
    before = config.read_bytes()
    with pytest.raises(RouterError, match="so the old bytes are back:\nno such key") as caught:
        Journal().write(changes(change(config, b"ours\n")), lambda: "no such key")
    assert caught.value.hint
    assert config.read_bytes() == before
    assert Journal().last_written(config) is None
    with pytest.raises(RouterError, match="nothing to undo"):
        Journal().undo()


def test_when_codex_refuses_a_foreign_edit_made_meanwhile_is_kept(config: Path) -> None:
    def edited() -> str:
        config.write_bytes(b"theirs\n")
        return "no such key"

    with pytest.raises(RouterError, match=r"config\.toml`: changed by somebody else meanwhile, left alone"):
        Journal().write(changes(change(config, b"ours\n")), edited)
    assert config.read_bytes() == b"theirs\n"


def test_an_interrupt_during_the_proof_takes_everything_back(config: Path) -> None:
    before = config.read_bytes()

    def ctrl_c() -> str | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Journal().write(changes(change(config, b"ours\n")), ctrl_c)
    assert config.read_bytes() == before
    assert list(check_journal(Journal())) == []


def test_two_writers_one_after_the_other(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second plans from what it saw first, waits for the lock, and then finds that its plan is out of date."""
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        go_on.wait(10)

    first = threading.Thread(target=lambda: Journal().write(changes(change(config, b"first\n")), slow))
    second = changes(change(config, b"second\n"))
    first.start()
    assert inside.wait(10)
    threading.Timer(0.2, go_on.set).start()
    with pytest.raises(RouterError, match="changed since the plan was made"):
        Journal().write(second)
    first.join()
    assert config.read_bytes() == b"first\n"


def test_a_writer_that_never_ends_is_told(config: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    import fcntl

    monkeypatch.setattr(lock, "LOCK_WAIT_S", 0.1)
    (own_home / "router").mkdir()
    with (own_home / "router" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RouterError, match="another codex-router has been writing") as caught:
            write(config, b"ours\n")
    assert caught.value.hint
    assert config.read_bytes() == b"old\r\nno final newline"


def test_two_processes_at_once_leave_one_of_two_whole_results(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from codex_router.codex.changes import *; from codex_router.codex.journal import Journal\n"
        "folder, who = Path(sys.argv[1]), sys.argv[2].encode()\n"
        "for n in range(5):\n"
        "    files = [FileChange(folder / x, read_bytes(folder / x), who + b'%d' % n) for x in ('a', 'b')]\n"
        "    try: Journal().write(ChangeSet(sys.argv[2], tuple(files)))\n"
        "    except Exception as error: assert 'changed since the plan' in str(error), error\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), who]) for who in ("one", "two")]
    assert [process.wait(60) for process in running] == [0, 0]
    entries = Journal().entries()
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    while Journal().standing():
        Journal().undo()
    assert list(tmp_path.iterdir()) == []


def test_our_own_folder_must_be_a_folder(config: Path, own_home: Path) -> None:
    (own_home / "router").write_text("in the way")
    with pytest.raises(RouterError, match="codex-router's own folder cannot be written") as caught:
        write(config, b"ours\n")
    assert "CODEX_ROUTER_HOME" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"files": [1]}', '{"files": [{"path": 1}]}', '{"files": null, "state": "done"}']
)
def test_a_journal_that_cannot_be_read_names_the_entry(config: Path, own_home: Path, text: str) -> None:
    write(config, b"ours\n")
    entry = own_home / "router" / "journal" / "000001" / "entry.json"
    entry.write_text(text)
    with pytest.raises(RouterError, match="this journal entry cannot be read") as caught:
        Journal().undo()
    assert caught.value.where == str(entry)
    assert caught.value.hint
    assert config.read_bytes() == b"ours\n"


def test_damaged_bytes_are_never_restored(config: Path, own_home: Path) -> None:
    write(config, b"ours\n")
    (own_home / "router" / "journal" / "000001" / "0.before").write_bytes(b"damaged")
    with pytest.raises(RouterError, match="damaged or gone"):
        Journal().undo()
    assert config.read_bytes() == b"ours\n"


def test_the_journal_is_private(config: Path, own_home: Path) -> None:
    write(config, b"ours\n")
    journal = own_home / "router" / "journal"
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in journal.rglob("*")} == {0}
    assert json.loads((journal / "000001" / "entry.json").read_bytes())["state"] == "done"


CONTENT = st.none() | st.binary(max_size=40)
FILES = st.lists(st.tuples(CONTENT, CONTENT, st.sampled_from([0o600, 0o644, 0o664, 0o400])), min_size=1, max_size=3)


@thorough
@given(files=FILES, force=st.booleans())
def test_undo_after_write_is_identity(files: list[tuple[bytes | None, bytes | None, int]], force: bool) -> None:
    with new_home() as home:
        for index, (before, _, mode) in enumerate(files):
            if before is not None:
                (home / str(index)).write_bytes(before)
                (home / str(index)).chmod(mode)
        was = listing(home)
        plan = changes(*(change(home / str(index), after) for index, (_, after, _) in enumerate(files)))

        wrote = Journal(Quick()).write(plan)

        assert [read_bytes(home / str(index)) for index in range(len(files))] == [after for _, after, _ in files]
        assert (wrote is None) == (not plan.needed)
        if wrote:
            Journal(Quick()).undo(force=force)
        assert listing(home) == was
