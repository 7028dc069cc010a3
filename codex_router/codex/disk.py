"""The system calls of the write path, one method each.

They stand in a class of their own so that a test can stop the program before any of them, or make it fail.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

TEMPORARY = ".codex-router.tmp"
"""Suffix of the file that becomes the new one; left behind only by a kill, removed by the next write."""


class Disk:
    """The real disk."""

    def before(self, call: str, path: Path) -> None:
        """Do nothing; called before every system call that changes something."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist, readable by its owner only, and return its descriptor."""
        self.before("create", path)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes, path: Path) -> None:
        """Write all of `data`, in several calls when the system takes less at once."""
        view = memoryview(data)
        while view:
            self.before("write", path)
            view = view[os.write(descriptor, view) :]

    def chmod(self, descriptor: int, mode: int, path: Path) -> None:
        """Set the permission bits."""
        self.before("chmod", path)
        os.fchmod(descriptor, mode)

    def chown(self, descriptor: int, uid: int, gid: int, path: Path) -> None:
        """Set owner and group."""
        self.before("chown", path)
        os.fchown(descriptor, uid, gid)

    def sync(self, descriptor: int, path: Path) -> None:
        """Wait until the data are on the disk."""
        self.before("fsync", path)
        os.fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target` in one step."""
        self.before("rename", target)
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        self.before("unlink", path)
        path.unlink()

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        self.before("rmdir", path)
        path.rmdir()

    def mkdir(self, path: Path) -> None:
        """Create a folder for its owner only."""
        self.before("mkdir", path)
        path.mkdir(mode=0o700)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the folder's names are on the disk."""
        self.before("fsync folder", folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def put(disk: Disk, path: Path, data: bytes, mode: int | None = None) -> None:
    """Make `path` hold `data`, in one step: whoever looks, at any time, sees the old bytes or the new ones.

    Symlinks are followed (relative and chained ones too). An existing file keeps its mode, owner and group unless
    `mode` is given; a new one gets 0o644 less the umask.

    Raises:
        OSError: the disk is full, the folder is read-only, the owner cannot be kept ...; the old file is still there.
    """
    real = Path(os.path.realpath(path))
    old = _stat(real)
    scratch = scratch_of(real)
    if os.path.lexists(scratch):
        disk.unlink(scratch)
    descriptor = disk.create(scratch)
    try:
        try:
            disk.write(descriptor, data, scratch)
            _keep_owner(disk, descriptor, old, scratch)
            disk.chmod(descriptor, mode if mode is not None else _mode(old), scratch)
            disk.sync(descriptor, scratch)
        finally:
            os.close(descriptor)
        disk.rename(scratch, real)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    disk.sync_folder(real.parent)


def scratch_of(real: Path) -> Path:
    """Return the temporary file that becomes `real`."""
    return real.with_name(f".{real.name}{TEMPORARY}")


def remove(disk: Disk, path: Path) -> None:
    """Remove the file behind `path`, if there is one."""
    real = Path(os.path.realpath(path))
    if os.path.lexists(real):
        disk.unlink(real)
        disk.sync_folder(real.parent)


def file_mode(path: Path) -> int | None:
    """Return the permission bits of the file behind `path`, None when there is none."""
    old = _stat(path)
    return None if old is None else stat.S_IMODE(old.st_mode)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _mode(old: os.stat_result | None) -> int:
    if old is not None:
        return stat.S_IMODE(old.st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o644 & ~umask


def _keep_owner(disk: Disk, descriptor: int, old: os.stat_result | None, path: Path) -> None:
    new = os.fstat(descriptor)
    if old is not None and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        disk.chown(descriptor, old.st_uid, old.st_gid, path)
