"""Put a finished run into the ledger."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING

from codex_router.codex.versions import version_text
from codex_router.commands.judging import remember
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.runs import Run
from codex_router.home import make_router_home
from codex_router.records import Arm, Attempt

if TYPE_CHECKING:
    from codex_router.codex.launch import Ran
    from codex_router.codex.locate import Codex
    from codex_router.commands.routing import Route

PATIENCE_S = 5.0
"""How long the end of a run waits for a ledger that another process has locked."""


def record(codex: Codex, route: Route | None, prompt: str, ran: Ran, commit: str | None) -> Run:
    """Store a run and return it; the prompt itself is not kept, only its hash and length.

    Args:
        codex: which Codex ran.
        route: why it ran so; None when the user chose.
        prompt: as far as it was seen.
        ran: what became of it.
        commit: of the working tree at the start.

    Raises:
        RouterError: the ledger cannot be written.
    """
    digest = prompt_hash(prompt) if prompt else None
    identity = uuid.uuid4().hex
    chosen = route.tier.arm if route else Arm("unknown")
    attempt = Attempt(
        attempt_id=identity,
        task_id=digest[:16] if digest else identity,
        category=route.category if route else "none",
        arm=Arm(ran.model or chosen.model, ran.effort or chosen.effort),
        harness="codex",
        outcome="unknown",
        cost_usd=ran.progress.cost_usd,
        turns=ran.progress.responses if ran.thread_id else None,
        seconds=ran.seconds,
        end=ran.end,
        date=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ran.seconds)),
    )
    run = Run(
        attempt=attempt,
        usage=ran.progress.usage if ran.thread_id else None,
        tier=route.tier.name if route else None,
        session_id=ran.thread_id,
        codex_version=version_text(codex.version),
        git_commit=commit,
        prompt_hash=digest,
        prompt_chars=len(prompt) if prompt else None,
    )
    store(run)
    if prompt and route:
        remember(identity, prompt, route.category, told=route.told)
    return run


def store(run: Run) -> None:
    """Store a run, or what is now known of one stored before.

    Raises:
        RouterError: the ledger cannot be written.
    """
    with Ledger.open(patience_s=PATIENCE_S) as ledger:
        ledger.record(run)


def keep_prompt(prompt: str) -> None:
    """Write a prompt to ``prompts/<SHA-256>.txt`` beside the ledger, readable by its owner only.

    Raises:
        OSError: it cannot be written.
    """
    folder = make_router_home() / "prompts"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{prompt_hash(prompt)}.txt"
    path.touch(mode=0o600)
    path.write_bytes(_bytes(prompt))


def prompt_hash(prompt: str) -> str:
    """Return the SHA-256 of a prompt, in hex."""
    return hashlib.sha256(_bytes(prompt)).hexdigest()


def _bytes(prompt: str) -> bytes:
    return prompt.encode("utf-8", errors="surrogateescape")
