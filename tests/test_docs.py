"""The documentation cannot drift: help, verbs, variables, exit codes, keys and links are held against the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from write_docs import PAGE, page

from codex_router.cli import VERBS
from codex_router.codex.router_file import TIER_KEYS
from codex_router.errors import ExitCode

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"
TEXTS = [README, *sorted(DOCS.rglob("*.md"))]
SOURCES = sorted((REPOSITORY / "codex_router").rglob("*.py"))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def named_in(path: Path, heading: str) -> set[str]:
    """Return the names in the first column of the tables below a heading."""
    text = read(path).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def variables(path: Path) -> Iterator[str]:
    """Yield the names of environment variables that a source file reads; a name that cannot be told is a fault."""
    tree = ast.parse(read(path))
    constants = {ast.unparse(one.targets[0]): one.value for one in tree.body if isinstance(one, ast.Assign)}
    loops = {
        ast.unparse(one.target): constants.get(ast.unparse(one.iter), one.iter)
        for one in ast.walk(tree)
        if isinstance(one, ast.comprehension)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[name, *_]) if is_environ(owner):
                pass
            case ast.Call(func=ast.Attribute(attr="getenv"), args=[name, *_]):
                pass
            case ast.Subscript(value=owner, slice=name, ctx=ast.Load()) if is_environ(owner):
                pass
            case ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[owner]) if is_environ(owner):
                pass
            case _:
                continue
        found = ast.literal_eval(loops.get(ast.unparse(name), name))
        yield from [found] if isinstance(found, str) else found


def is_environ(node: ast.expr) -> bool:
    return ast.unparse(node) in {"os.environ", "environ"}


def test_the_command_line_page_is_the_programs_own_help() -> None:
    assert read(PAGE) == page(), "run `python tests/write_docs.py`"


def test_every_verb_has_a_section_with_its_help() -> None:
    assert re.findall(r"^## (\w+)$", read(PAGE), re.MULTILINE) == list(VERBS)


def test_every_variable_that_the_code_reads_is_described_and_no_other() -> None:
    found = {name for path in SOURCES for name in variables(path)}
    assert "CODEX_HOME" in found
    assert named_in(DOCS / "reference" / "environment.md", "Read by codex-router") == found


def test_every_exit_code_is_described_and_no_other() -> None:
    described = named_in(DOCS / "reference" / "exit-codes.md", "Statuses")
    assert {int(code) for code in described if code.isdigit()} == {code.value for code in ExitCode}


def test_every_key_of_a_tier_is_described_and_no_other() -> None:
    assert named_in(DOCS / "reference" / "files.md", "`codex-router.toml`: `[profile.NAME]`") == TIER_KEYS


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_relative_links_resolve(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", read(path), flags=re.DOTALL))
    targets = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in targets if link and not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_lines_fit(path: Path) -> None:
    prose = re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)
    long = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert long == []


def test_every_page_is_on_the_map() -> None:
    linked = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)\s#]+\.md)\)", read(DOCS / "README.md"))}
    assert {path.resolve() for path in DOCS.rglob("*.md")} - {DOCS.resolve() / "README.md"} <= linked


def test_the_readme_is_short_and_its_test_command_is_what_ci_runs() -> None:
    lines = read(README).splitlines()
    assert len(lines) <= 120
    [command] = [line for line in lines if line.startswith("python3 -m venv") and "pytest" in line]
    assert command in read(REPOSITORY / ".ci" / "run").splitlines()


def test_every_path_on_the_architecture_page_exists() -> None:
    table = read(DOCS / "explanation" / "architecture.md").split("\n## Where to look\n", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`((?:\w+/)[\w*.-]+)`", table)) - {"profiles/*.toml"}
    assert "codex/versions.py" in named
    assert [
        one for one in named if not any((root / one).exists() for root in (REPOSITORY, REPOSITORY / "codex_router"))
    ] == []
