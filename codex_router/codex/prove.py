"""Ask the installed Codex itself whether it accepts a profile.

``codex exec --strict-config --skip-git-repo-check -p NAME -`` with an empty stdin loads the whole configuration and
then stops for want of a prompt: exit 1 with `MISSED_PROMPT`. It needs no network and 0.05 s (native binary), and
writes no session.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from codex_router.codex.locate import Codex

MISSED_PROMPT = "No prompt provided via stdin"
UNKNOWN_FIELD = re.compile(r"([^\s:][^:\n]*\.toml):\d+:\d+: unknown configuration field `([^`\n]*)`")
TIMEOUT_S = 60.0


class Proof(NamedTuple):
    """What Codex said of one profile."""

    tier: str
    accepted: bool | None
    """None: this version cannot be asked without running a prompt (before 0.65)."""
    said: str
    """Codex's own words when it refused; a remark when it accepted with one."""


def prove(codex: Codex, home: Path, tier: str, ours: frozenset[str] = frozenset()) -> Proof:
    """Ask Codex whether it accepts the profile `tier` in `home`.

    Args:
        codex: the installed Codex.
        home: the Codex home.
        tier: the profile's name.
        ours: the files that codex-router wrote; a strict complaint about any other file is the user's own affair.
    """
    if not codex.reads.proof_without_prompt:
        return Proof(tier, None, "this Codex version cannot be asked without running a prompt")
    strict = ["--strict-config"] if codex.reads.strict_config else []
    said = _ask(codex, home, tier, strict)
    if MISSED_PROMPT in said:
        return Proof(tier, accepted=True, said="")
    unknown = UNKNOWN_FIELD.search(said)
    if unknown and not _ours(unknown[1], unknown[2], tier, ours) and MISSED_PROMPT in _ask(codex, home, tier, []):
        return Proof(tier, accepted=True, said=f"a key of your own is unknown to Codex: {unknown[0]}")
    return Proof(tier, accepted=False, said=said.strip())


def _ours(path: str, field: str, tier: str, ours: frozenset[str]) -> bool:
    """Tell whether we wrote the field that Codex does not know: in a file of ours, or in our table of the user's."""
    in_file = os.path.realpath(path) in {os.path.realpath(file) for file in ours}
    return in_file or field.startswith(f"profiles.{tier}.")


def starts(codex: Codex, home: Path) -> str | None:
    """Return None when Codex loads the configuration without a profile, else its own words."""
    if not codex.reads.proof_without_prompt or not home.is_dir():
        return None
    said = _ask(codex, home, None, [])
    return None if MISSED_PROMPT in said else said.strip()


def _ask(codex: Codex, home: Path, tier: str | None, flags: list[str]) -> str:
    """Return what Codex prints on stderr, in an empty folder so that no project's configuration has a say."""
    argv = [codex.path, "exec", *flags, "--skip-git-repo-check", *(["-p", tier] if tier else []), "-"]
    with tempfile.TemporaryDirectory(prefix="codex-router-") as folder:
        try:
            done = subprocess.run(
                argv,
                cwd=Path(folder),
                env={**os.environ, "CODEX_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"Codex could not be asked: {error}"
    return done.stderr + done.stdout
