"""One file replaced in one step: through links, with mode and owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from codex_router.codex.disk import Disk, file_mode, put, remove, scratch_of


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> None:
    os.umask(0o022)


def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path, umask: None) -> None:
    put(Disk(), tmp_path / "new", b"text")
    assert ((tmp_path / "new").read_bytes(), mode(tmp_path / "new")) == (b"text", 0o644)
    os.umask(0o077)
    put(Disk(), tmp_path / "private", b"text")
    os.umask(0o022)
    assert mode(tmp_path / "private") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "private"]


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o644, 0o666, 0o400, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(bits)
    put(Disk(), path, b"new")
    assert (path.read_bytes(), mode(path), file_mode(path)) == (b"new", bits, bits)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_existing_file_keeps_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 65534, 65533)
    path.chmod(0o640)
    put(Disk(), path, b"new")
    after = path.stat()
    assert (path.read_bytes(), after.st_uid, after.st_gid, mode(path)) == (b"new", 65534, 65533, 0o640)


def test_links_stay_links_and_the_file_behind_them_is_written(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "dotfiles" / "real").write_bytes(b"old")
    (tmp_path / "dotfiles" / "second").symlink_to("real")
    (tmp_path / "home" / "first").symlink_to("../dotfiles/second")

    put(Disk(), tmp_path / "home" / "first", b"new")

    assert (tmp_path / "home" / "first").readlink() == Path("../dotfiles/second")
    assert (tmp_path / "dotfiles" / "second").readlink() == Path("real")
    assert (tmp_path / "dotfiles" / "real").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["first"]


def test_a_dangling_link_gets_its_file_and_loses_it_again(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("not-there-yet")
    put(Disk(), tmp_path / "link", b"new")
    assert (tmp_path / "not-there-yet").read_bytes() == b"new"
    remove(Disk(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "not-there-yet").exists()
    remove(Disk(), tmp_path / "link")


def test_a_link_into_a_folder_that_is_not_there_fails_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere/file")
    with pytest.raises(FileNotFoundError):
        put(Disk(), tmp_path / "link", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_what_a_kill_left_behind_is_replaced(tmp_path: Path) -> None:
    scratch_of(tmp_path / "file").symlink_to("/nowhere")
    put(Disk(), tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_whoever_looks_sees_the_old_bytes_or_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen = set()

    class Watched(Disk):
        def before(self, call: str, where: Path) -> None:
            seen.add((call, path.read_bytes()))

        def sync_folder(self, folder: Path) -> None:
            seen.add(("afterwards", path.read_bytes()))

    put(Watched(), path, b"new")

    calls = ("create", "write", "chmod", "fsync", "rename")
    assert seen == {*((call, b"old") for call in calls), ("afterwards", b"new")}


def test_the_data_are_on_the_disk_before_the_name_is(tmp_path: Path) -> None:
    calls = []

    class Noted(Disk):
        def before(self, call: str, where: Path) -> None:
            calls.append(call)

    put(Noted(), tmp_path / "file", b"new")
    assert calls == ["create", "write", "chmod", "fsync", "rename", "fsync folder"]


def test_a_short_write_is_continued(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    with pytest.raises(BlockingIOError):  # the pipe takes 64 KiB and then no more: it did go on after the first part
        Disk().write(write, b"x" * 1_000_000, tmp_path)
    assert len(os.read(read, 1_000_000)) == 65536
    os.close(read)
    os.close(write)
