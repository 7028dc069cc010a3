"""The recipes of docs/how-to/ci.md do what they say: their own scripts, with real Codex against the scripted server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from world import World

from codex_router.evidence.ledger import FILE, Ledger

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "ci.md"
ANSWER = {"category": "bugfix", "files_changed": ["x.py"], "complexity": "small", "summary": "mended"}
RIGHT = "echo 'def one(): return 1' > x.py"
WRONG = "echo 'def one(): return 3' > x.py"


def recipe(name: str) -> dict[str, Any]:
    text = re.findall(rf"<!-- runs: {name} -->\n```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (found,) = [yaml.safe_load(one) for one in text]
    return dict(found)


def scripts(name: str) -> str:
    """Return what the job runs, but for what it installs."""
    document = recipe(name)
    if name == "github":
        lines = [step.get("run", "") for step in document["jobs"]["task"]["steps"]]
    else:
        job = document["codex"]
        lines = [*job["before_script"], *job["script"], *job["after_script"]]
    kept = [line for line in lines if line and not line.startswith("pip install")]
    codex = next(place for place, line in enumerate(kept) if "codex-router exec" in line)
    always = "\n".join(kept[codex + 1 :])  # also when the job failed
    return "\n".join([*kept[:codex], f"( set -e; {kept[codex]} )", "status=$?", always, "exit $status"])


def variables(name: str, world: World) -> dict[str, str]:
    out = world.folder / ".out" if name == "gitlab" else world.home / "temp" / "out"
    home = out / "codex-router" if name == "gitlab" else world.home / "temp" / "codex-router"
    return {"OUT": str(out), "CODEX_ROUTER_HOME": str(home), "CI_PROJECT_DIR": str(world.folder)}


@pytest.mark.codex
@pytest.mark.parametrize(("name", "work", "status"), [("github", RIGHT, 0), ("gitlab", WRONG, 123)])
def test_the_job_runs_as_written(make_world: Callable[..., World], name: str, work: str, status: int) -> None:
    world = make_world("0.163.0", {"cmd": work}, {"final": json.dumps(ANSWER)})
    bin_ = world.home / "bin"
    bin_.mkdir()
    for command, arguments in (("codex-router", '-m codex_router "$@"'), ("python", '"$@"')):
        (bin_ / command).write_text(f"#!/bin/sh\nexec {sys.executable} {arguments}\n")
        (bin_ / command).chmod(0o755)
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    task = "Fix the bug: `one` returns $(two); 'why'?"
    env = {**world.env, **plain, **variables(name, world), "PATH": f"{bin_}:{world.env['PATH']}", "TASK": task}
    (world.folder / "x.py").write_text("def one(): return 2\n")
    (world.folder / "test_x.py").write_text("from x import one\n\n\ndef test_one():\n    assert one() == 1\n")
    identity = "git -c user.name=u -c user.email=u@localhost"
    subprocess.run(f"git init -q && git add -A && {identity} commit -qm one", shell=True, cwd=world.folder, check=True)

    done = subprocess.run(
        ["bash", "-c", scripts(name)], cwd=world.folder, env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == status, done.stderr
    out = Path(env["OUT"])
    assert json.loads((out / "answer.json").read_text()) == ANSWER
    patch = (out / "change.patch").read_text()
    assert work.removeprefix("echo '").split("'")[0] in patch
    assert ".out" not in patch
    with Ledger.open(out / "codex-router" / FILE) as ledger:
        outcomes = [run.attempt.outcome for run in ledger.runs()]
    assert outcomes in ([["yes"]] if status == 0 else [["no"], ["no", "no"]])
    assert list((out / "codex-router" / "runs").glob("*/before-check-1.txt"))
    sent = world.server.requests[0]["input"][-1]["content"][-1]["text"]
    assert sent.strip() == task
    assert world.server.requests[0]["text"]["format"]["strict"] is True
