"""Ask a Codex binary what it reads, and play our verbs on it; the page `codex-versions.md` is made of the answers."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from call import call

from codex_router.codex.prove import MISSED_PROMPT

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "codex-versions.md"
HEAD = """\
# Codex versions

<!-- Written by `pytest tests/test_codex_versions.py --write-docs`. Do not edit. -->

Measured on OpenAI's own binaries, by running them; the tests compare this page with what they measure, and with the
table in `codex_router/codex/versions.py`. Versions between two rows are taken to behave like the older one.

"""
READS_HEAD = """\
## What each version reads

- *profiles*: where `--profile NAME` looks: `files` is `$CODEX_HOME/NAME.config.toml`, `tables` is `[profiles.NAME]` in
  `config.toml`
- *models*: `codex debug models` lists what is on offer
- *strict*: `--strict-config` refuses unknown keys
- *token budget*: `[features.rollout_budget]` is accepted; otherwise that table stops Codex from starting
- *proof*: an empty prompt loads the whole configuration and nothing else, so a profile can be proven without a run

"""
DOES_HEAD = """
## What codex-router does there

Each cell is one home of its own: `init --yes`, then `apply`, which has nothing left to do, then `doctor`, which finds
no error. Accepted means that this Codex loaded the profile, strictly where it can.

- *empty*: no configuration at all
- *typical*: a provider of one's own, comments, a table, a project; not a byte of it changes where profiles are files
- *legacy*: `profile = "other"` and `[profiles.other]`
- *broken*: a line that is no TOML

"""
CONFIGS = {
    "empty": None,
    "typical": (
        '# mine\nmodel = "gpt-5.5"\nmodel_reasoning_effort   =   "medium"\n\n'
        '[model_providers.proxy]\nname = "proxy"\nbase_url = "http://127.0.0.1:9/v1"\nwire_api = "responses"\n\n'
        '[projects."/home/me/code"]\ntrust_level = "trusted"\n'
    ),
    "legacy": 'profile = "other"\n\n[profiles.other]\nmodel = "gpt-5.5"\n',
    "broken": "model = = 3\n",
}
TABLE_VALUES = {
    "model": '"gpt-5.5"',
    "model_provider": '"openai"',
    "model_reasoning_effort": '"low"',
    "plan_mode_reasoning_effort": '"low"',
    "model_reasoning_summary": '"concise"',
    "model_verbosity": '"low"',
    "service_tier": '"flex"',
    "web_search": '"disabled"',
    "personality": '"none"',
    "features": "{ plugins = false }",
    "tool_output_token_limit": "5000",
    "model_auto_compact_token_limit": "100000",
    "model_context_window": "200000",
    "project_doc_max_bytes": "1000",
    "developer_instructions": '"be brief"',
    "compact_prompt": '"summarise"',
    "review_model": '"gpt-5.5"',
}
"""Keys that a tier might set, with a valid value."""
BUDGET = """\
[features.rollout_budget]
enabled = true
limit_tokens = 100000
reminder_at_remaining_tokens = [1000]
sampling_token_weight = 6.0
prefill_token_weight = 1.0
"""


class Measured(NamedTuple):
    """What one binary reads."""

    profile_files: bool
    debug_models: bool
    strict_config: bool
    rollout_budget: bool
    proof_without_prompt: bool


def ask(codex: str, files: dict[str, str], *words: str) -> str:
    """Return what ``codex WORDS`` prints with these files in its home and nothing on its standard input."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        done = subprocess.run(
            [codex, *words],
            cwd=folder,
            env={**os.environ, "CODEX_HOME": folder},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return done.stdout + done.stderr


def load(codex: str, files: dict[str, str], *words: str) -> str:
    """Return what Codex says when it loads its configuration and then misses the prompt."""
    return ask(codex, files, "exec", *words, "--skip-git-repo-check", "-")


def measure(codex: str) -> Measured:
    """Ask a binary."""
    right, wrong = ({"p.config.toml": f"model = {value}\n"} for value in ('"gpt-5.5"', "3"))
    unknown = {"config.toml": "no_such_key = 1\n"}
    models = ask(codex, {}, "debug", "models", "--bundled")
    return Measured(
        profile_files=MISSED_PROMPT in load(codex, right, "-p", "p")
        and MISSED_PROMPT not in load(codex, wrong, "-p", "p"),
        debug_models=models.startswith("{") and bool(json.loads(models.splitlines()[0])["models"]),
        strict_config="unknown configuration field" in load(codex, unknown, "--strict-config"),
        rollout_budget=MISSED_PROMPT in load(codex, {"config.toml": BUDGET}),
        proof_without_prompt=MISSED_PROMPT in load(codex, {})
        and MISSED_PROMPT not in load(codex, {"config.toml": "model = 3\n"}),
    )


def table_keys(codex: str) -> set[str]:
    """Return the keys that a ``[profiles.NAME]`` table may hold."""
    return {
        key
        for key, value in TABLE_VALUES.items()
        if MISSED_PROMPT
        in load(codex, {"config.toml": f"[profiles.p]\n{key} = {value}\n"}, "--strict-config", "-p", "p")
    }


def play(home: Path, config: str) -> str:
    """Run our verbs on a home with one of `CONFIGS` and return the cell of the page."""
    path, text = home / "config.toml", CONFIGS[config]
    home.mkdir()
    if text is not None:
        path.write_text(text)
    said = call("init", "--yes", "--json")
    if said.status == 0:
        after = path.read_text() if path.exists() else ""
        assert after.startswith(text or "")
        assert after == (text or "") or not (home / "bulk.config.toml").exists()
        return _accepted(said.out)
    assert "hint: " in said.err, said
    assert [file.name for file in home.glob("*.toml")] == ["config.toml"]
    assert path.read_text() == text
    findings = [row for row in _doctor() if row["level"] == "error"]
    assert findings
    assert all(row["hint"] for row in findings)
    if f"{path}:1: not valid TOML" in said.err:
        return "refused, line named"
    assert any("codex-router migrate" in row["hint"] for row in findings)
    migrated = call("migrate", "--yes")
    assert migrated.status == 0, migrated.err
    return f"Codex does not start; after `migrate` {_accepted(call('init', '--yes', '--json').out)}"


def _accepted(document: str) -> str:
    proofs = json.loads(document)["proofs"]
    again = call("apply", "--yes")
    assert "nothing to do" in again.err, again.err
    errors = [row for row in _doctor() if row["level"] == "error"]
    assert not errors
    return f"{sum(proof['accepted'] is True for proof in proofs)} of {len(proofs)} accepted"


def _doctor() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(call("doctor", "--json").out)["rows"]
    return rows


def table(columns: list[str], rows: dict[str, str]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (columns, ["---"] * len(columns))) + "".join(rows.values())


def reads_row(version: str, found: Measured) -> str:
    marks = ["yes" if mark else "no" for mark in found[1:]]
    return f"| {version} | {'files' if found.profile_files else 'tables'} | {' | '.join(marks)} |\n"


def does_row(version: str, cells: Callable[[str], str]) -> str:
    return f"| {version} | {' | '.join(cells(config) for config in CONFIGS)} |\n"


def page(reads: dict[str, str], does: dict[str, str]) -> str:
    """Return the page with these rows, by version."""
    first = table(["Codex", "profiles", "models", "strict", "token budget", "proof"], reads)
    return HEAD + READS_HEAD + first + DOES_HEAD + table(["Codex", *CONFIGS], does)
