"""Put a finished run into the ledger."""

from __future__ import annotations

import hashlib
import os
import time

from codex_router.codex.head import head_commit
from codex_router.codex.versions import version_text
from codex_router.decide.learning import correction
from codex_router.evidence.corrections import keep
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.runs import Run
from codex_router.home import make_router_folder
from codex_router.named import TYPE_CHECKING
from codex_router.records import Arm, Attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.codex.locate import Codex
    from codex_router.codex.supervise import Ran
    from codex_router.commands.routing import Route
    from codex_router.records import Response

PATIENCE_S = 5.0
"""How long the end of a run waits for a ledger that another process has locked."""


class Recorder:
    """What is known of a run at its start; made while Codex starts, so that the end need not wait for it.

    The prompt itself is not kept, only its hash and length.

    Args:
        codex: which Codex runs.
        route: why it runs so; None when the user chose.
        prompt: as far as it was seen.
        folder: where it works.
        keep_text: keep the prompt's text too.
    """

    def __init__(self, codex: Codex, route: Route | None, prompt: str, folder: str, *, keep_text: bool = False) -> None:
        self.codex = codex
        self.route = route
        self.prompt = prompt
        self.keep_text = keep_text
        self.commit = head_commit(folder)
        self.digest = prompt_hash(prompt) if prompt else None
        self.identity = os.urandom(16).hex()
        self.codes = correction(prompt, route.category).codes if prompt and route else ()

    def record(self, ran: Ran) -> Run:
        """Store the run and return it.

        Raises:
            RouterError: the ledger cannot be written.
            OSError: the prompt's text cannot be.
        """
        run = self._run(ran)
        store(run, ran.answers)
        if self.route and self.codes:  # without the prompt's text, so that a later word on it can teach
            keep(self.identity, self.route.category, told=self.route.told, codes=self.codes)
        if self.keep_text:
            keep_prompt(self.prompt)
        return run

    def _run(self, ran: Ran) -> Run:
        route = self.route
        chosen = route.tier.arm if route else Arm("unknown")
        attempt = Attempt(
            attempt_id=self.identity,
            task_id=self.digest[:16] if self.digest else self.identity,
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
        return Run(
            attempt=attempt,
            usage=ran.progress.usage if ran.thread_id else None,
            tier=route.tier.name if route else None,
            session_id=ran.thread_id,
            codex_version=version_text(self.codex.version),
            git_commit=self.commit,
            prompt_hash=self.digest,
            prompt_chars=len(self.prompt) if self.prompt else None,
        )


def store(run: Run, responses: Sequence[Response] = ()) -> None:
    """Store a run, or what is now known of one stored before; see `Ledger.record`.

    Raises:
        RouterError: the ledger cannot be written.
    """
    with Ledger.open(patience_s=PATIENCE_S) as ledger:
        ledger.record(run, responses)


def keep_prompt(prompt: str) -> None:
    """Write a prompt to ``prompts/<SHA-256>.txt`` beside the ledger, readable by its owner only.

    Raises:
        OSError: it cannot be written.
    """
    from pathlib import Path

    folder = Path(make_router_folder(), "prompts")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{prompt_hash(prompt)}.txt"
    path.touch(mode=0o600)
    path.write_bytes(_bytes(prompt))


def prompt_hash(prompt: str) -> str:
    """Return the SHA-256 of a prompt, in hex."""
    return hashlib.sha256(_bytes(prompt)).hexdigest()


def _bytes(prompt: str) -> bytes:
    return prompt.encode("utf-8", errors="surrogateescape")
