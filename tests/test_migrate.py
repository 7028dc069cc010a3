"""Old and article-style profile tables become profile files; every other byte stays."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from quick import thorough
from toml_texts import toml_texts

from codex_router.codex.migrate import plain_name, plan_migration
from codex_router.errors import RouterError

OLD = """\
# my configuration
model = "gpt-5.5"
profile = "fast"   # the default

[features]
plugins = false

# the fast one,
# for small things
[profiles.fast]
model = "gpt-5.4"   # cheap
model_reasoning_effort = "low"

[profiles.fast.features]
goals = false

[mcp_servers.docs]
command = "docs"
"""
ARTICLE = """\
model = "gpt-5.5"

[profile.bulk]
model = "gpt-5.5"
reasoning_effort = "low"  # as printed
max_turns = 5
"""


def home(tmp_path: Path, text: str) -> Path:
    (tmp_path / "config.toml").write_bytes(text.encode())
    return tmp_path


def migrated(folder: Path, *, files: bool = True, ours: frozenset[str] = frozenset()) -> dict[str, str]:
    found = plan_migration(folder, ours, files=files)
    return {change.path.name: (change.after or b"").decode() for change in found.files}


def test_old_tables_and_the_selector_move_with_their_comments(tmp_path: Path) -> None:
    after = migrated(home(tmp_path, OLD))
    assert after == {
        "fast.config.toml": (
            "# the fast one,\n# for small things\n"
            'model = "gpt-5.4"   # cheap\nmodel_reasoning_effort = "low"\n\n'
            "[features]\ngoals = false\n"
        ),
        "config.toml": (
            '# my configuration\nmodel = "gpt-5.5"\n\n[features]\nplugins = false\n\n'
            '[mcp_servers.docs]\ncommand = "docs"\n'
        ),
    }
    assert "profile" in plan_migration(tmp_path, frozenset(), files=True).notes[0]


def test_article_tables_are_translated(tmp_path: Path) -> None:
    assert migrated(home(tmp_path, ARTICLE)) == {
        "bulk.config.toml": (
            'model = "gpt-5.5"\nmodel_reasoning_effort = "low"  # as printed\n'
            "# max_turns = 5  # no Codex key: `codex-router exec --max-turns` holds it\n"
        ),
        "config.toml": 'model = "gpt-5.5"\n',
    }


def test_a_text_that_does_not_even_parse_is_rescued(tmp_path: Path) -> None:
    broken = 'profile = "bulk"\n' + ARTICLE
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(broken)
    assert migrated(home(tmp_path, broken))["config.toml"] == 'model = "gpt-5.5"\n'


def test_an_older_codex_gets_tables_instead_of_files(tmp_path: Path) -> None:
    after = migrated(home(tmp_path, ARTICLE), files=False)
    assert list(after) == ["config.toml"]
    document = tomllib.loads(after["config.toml"])
    assert document == {
        "model": "gpt-5.5",
        "profiles": {"bulk": {"model": "gpt-5.5", "model_reasoning_effort": "low"}},
    }
    assert migrated(home(tmp_path, OLD), files=False) == {}


def test_what_codex_router_wrote_is_left_to_apply(tmp_path: Path) -> None:
    text = OLD.replace('profile = "fast"   # the default\n', "")
    assert migrated(home(tmp_path, text), ours=frozenset({"fast"})) == {}


def test_carriage_returns_stay(tmp_path: Path) -> None:
    after = migrated(home(tmp_path, OLD.replace("\n", "\r\n")))
    for text in after.values():
        assert text.count("\n") == text.count("\r\n")


def test_a_taken_file_is_never_overwritten(tmp_path: Path) -> None:
    home(tmp_path, OLD)
    (tmp_path / "fast.config.toml").write_text("model = 'mine'\n")
    with pytest.raises(RouterError, match="exists already") as caught:
        migrated(tmp_path)
    assert "rename" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["profiles = { fast = { model = 'x' } }\n", "profiles.fast.model = 'x'\n", "[profiles]\nfast = { model = 'x' }\n"],
)
def test_inline_tables_are_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(RouterError, match="inline or with dotted keys") as caught:
        migrated(home(tmp_path, text))
    assert "hint:" in str(caught.value)


def test_other_faults_are_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(RouterError, match=r"broken beyond its profiles: Invalid value \(at line 2"):
        migrated(home(tmp_path, '[profiles.a]\nmodel = "x"\n[b]\nx = \n'))


def test_names_that_codex_would_refuse_are_changed_and_told(tmp_path: Path) -> None:
    found = plan_migration(home(tmp_path, '[profiles."my tier"]\nmodel = "x"\n'), frozenset(), files=True)
    assert found.profiles == ("my-tier",)
    assert "my tier" in found.notes[0]
    assert plain_name("../x") == "---x"


@thorough
@given(text=toml_texts())
def test_foreign_tables_keep_their_meaning(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = home(tmp_path_factory.mktemp("home"), text)
    before = tomllib.loads(text)
    try:
        after = migrated(folder)
    except RouterError:
        return  # written inline: refused whole
    rest = {key: value for key, value in before.items() if key not in {"profile", "profiles"}}
    assert repr(tomllib.loads(after.get("config.toml", text))) == repr(rest) or not after
