"""What the journal keeps of one change set: ``entry.json`` and the bytes from before and after, in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from codex_router import __version__
from codex_router.codex.changes import digest, read_bytes
from codex_router.errors import RouterError

STARTED, DONE, REVERTED, UNDOING, UNDONE = "started", "done", "reverted", "undoing", "undone"
CUT_OFF = frozenset({STARTED, UNDOING})
"""States that only a kill, or a disk that takes no more, leaves behind."""
ENTRY = "entry.json"


@dataclass(frozen=True, slots=True)
class Written:
    """One file of an entry."""

    path: Path
    before: str | None
    """SHA-256 of the bytes from before; None when there was no file."""
    after: str | None
    """SHA-256 of what was written; None when the file was removed."""
    mode: int | None
    """Permission bits from before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change set in the journal."""

    number: int
    state: str
    """`STARTED`, `DONE`, `REVERTED` (it failed, or Codex did not accept it), `UNDOING` or `UNDONE`."""
    when: str
    """Local time of the change, ISO."""
    verb: str
    files: tuple[Written, ...]
    folder: Path
    absorbs: int | None = None
    """The number of a cut-off entry that this one completes and stands for."""

    def old_bytes(self, index: int) -> bytes | None:
        """Return what file `index` held before."""
        return self._kept(f"{index}.before", self.files[index].before)

    def new_bytes(self, index: int) -> bytes | None:
        """Return what was written to file `index`."""
        return self._kept(f"{index}.after", self.files[index].after)

    def _kept(self, name: str, wanted: str | None) -> bytes | None:
        if wanted is None:
            return None
        data = read_bytes(self.folder / name)
        if digest(data) != wanted:
            raise RouterError("the bytes kept in the journal are damaged or gone", where=self.folder / name)
        return data


def document(entry: Entry) -> bytes:
    """Return what ``entry.json`` says."""
    says = {
        "schema": 1,
        "router": __version__,
        "state": entry.state,
        "when": entry.when,
        "verb": entry.verb,
        "absorbs": entry.absorbs,
        "files": [
            {"path": str(file.path), "before": file.before, "after": file.after, "mode": file.mode}
            for file in entry.files
        ],
    }
    return json.dumps(says, indent=1).encode()


def load(folder: Path) -> Entry:
    """Return the entry in `folder`.

    Raises:
        RouterError: it cannot be read.
    """
    where = folder / ENTRY
    try:
        says = json.loads(where.read_bytes())
        files = tuple(
            Written(Path(file["path"]), file["before"], file["after"], file["mode"]) for file in says["files"]
        )
        state, when, verb = (str(says[key]) for key in ("state", "when", "verb"))
        return Entry(int(folder.name), state, when, verb, files, folder, says.get("absorbs"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RouterError(
            f"this journal entry cannot be read ({error})",
            where=where,
            hint=f"move `{folder}` away; the changes before and after it can still be undone",
        ) from None
