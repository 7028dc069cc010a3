"""The wheel is complete: built, installed into a fresh environment, and used from there, outside the checkout."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(argv: list[str], **options: object) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=180, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that has its dependencies from the one the tests run in."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--no-deps", "--no-index", str(wheel)])
    own = Path(run([python, "-c", "import site; print(site.getsitepackages()[0])"]).strip())
    (own / "dependencies.pth").write_text("".join(f"{path}\n" for path in site.getsitepackages()))
    return folder


def test_it_holds_the_folders_of_the_top_level_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for folder in ("benchmarks-data", "profiles"):
        here = {path.name for path in (ROOT / folder).iterdir() if path.is_file()}
        prefix = f"codex_router/shipped/{folder}/"
        assert here <= {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    assert "codex_router/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"codex_router", "codex_profile_router"}


def test_it_is_what_runs_in_its_environment(environment: Path, tmp_path: Path) -> None:
    script = "import codex_router.shipped as s; print(s.__file__, s.shipped('profiles'), s.shipped('benchmarks-data'))"
    places = run([str(environment / "bin" / "python"), "-c", script], cwd=tmp_path).split()
    assert len(places) == 3
    assert all(Path(place).is_relative_to(environment) for place in places)


@pytest.mark.codex
def test_init_dry_run_from_it(environment: Path, codex: Callable[[str], str], own_home: Path, tmp_path: Path) -> None:
    variables = {**os.environ, "CODEX_ROUTER_CODEX": codex("0.163.0")}
    said = run([str(environment / "bin" / "codex-router"), "init", "--dry-run"], cwd=tmp_path, env=variables)
    assert "+[profile.standard]" in said
    assert "published attempts" in said
    assert not list(own_home.rglob("*.toml"))
