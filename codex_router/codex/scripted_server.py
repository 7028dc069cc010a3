"""A Responses API server on loopback that plays a script instead of a model.

The demo runs real Codex against it without a key or a network, and so do the tests: what Codex then does (profiles,
events, session files, exit codes) is its own. The script is a list of steps; a request of a Codex thread gets the
thread's next step, and the step with ``final`` ends the turn.

    {"cmd": "echo 1"}                     one shell call
    {"cmds": ["sleep 1", "echo 2"]}       several in one response
    {"call": ["name", {"key": "value"}]}  another tool, with its arguments
    {"final": "done"}                     the last message
    {"status": 429}                       an HTTP error
    {"hang": 60}                          silence for so many seconds, then the end of the stream
    {"disconnect": True}                  the connection is cut in the middle of the stream
    "say", "usage", "delay"               with any step: a message beside the calls, its tokens, seconds to wait
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Step = dict[str, Any]
USAGE = {"input_tokens": 1000, "cached_tokens": 0, "output_tokens": 50, "reasoning_tokens": 20}
THREAD_HEADERS = ("thread-id", "conversation_id", "session_id", "session-id")


class ScriptedServer(ThreadingHTTPServer):
    """The server; `requests` holds the body of every model request, in order.

    Args:
        steps: the script; its last step is repeated when a thread asks for more.
    """

    daemon_threads = True

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps = list(steps)
        self.requests: list[dict[str, Any]] = []
        self._next: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """Return what goes into ``base_url`` of a ``[model_providers.X]``."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def config(self, model: str = "gpt-5.5") -> str:
        """Return a ``config.toml`` that sends a Codex here; plugins off, since they try the network at exit."""
        return (
            f'model = "{model}"\nmodel_provider = "scripted"\n\n'
            f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{self.base_url}"\n'
            'env_key = "SCRIPTED_KEY"\nwire_api = "responses"\n\n[features]\nplugins = false\n'
        )

    def take(self, thread: str, body: dict[str, Any]) -> tuple[Step, int]:
        """Return the next step of a thread, and how many requests that thread has made before."""
        with self._lock:
            self.requests.append(body)
            done = self._next.get(thread, 0)
            self._next[thread] = done + 1
        return self.steps[min(done, len(self.steps) - 1)], done

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in mid-stream is part of what is played."""


@contextlib.contextmanager
def serving(steps: Sequence[Step]) -> Iterator[ScriptedServer]:
    """Serve a script until the block ends."""
    server = ScriptedServer(steps)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: `ScriptedServer.requests` is the log."""

    def do_GET(self) -> None:
        """Answer the model list with an empty one."""
        self._json(200, {"object": "list", "data": [], "models": []})

    def do_POST(self) -> None:
        """Play the next step of the thread that asks."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if not self.path.split("?")[0].rstrip("/").endswith("/responses"):
            self._json(404, {"error": {"message": "no such path"}})
            return
        headers = [self.headers.get(name) for name in THREAD_HEADERS]
        thread = next((value for value in headers if value), str(body.get("prompt_cache_key")))
        step, done = self.server.take(thread, body)
        time.sleep(step.get("delay", 0))
        if "status" in step:
            self._json(step["status"], {"error": {"message": "scripted error", "type": "scripted", "code": "scripted"}})
        else:
            self._stream(step, body, done)

    def _json(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, step: Step, body: dict[str, Any], done: int) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        identity = f"resp_{uuid.uuid4().hex[:12]}"
        self._event("response.created", response={"id": identity, "status": "in_progress", "model": body.get("model")})
        time.sleep(step.get("hang", 0))
        if step.get("disconnect"):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        for index, item in enumerate(_items(step, _tool_names(body))):
            self._event("response.output_item.added", output_index=index, item={**item, "content": []})
            self._event("response.output_item.done", output_index=index, item=item)
        response: dict[str, Any] = {"id": identity, "status": "completed", "model": body.get("model"), "output": []}
        self._event("response.completed", response={**response, "usage": _usage(step, done)})

    def _event(self, kind: str, **fields: Any) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode())
        self.wfile.flush()


def _usage(step: Step, done: int) -> dict[str, Any]:
    """Return the tokens of a response: 500 more input with each one, all of the input before as cached."""
    used = {**USAGE, "input_tokens": 1000 + 500 * done, "cached_tokens": (500 + 500 * done) if done else 0}
    used.update(step.get("usage", {}))
    return {
        "input_tokens": used["input_tokens"],
        "input_tokens_details": {"cached_tokens": used["cached_tokens"]},
        "output_tokens": used["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": used["reasoning_tokens"]},
        "total_tokens": used["input_tokens"] + used["output_tokens"],
    }


def _tool_names(body: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return {tool name: (type, namespace)}; newer models get their tools in an input item, grouped in namespaces."""
    lists = [body.get("tools") or []]
    lists += [item.get("tools") or [] for item in body.get("input") or [] if item.get("type") == "additional_tools"]
    found: dict[str, tuple[str, str | None]] = {}
    for tool in (tool for one in lists for tool in one):
        if tool.get("type") == "namespace":
            found.update({sub["name"]: (sub["type"], tool.get("name")) for sub in tool.get("tools", [])})
        else:
            found[tool.get("name") or tool["type"]] = (tool["type"], None)
    return found


def _items(step: Step, tools: dict[str, tuple[str, str | None]]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    text = step.get("final") or step.get("say")
    if text:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        items.append(
            {"type": "message", "id": _id("msg"), "role": "assistant", "status": "completed", "content": content}
        )
    commands = step.get("cmds") or ([step["cmd"]] if "cmd" in step else [])
    items += [_shell_call(command, tools) for command in commands]
    if "call" in step:
        name, arguments = step["call"]
        items.append(_call(name, arguments, tools))
    return items


def _shell_call(command: str, tools: dict[str, tuple[str, str | None]]) -> dict[str, Any]:
    """Return a call of whichever shell tool this Codex offers for the model."""
    arguments: dict[str, Any]
    for name, arguments in (
        ("exec_command", {"cmd": command}),
        ("shell_command", {"command": command}),
        ("shell", {"command": ["bash", "-lc", command]}),
    ):
        if name in tools:
            return _call(name, arguments, tools)
    source = f"const r = await tools.exec_command({{cmd: {json.dumps(command)}}}); text(r.output)"
    call = {"type": "custom_tool_call", "id": _id("ctc"), "call_id": _id("call"), "name": "exec", "status": "completed"}
    return {**call, "input": source}


def _call(name: str, arguments: dict[str, Any], tools: dict[str, tuple[str, str | None]]) -> dict[str, Any]:
    _, namespace = tools.get(name, ("", None))
    call = {"type": "function_call", "id": _id("fc"), "call_id": _id("call"), "name": name}
    call |= {"arguments": json.dumps(arguments), "status": "completed"}
    return {**call, "namespace": namespace} if namespace else call


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:10]}"
