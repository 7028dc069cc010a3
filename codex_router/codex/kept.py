"""What is kept of a checked run: its attempts, the output of its checks, the names of its snapshots.

One folder per run in our home, with a ``run.json``; the snapshots themselves are commits in the user's repository.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from codex_router.errors import LaunchError, RouterError, UsageError
from codex_router.home import make_router_home, router_home

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "runs"
FILE = "run.json"
SCHEMA = 1

Result = Literal["running", "accepted", "rejected", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """One check of one attempt."""

    command: str
    status: int | None
    """None when it took too long."""
    seconds: float
    output: str
    """Name of the file in the run's folder."""


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    """One attempt of a run."""

    number: int
    """From 1."""
    attempt_id: str | None
    """In the ledger; None when it was not recorded."""
    tier: str | None
    model: str | None
    effort: str | None
    end: str
    status: int
    cost_usd: float | None
    turns: int | None
    seconds: float
    checks: tuple[KeptCheck, ...] = ()
    """Empty when they did not run."""
    snapshot: str | None = None
    """The ref with the tree as the attempt left it."""

    @property
    def failing(self) -> int:
        """How many checks rejected it."""
        return sum(one.status != 0 for one in self.checks)

    @property
    def accepted(self) -> bool:
        """Tell whether all checks accepted it."""
        return bool(self.checks) and self.failing == 0


@dataclass(slots=True)
class KeptRun:
    """A checked run; changed and saved as it goes on."""

    run: str
    started: str
    """UTC date-time."""
    folder: str
    """Where Codex worked."""
    top: str | None
    """The work tree's top; None when nothing could be snapshotted."""
    no_snapshot: str | None
    """Why nothing could be."""
    commands: tuple[str, ...]
    """The checks."""
    before: str | None = None
    """The ref with the tree from before the first attempt."""
    first_checks: tuple[KeptCheck, ...] = ()
    """What the checks said before the first attempt."""
    attempts: list[KeptAttempt] = field(default_factory=list)
    result: Result = "running"
    in_place: int | None = None
    """The attempt whose tree was left in place; 0 is the state from before."""

    @property
    def path(self) -> Path:
        """Return the run's folder."""
        return router_home() / FOLDER / self.run

    @property
    def snapshots(self) -> dict[int, str]:
        """Return the refs by number: 0 from before, then the attempts."""
        found = {0: self.before, **{one.number: one.snapshot for one in self.attempts}}
        return {number: ref for number, ref in found.items() if ref is not None}

    def save(self) -> None:
        """Write ``run.json``, whole or not at all."""
        scratch = self.path / f"{FILE}.{os.getpid()}"
        scratch.write_text(json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n", encoding="utf-8")
        scratch.replace(self.path / FILE)


def begin(folder: str, top: str | None, no_snapshot: str | None, commands: tuple[str, ...]) -> KeptRun:
    """Make the folder of a new run."""
    now = time.time()
    name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}"
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    run = KeptRun(name, started, folder, top, no_snapshot, commands)
    try:
        make_router_home()
        run.path.mkdir(mode=0o700, parents=True)
        run.save()
    except OSError as error:
        hint = "--check keeps its output there; set CODEX_ROUTER_HOME to a writable folder"
        raise LaunchError(f"cannot be written: {error.strerror}", where=run.path, hint=hint) from None
    return run


def kept_runs() -> list[KeptRun]:
    """Return all runs that can be read, oldest first."""
    found = []
    for path in sorted((router_home() / FOLDER).glob(f"*/{FILE}")):
        try:
            found.append(_read(path))
        except (RouterError, OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def kept_run(name: str) -> KeptRun:
    """Return one run.

    Args:
        name: its name or the beginning or end of it, the id of one of its attempts, or ``last``.

    Raises:
        UsageError: no such run, or several.
    """
    runs = kept_runs()
    found = runs[-1:] if name == "last" else [run for run in runs if _is_meant(run, name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(run.run for run in (found or runs)[-5:])
    raise UsageError(
        f"{'several runs' if found else 'no run'} {name!a}",
        where=router_home() / FOLDER,
        hint=f"the newest are {known}" if known else "`codex-router exec --check COMMAND` makes them",
    )


def _is_meant(run: KeptRun, name: str) -> bool:
    ids = [one.attempt_id or "" for one in run.attempts]
    return bool(name) and (run.run.startswith(name) or run.run.endswith(name) or any(i.startswith(name) for i in ids))


def _read(path: Path) -> KeptRun:
    said: dict[str, Any] = json.loads(path.read_bytes())
    if said.pop("schema") != SCHEMA:
        raise RouterError("written by a newer codex-router", where=path)
    attempts = [KeptAttempt(**{**one, "checks": _checks(one["checks"])}) for one in said.pop("attempts")]
    first, commands = _checks(said.pop("first_checks")), tuple(said.pop("commands"))
    return KeptRun(**said, commands=commands, first_checks=first, attempts=attempts)


def _checks(said: list[dict[str, Any]]) -> tuple[KeptCheck, ...]:
    return tuple(KeptCheck(**one) for one in said)
