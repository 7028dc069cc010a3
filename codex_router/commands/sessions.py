"""What `ingest --sessions` and `usage` share: bring the ledger of sessions up to date."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from codex_router.commands.own_evidence import guesses_outcomes
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.session_files import find_sessions
from codex_router.show.console import err
from codex_router.show.sessions import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from codex_router.evidence.session_files import SessionPath
    from codex_router.evidence.session_records import Position
    from codex_router.evidence.sessions import SessionRead
    from codex_router.evidence.store import Store

BATCH = 2000
"""From so many responses on they are stored, in one transaction; what is stored survives an interruption."""
MUCH = 64 << 20
"""From so many bytes on, a terminal gets a progress bar."""


def refresh(home: Path, store: Store) -> Account:
    """Read what is new in a Codex home into the ledger; unchanged files are not opened."""
    files, folders = find_sessions(home)
    stamps = store.stamps() if files else {}
    changed = [file for file in files if stamps.get(file.path) != (file.size, file.mtime_ns)]
    unreadable = [(folder, "cannot be listed") for folder in folders]
    if changed:
        known = store.positions([file.path for file in changed if file.path in stamps])
        account, rest = _read(changed, files, known, store, unreadable)
        store.settle(rest, guess=guesses_outcomes())
    else:
        account = Account(len(files), unreadable=unreadable)
    if store.is_shared:
        with Ledger.open(create=False) as ledger:
            store.push(ledger.runs())
    return account


def _read(
    changed: list[SessionPath],
    files: list[SessionPath],
    known: dict[str, Position],
    store: Store,
    unreadable: list[tuple[str, str]],
) -> tuple[Account, list[SessionRead]]:
    """Read and store; the last batch is left to be stored with what settles all of them, so that neither is lost."""
    from codex_router.evidence.pricing import read_pricing
    from codex_router.evidence.sessions import reading  # it takes 10 ms, which `usage` spares when nothing is new

    pricing = read_pricing()
    skipped: dict[str, int] = {}
    read_bytes = responses = inherited = 0
    todo = sum(file.size for file in changed)
    # The readers are forked before the progress bar starts its thread.
    kind_of = classifier()
    with reading(changed, files, kind_of, known, pricing, here=False) as reads, _bar(todo) as advance:
        batch: list[SessionRead] = []
        for read in reads:
            before = known.get(read.position.path)
            size = read.position.size - (before.offset if before else 0)
            if read.session is None:
                unreadable.append((read.position.path, read.error or "unknown"))
            else:
                read_bytes += max(0, size)
                responses += len(read.session.responses)
                inherited += read.session.inherited
                for reason, count in read.session.skipped.items():
                    skipped[reason] = skipped.get(reason, 0) + count
                if sum(len(one.session.responses) for one in batch if one.session) >= BATCH:
                    store.add(batch)
                    batch = []
                batch.append(read)
            advance(max(0, size))
    return Account(len(files), len(changed), read_bytes / 1e6, responses, inherited, skipped, unreadable), batch


def classifier() -> Callable[[str], str]:
    """Return what names the category of a prompt; ``none`` where it tells too little."""
    from codex_router.commands import judging
    from codex_router.decide.classify import classify

    judge = judging.classifier(repository=False)

    def kind_of(prompt: str) -> str:
        found = classify(prompt, judge)
        return "none" if found.abstained else found.category

    return kind_of


@contextmanager
def _bar(todo: int) -> Iterator[Callable[[int], None]]:
    """Show progress on a terminal, and only for long readings; it is gone when done."""
    if todo < MUCH or not err().is_terminal:
        yield lambda _size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading sessions"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task("", total=todo)
        yield lambda size: progress.advance(task, size)
