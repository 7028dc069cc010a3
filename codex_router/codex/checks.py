"""What may be wrong with a Codex home, found without changing anything."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from codex_router.codex.catalogue import check_arm
from codex_router.codex.changes import read_text
from codex_router.codex.entries import UNDOING
from codex_router.codex.install import config_file, profile_file
from codex_router.codex.migrate import PARENTS
from codex_router.codex.prove import prove, starts
from codex_router.codex.toml_places import sections
from codex_router.codex.toml_text import parse
from codex_router.codex.versions import NEWEST_KNOWN, version_text
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from codex_router.codex.catalogue import Catalogue
    from codex_router.codex.journal import Journal
    from codex_router.codex.locate import Codex
    from codex_router.records import Plan, Tier

Level = Literal["ok", "info", "warning", "error"]
MIGRATE = "run `codex-router migrate`, which moves them to profile files and shows the change first"
APPLY = "run `codex-router apply`"
SECRET = re.compile(r"(api_?key|token|secret|password|authorization)$", re.IGNORECASE)
OVERRULING = ("model", "model_reasoning_effort", "model_provider")


class Row(NamedTuple):
    """One finding."""

    level: Level
    name: str
    message: str
    hint: str = ""
    """What to do; never empty for a warning or an error."""


def check_codex(codex: Codex) -> Iterator[Row]:
    """Say which Codex was found and what it reads."""
    yield Row("ok", "codex", f"{codex}, layout {codex.reads.layout}")
    if codex.version > NEWEST_KNOWN:
        newest = version_text(NEWEST_KNOWN)
        what = f"newer than {newest}, the newest version that was measured; taken to be like it"
        yield Row("info", "codex", what, "nothing to do as long as the profiles below are accepted")


def check_login(codex: Codex, home: Path) -> Iterator[Row]:
    """Say how to log in when nothing tells how Codex would reach a model; a provider of one's own has its own key."""
    try:
        provider = parse(read_text(config_file(home)), config_file(home)).get("model_provider", "openai")
    except RouterError:
        return
    keys = any(os.environ.get(name) for name in ("OPENAI_API_KEY", "CODEX_API_KEY"))
    if provider == "openai" and not keys and not (home / "auth.json").exists():
        yield Row("warning", "login", "Codex is not logged in, and no key is set", f"run `{codex.path} login`")


def check_config(codex: Codex | None, home: Path, ours: frozenset[str]) -> Iterator[Row]:
    """Check that the configuration parses and that Codex starts with it.

    Args:
        codex: the installed Codex; None when there is none.
        home: the Codex home.
        ours: the profile tables that codex-router wrote, for an older Codex.
    """
    path = config_file(home)
    text = ""
    try:
        text = read_text(path)
        document = parse(text, path)
    except RouterError as error:
        yield Row("error", "config", f"{error.where}: {error.what}", error.hint or "mend that line")
        if any(section.key[0] in PARENTS for section in sections(text)):
            yield Row("error", "legacy", f"profile tables in `{path}`, which no longer parses", MIGRATE)
        return
    if not path.exists():
        yield Row("ok", "config", f"there is no `{path}`; Codex runs with its defaults")
        return
    yield from _legacy(document, codex, path, ours)
    said = starts(codex, home) if codex else None
    if said is None:
        yield Row("ok", "config", f"Codex starts with `{path}`" if codex else f"`{path}` parses")
    else:
        hint = MIGRATE if "profile" in document else f"mend `{path}`; the words are Codex's own"
        yield Row("error", "config", f"Codex does not start: {gist(said)}", hint)


def _legacy(document: dict[str, Any], codex: Codex | None, path: Path, ours: frozenset[str]) -> Iterator[Row]:
    """Find what Codex 0.134 and later no longer reads, or never did."""
    if isinstance(document.get("profile"), dict):
        yield Row("error", "legacy", f"[profile.*] tables in `{path}`: no Codex starts with them", MIGRATE)
    if codex is not None and not codex.reads.profile_files:
        return
    if isinstance(document.get("profile"), str):
        yield Row(
            "error", "legacy", f"`profile = ...` in `{path}`: Codex 0.134 and later does not start with it", MIGRATE
        )
    tables = document.get("profiles")
    names = set(tables) if isinstance(tables, dict) else set()
    for found, hint in ((names - ours, MIGRATE), (names & ours, APPLY)):
        if found:
            what = f"[profiles.*] in `{path}` is not read since 0.134 ({', '.join(sorted(found))})"
            yield Row("warning", "legacy", what, hint)


def check_profiles(codex: Codex | None, home: Path, plan: Plan, catalogue: Catalogue) -> Iterator[Row]:
    """Check each tier: its file, whether Codex accepts it, what it resolves to, whether that is on offer."""
    for tier in plan.tiers:
        if codex is not None and codex.reads.profile_files and not profile_file(home, tier.name).is_file():
            what = f"`{profile_file(home, tier.name)}` is missing; Codex would silently run on its base configuration"
            yield Row("error", f"profile {tier.name}", what, APPLY)
            continue
        yield from _accepted(codex, home, tier)
        yield from _on_offer(tier, catalogue)


def _accepted(codex: Codex | None, home: Path, tier: Tier) -> Iterator[Row]:
    name = f"profile {tier.name}"
    if codex is None:
        yield Row("info", name, "not proven, since there is no Codex to ask", "install Codex, then run this again")
        return
    proof = prove(codex, home, tier.name, frozenset({str(profile_file(home, tier.name))}))
    if proof.accepted is False:
        yield Row("error", name, f"Codex does not accept it: {gist(proof.said)}", APPLY)
    elif proof.accepted is None:
        yield Row("info", name, proof.said, f"try it once: `codex exec -p {tier.name} ...`")
    else:
        resolved = resolves_to(home, tier.name, files=codex.reads.profile_files)
        yield Row("ok", name, f"accepted by Codex; runs {resolved}")
        if resolved.split(" at ")[0] != str(tier.arm):
            yield Row("warning", name, f"codex-router.toml says {tier.arm}", APPLY)
        if proof.said:
            yield Row("info", name, proof.said, "mend or remove that key; Codex ignores it")


def resolves_to(home: Path, tier: str, *, files: bool) -> str:
    """Return ``MODEL EFFORT at PROVIDER`` as plain ``codex --profile TIER`` would run it."""
    base = parse(read_text(config_file(home)), config_file(home))
    if files:
        own = parse(read_text(profile_file(home, tier)), profile_file(home, tier))
    else:
        own = (base.get("profiles") or {}).get(tier, {})
    model, effort, provider = (own.get(key, base.get(key)) for key in OVERRULING)
    words = [str(model) if model else "Codex's default model", str(effort) if effort else ""]
    return " ".join(word for word in words if word) + (f" at {provider}" if provider else "")


def _on_offer(tier: Tier, catalogue: Catalogue) -> Iterator[Row]:
    wrong = check_arm(tier.arm, catalogue)
    if wrong is not None:
        level: Level = "warning" if catalogue.model(tier.arm.model) is None else "error"
        yield Row(level, f"profile {tier.name}", wrong, "edit codex-router.toml and run `apply`, or run `init`")


def check_project(folder: Path, home: Path) -> Iterator[Row]:
    """Look for a project's own ``.codex/config.toml``: trusted, it beats profile files from 0.134 on."""
    for parent in (folder, *folder.parents):
        path = parent / ".codex" / "config.toml"
        if not path.is_file() or path.resolve() == config_file(home).resolve():
            continue
        try:
            keys = [key for key in OVERRULING if key in parse(read_text(path), path)]
        except RouterError as error:
            yield Row("warning", "project", f"{error.where}: {error.what}", "mend that line")
            continue
        if keys:
            what = f"`{path}` sets {', '.join(keys)}; when trusted, it beats the profile of plain `codex --profile`"
            yield Row("warning", "project", what, "use `codex-router exec`, which names both on the command line")


def check_permissions(home: Path) -> Iterator[Row]:
    """Check that nobody else can write Codex's files, or read a secret in them."""
    for path in (home, *sorted(home.glob("*.toml")), home / "auth.json"):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & stat.S_IWOTH:
            yield Row("error", "permissions", f"anybody can write `{path}`", f"run `chmod o-w {path}`")
        if mode & (stat.S_IRGRP | stat.S_IROTH) and _has_secret(path):
            yield Row(
                "warning", "permissions", f"others can read `{path}`, and it holds a secret", f"run `chmod 600 {path}`"
            )


def _has_secret(path: Path) -> bool:
    if path.name == "auth.json":
        return True
    if path.suffix != ".toml":
        return False
    try:
        return _any_secret(parse(read_text(path), path))
    except RouterError:
        return False


def _any_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(
            (isinstance(item, str) and item and SECRET.search(key) is not None) or _any_secret(item)
            for key, item in value.items()
        )
    return isinstance(value, list) and any(_any_secret(item) for item in value)


def check_journal(journal: Journal) -> Iterator[Row]:
    """Say what became of a change that was cut off."""
    entry = journal.interrupted()
    if entry is None:
        return
    state = ", ".join(f"`{file.path}` is {journal.state_of(file)}" for file in entry.files)
    verb = f"`undo` of `{entry.verb}`" if entry.state == UNDOING else f"`{entry.verb}`"
    what = f"{verb} of {entry.when} was cut off: {state}"
    yield Row("warning", "journal", what, f"run `codex-router undo` to go back, or `{entry.verb}` again to finish")


def gist(said: str) -> str:
    """Return what is wrong in Codex's words: its line of error, with the next one when it is only a heading."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = next((index for index, line in enumerate(lines) if line.startswith("Error")), len(lines) - 1)
    return " ".join(lines[found : found + (2 if lines[found].endswith(":") else 1)]) if lines else said
