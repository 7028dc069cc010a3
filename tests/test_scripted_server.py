from __future__ import annotations

import json
import time
import tomllib
import urllib.error
import urllib.request
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any

import pytest

from codex_router.codex.scripted_server import ScriptedServer, serving


def ask(server: ScriptedServer, thread: str = "t1", path: str = "/responses", **body: Any) -> list[dict[str, Any]]:
    """Make a model request and return the events of the answer."""
    request = urllib.request.Request(
        server.base_url + path, json.dumps({"model": "m", **body}).encode(), {"session_id": thread}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        lines = answer.read().decode().splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [line.removeprefix("event: ") for line in lines if line.startswith("event: ")] == [e["type"] for e in events]
    return events


def items(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


def text(events: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for item in items(events) for part in item.get("content", []))


def test_each_thread_plays_the_script_from_its_start_and_repeats_the_last_step() -> None:
    with serving([{"final": "one"}, {"final": "two"}]) as server:
        assert [text(ask(server, "a")) for _ in range(3)] == ["one", "two", "two"]
        assert text(ask(server, "b")) == "one"
        assert [request["model"] for request in server.requests] == ["m"] * 4


def test_an_answer_is_created_then_done_then_completed() -> None:
    with serving([{"final": "done", "usage": {"output_tokens": 7}}]) as server:
        events = ask(server)
    assert events[0]["type"] == "response.created"
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["usage"] == {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 1007,
    }


def test_the_prompt_grows_and_what_was_there_before_is_cached() -> None:
    with serving([{"final": "x"}]) as server:
        usages = [ask(server)[-1]["response"]["usage"] for _ in range(3)]
    found = [(usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"]) for usage in usages]
    assert found == [(1000, 0), (1500, 1000), (2000, 1500)]


@pytest.mark.parametrize(
    ("tools", "name", "arguments"),
    [
        ([{"type": "function", "name": "exec_command"}], "exec_command", {"cmd": "ls"}),
        ([{"type": "function", "name": "shell_command"}], "shell_command", {"command": "ls"}),
        ([{"type": "function", "name": "shell"}], "shell", {"command": ["bash", "-lc", "ls"]}),
    ],
)
def test_a_command_becomes_a_call_of_the_shell_tool_on_offer(
    tools: list[dict[str, str]], name: str, arguments: dict[str, Any]
) -> None:
    with serving([{"cmd": "ls", "say": "I look."}]) as server:
        said, call = items(ask(server, tools=tools))
    assert said["content"][0]["text"] == "I look."
    assert (call["type"], call["name"], json.loads(call["arguments"])) == ("function_call", name, arguments)


def test_tools_may_come_in_an_input_item_and_in_namespaces() -> None:
    grouped = {"type": "namespace", "name": "os", "tools": [{"type": "function", "name": "exec_command"}]}
    with serving([{"cmd": "ls"}]) as server:
        (call,) = items(ask(server, input=[{"type": "additional_tools", "tools": [grouped]}]))
    assert (call["name"], call["namespace"]) == ("exec_command", "os")


def test_a_codex_in_code_mode_gets_a_program() -> None:
    with serving([{"cmd": 'echo "1"'}]) as server:
        (call,) = items(ask(server, tools=[{"type": "custom", "name": "exec"}]))
    assert (call["type"], call["name"]) == ("custom_tool_call", "exec")
    assert 'tools.exec_command({cmd: "echo \\"1\\""})' in call["input"]


def test_several_commands_are_calls_of_one_response() -> None:
    with serving([{"cmds": ["a", "b"]}]) as server:
        calls = items(ask(server, tools=[{"type": "function", "name": "exec_command"}]))
    assert [json.loads(call["arguments"])["cmd"] for call in calls] == ["a", "b"]
    assert len({call["call_id"] for call in calls}) == 2


def test_an_error_has_its_status() -> None:
    with serving([{"status": 429}]) as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(server)
        assert refused.value.code == 429
        assert json.load(refused.value)["error"]["code"] == "scripted"
        refused.value.close()


def test_a_connection_may_be_cut() -> None:
    with serving([{"disconnect": True}]) as server:
        try:
            events = ask(server)
        except (IncompleteRead, RemoteDisconnected, ConnectionResetError):
            events = []
        assert "response.completed" not in [event["type"] for event in events]


@pytest.mark.parametrize("step", [{"hang": 0.3, "final": "x"}, {"delay": 0.3, "final": "x"}])
def test_an_answer_may_take_its_time(step: dict[str, Any]) -> None:
    with serving([step]) as server:
        begun = time.monotonic()
        assert text(ask(server)) == "x"
        assert time.monotonic() - begun >= 0.3


def test_other_paths() -> None:
    with serving([{"final": "x"}]) as server:
        with urllib.request.urlopen(f"{server.base_url}/models", timeout=10) as answer:
            assert json.load(answer) == {"object": "list", "data": [], "models": []}
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(server, path="/chat/completions")
        assert refused.value.code == 404
        refused.value.close()
        assert server.requests == []


def test_the_configuration_sends_codex_here() -> None:
    with serving([{"final": "x"}]) as server:
        config = tomllib.loads(server.config("gpt-5.5"))
        assert config["model_providers"][config["model_provider"]]["base_url"] == server.base_url
        assert config["model"] == "gpt-5.5"
        assert server.base_url.startswith("http://127.0.0.1:")


def test_when_the_block_ends_nobody_answers_any_more() -> None:
    with serving([{"final": "x"}]) as server:
        pass
    with pytest.raises(urllib.error.URLError):
        ask(server)
