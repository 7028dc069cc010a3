"""`exec` with real Codex: what reaches the model, and limits that hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from codex_binary import NEWEST
from world import BASE_MODEL, GO, TIERS, World

from codex_router.codex.argv import parse_exec
from codex_router.commands.exec_ import _budget
from codex_router.records import Budget

pytestmark = pytest.mark.codex

MakeWorld = Callable[..., World]
VERSIONS = ["0.163.0", "0.133.0", NEWEST]
"""The newest with profile files, the newest with profile tables."""
ALL = ["0.163.0", "0.156.0", "0.149.0", "0.144.4", "0.136.0", "0.134.0", "0.133.0"]
ENDLESS = {"cmd": "echo again >> log.txt", "say": "I look again."}


def sent(world: World) -> list[tuple[str, str]]:
    """Return (model, effort) of every request since the last call."""
    found = [(request["model"], request["reasoning"]["effort"]) for request in world.server.requests]
    world.server.requests.clear()
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_prompt_decides_which_model_and_effort_are_asked(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"final": "done"})
    world.write_profiles()
    for prompt, tier in (
        ("Review this pull request for security problems", "precision"),
        ("Fix the crash when the list is empty: it raises an IndexError", "standard"),
        ("Update the README with installation instructions", "bulk"),
    ):
        assert world.run("exec", *GO, prompt).status == 0
        assert sent(world) == [TIERS[tier]]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_user_may_name_tier_or_category(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"final": "done"})
    world.write_profiles()
    assert world.run("exec", "--tier", "precision", *GO, "Update the README").status == 0
    assert world.run("exec", "--category=lint", *GO, "Review this pull request").status == 0
    assert sent(world) == [TIERS["precision"], TIERS["bulk"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_trusted_project_does_not_overrule_the_tier(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"final": "done"})
    world.write_profiles()
    with (world.codex_home / "config.toml").open("a") as config:
        config.write(f'\n[projects."{world.folder}"]\ntrust_level = "trusted"\n')
    (world.folder / ".codex").mkdir()
    theirs = 'model = "gpt-5.3-codex"\nmodel_reasoning_effort = "xhigh"\n'
    (world.folder / ".codex" / "config.toml").write_text(theirs)

    assert world.run("exec", "--tier", "bulk", *GO, "go on").status == 0
    assert sent(world) == [TIERS["bulk"]]

    assert world.bare("exec", *GO, "go on").status == 0
    assert sent(world) == [("gpt-5.3-codex", "xhigh")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_n_turns_allowed_means_n_requests(make_world: MakeWorld, version: str, limit: int) -> None:
    world = make_world(version, ENDLESS)
    world.write_profiles()
    done = world.run("exec", "--max-turns", str(limit), *GO, "go on")
    assert done.status == 124
    assert len(sent(world)) == limit
    assert f"stopped at the limit of {limit} turn" in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_under_json_a_stop_is_one_more_event_and_else_stdout_is_codex_s_own(
    make_world: MakeWorld, version: str
) -> None:
    world = make_world(version, ENDLESS)
    world.write_profiles()
    stop = ("exec", "--tier", "bulk", "--max-turns", "2", "--max-cost", "5", *GO, "go on")
    *theirs, ours = [json.loads(line) for line in world.run(*stop, "--json").stdout.splitlines()]
    assert "max_agent_turns_exceeded" not in json.dumps(theirs)
    error = ours["error"]
    assert (ours["type"], error["code"]) == ("turn.failed", "max_agent_turns_exceeded")
    assert error["message"] == "stopped at the limit of 2 turns; the work so far is left in place"
    assert error["limits"] == {"max_turns": 2, "max_cost_usd": 5.0, "max_seconds": 4 * 3600.0}
    assert error["used"]["turns"] == 2
    # USD per million tokens of gpt-5.4 in this world: 2 fresh, 0.5 cached, 20 output
    assert error["used"]["cost_usd"] == pytest.approx((1000 * 2 + 50 * 20 + 500 * 2 + 1000 * 0.5 + 50 * 20) / 1e6)
    assert b"exceeded" not in world.run(*stop).stdout

    dear = ("exec", "--tier", "bulk", "--max-cost", "0.001", "--json", *GO, "go on")
    assert json.loads(world.run(*dear).stdout.splitlines()[-1])["error"]["code"] == "max_cost_exceeded"


OLDEST = pytest.param("npm-0.101.0", marks=pytest.mark.slow)
"""It ends with 0 when it is interrupted."""


@pytest.mark.parametrize("version", [*sorted(set(ALL) - {"0.163.0", "0.133.0"}), OLDEST])
def test_the_turn_limit_holds_in_every_version(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, ENDLESS)
    world.write_profiles()
    assert world.run("exec", "--max-turns", "3", *GO, "go on").status == 124
    assert len(sent(world)) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_parallel_tool_calls_belong_to_one_turn(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"cmds": ["echo 1", "sleep 0.2; echo 2", "echo 3"]})
    world.write_profiles()
    assert world.run("exec", "--max-turns", "2", *GO, "go on").status == 124
    assert len(sent(world)) == 2


@pytest.mark.parametrize("version", ALL)
def test_a_run_that_ends_by_itself_at_its_limit_was_not_stopped(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"cmd": "echo 1"}, {"cmd": "echo 2"}, {"final": "done"})
    world.write_profiles()
    done = world.run("exec", "--max-turns", "3", *GO, "go on")
    assert (done.status, done.stdout) == (0, b"done\n")
    assert len(sent(world)) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_a_compaction_is_a_response_too(make_world: MakeWorld, version: str) -> None:
    """The second response is the summary that Codex asks for when the context grows too large."""
    steps = ({"cmd": "echo 1", "usage": {"input_tokens": 30_000}}, {"final": "summary"}, {"final": "done"})
    world = make_world(version, *steps)
    world.write_profiles()
    config = world.codex_home / "config.toml"
    config.write_text("model_auto_compact_token_limit = 20000\n" + config.read_text())
    assert world.run("exec", "--max-turns", "2", *GO, "go on").status == 124
    assert len(sent(world)) == 2
    assert world.run("exec", "--max-turns", "3", *GO, "go on").status == 0
    assert len(sent(world)) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failed_stream_is_no_response(make_world: MakeWorld, version: str) -> None:
    """Codex asks again when the connection was cut; only answers are counted."""
    world = make_world(version, {"disconnect": True}, {"cmd": "echo 1"}, {"final": "done"})
    world.write_profiles()
    done = world.run("exec", "--max-turns", "2", *GO, "go on")
    assert (done.status, done.stdout) == (0, b"done\n")
    assert "2 turns" in done.stderr.splitlines()[-1]


def test_the_limit_of_the_tier_holds_and_can_be_lifted(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"cmd": "echo 1"}, {"cmd": "echo 2"}, {"final": "done"})
    world.write_profiles(bulk=2)
    assert world.run("exec", "--tier", "bulk", *GO, "go on").status == 124
    assert len(sent(world)) == 2
    assert world.run("exec", "--tier", "bulk", "--max-turns", "0", *GO, "go on").status == 0
    assert len(sent(world)) == 3


LIMITS = ("--max-turns", "--max-cost", "--max-seconds")


@pytest.mark.parametrize(
    ("words", "tier", "held"),
    [
        ([], Budget(), Budget(max_seconds=4 * 3600.0)),  # without a connection Codex would try for ever
        ([], Budget(5, 1.0, 60.0), Budget(5, 1.0, 60.0)),
        ([f"{name}=7" for name in LIMITS], Budget(5, 1.0, 60.0), Budget(7, 7.0, 7.0)),
        ([f"{name}=0" for name in LIMITS], Budget(5, 1.0, 60.0), Budget()),
        (["--ephemeral"], Budget(5, 1.0), Budget(max_seconds=4 * 3600.0)),
    ],
)
def test_the_command_line_goes_before_the_tier_and_zero_is_no_limit(
    words: list[str], tier: Budget, held: Budget
) -> None:
    assert _budget(parse_exec([*words, "go on"]), tier) == held


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cost_limit_stops_within_one_response(make_world: MakeWorld, version: str) -> None:
    """At 10 USD per million fresh tokens of input, 1 of cached, 100 of output: 0.015, then 0.011, then 0.0115."""
    world = make_world(version, ENDLESS)
    world.write_profiles()
    for limit, responses, cost in (("0.015", 1, "$0.015"), ("0.0151", 2, "$0.026"), ("$0.03", 3, "$0.0375")):
        done = world.run("exec", "--tier", "standard", "--max-cost", limit, *GO, "go on")
        assert done.status == 124
        # Before 0.153 the tokens of a response are known only just before the next request.
        slack = 0 if version != "0.133.0" else 1
        assert responses <= len(sent(world)) <= responses + slack
        if len(sent(world)) == responses:
            assert f"{responses} turn{'s' if responses > 1 else ''} · {cost} · run " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("limit", "prices", "replaced"), [("1", True, True), ("0", False, True), ("1", False, False)])
def test_codex_s_own_budget_is_replaced_only_by_one_that_holds(
    make_world: MakeWorld, limit: str, prices: bool, replaced: bool
) -> None:
    world = make_world("0.163.0", {"cmd": "echo again"})
    world.write_profiles()
    with (world.codex_home / "bulk.config.toml").open("a") as profile:
        profile.write("suppress_unstable_features_warning = true\n[features.rollout_budget]\nenabled = true\n")
        profile.write("limit_tokens = 10\nreminder_at_remaining_tokens = []\n")
    if not prices:
        (world.router_home / "prices.json").unlink()
    words = ("--tier", "bulk", "--max-cost", limit, "--max-turns", "2", *GO)
    done = world.run("exec", *words, "go on")
    assert done.status == 124
    assert ("Codex's own token budget" in done.stderr.splitlines()[-1]) is not replaced
    assert len(world.server.requests) == (2 if replaced else 1)


def test_a_cost_limit_that_cannot_hold_is_said_not_to(make_world: MakeWorld) -> None:
    """The user's own model has no price in this world."""
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    done = world.run("exec", "-m", BASE_MODEL, "--max-cost", "0.001", *GO, "go on")
    assert done.status == 0
    first, second, *_ = done.stderr.splitlines()
    assert first == "codex-router: as you chose · <= $0.001"
    assert second == f"codex-router: the cost limit cannot hold: the price of {BASE_MODEL} is unknown"
    assert " · cost unknown, so its limit did not hold · run " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_thread_has_a_fresh_budget(make_world: MakeWorld, version: str) -> None:
    """What was used before does not count; a server on loopback tells threads apart, so the script goes on."""
    world = make_world(version, {"cmd": "echo 1"}, {"final": "done"}, ENDLESS)
    world.write_profiles()
    assert world.run("exec", *GO, "go on").status == 0
    assert len(sent(world)) == 2
    assert world.run("exec", "--max-turns", "2", "resume", "--last", GO[0], "and now go on").status == 124
    assert len(world.server.requests) == 2
    assert {request["model"] for request in world.server.requests} == {BASE_MODEL}  # the router stepped aside
