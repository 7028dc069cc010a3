"""``codex-router shim``: a `codex` that routes `codex exec`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from codex_router.codex.locate import codexes_on_path, find_codex, is_shim
from codex_router.codex.shim import install, remove
from codex_router.errors import ExitCode, RouterError
from codex_router.home import make_router_home, router_home
from codex_router.show.console import err, out, print_json

folder_option = click.option(
    "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), help="its folder  [default: ~/.local/bin]"
)


@click.group(name="shim", short_help="a `codex` on PATH that routes `codex exec` and passes all else through")
def command() -> None:
    """Put a `codex` on PATH that routes `codex exec` and passes everything else to the real Codex."""


@command.command(name="install")
@folder_option
@click.option("--alias", "as_alias", is_flag=True, help="print an alias for your shell's start-up file instead")
def install_shim(*, folder: Path | None, as_alias: bool) -> int:
    """Install the shim into a folder that stands before Codex's own on PATH."""
    if as_alias:
        make_router_home()
        path = install(folder.absolute() if folder else _for_alias(), sys.executable)
        sys.stdout.write(f"alias codex={shlex.quote(shlex.quote(str(path)))}\n")
        return ExitCode.DONE
    path = install((folder or _usual()).absolute(), sys.executable)
    err().print(f"wrote `{path}`", style="ok")
    _tell_order(path)
    return ExitCode.DONE


@command.command(name="remove")
@folder_option
def remove_shim(*, folder: Path | None) -> int:
    """Remove the shim from a folder, or from wherever it is found."""
    folders = [folder.absolute()] if folder else [path.parent for path in _installed()]
    removed = [path for path in map(remove, folders) if path is not None]
    for path in removed:
        err().print(f"removed `{path}`", style="ok")
    if not removed:
        err().print("there is no shim" + (f" in `{folder}`" if folder else ""))
    return ExitCode.DONE


@command.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def status(*, as_json: bool) -> int:
    """Say where shims are, whether `codex` means one of them, and where the real Codex is."""
    installed = [str(path) for path in _installed()]
    first = next(codexes_on_path(), None)
    try:
        codex: str | None = find_codex().path
    except RouterError:
        codex = None
    is_active = first is not None and is_shim(first)
    if as_json:
        print_json({"shims": installed, "first_on_path": first, "active": is_active, "codex": codex})
        return ExitCode.DONE
    console = out()
    console.print(f"shims: {', '.join(installed) or 'none'}")
    console.print(f"`codex` is {first or 'not on PATH'}{' (a shim)' if is_active else ''}")
    console.print(f"the real Codex: {codex or 'not found'}")
    return ExitCode.DONE


@command.command(name="which")
def which() -> int:
    """Print the path of the real Codex."""
    sys.stdout.write(f"{find_codex().path}\n")
    return ExitCode.DONE


def _usual() -> Path:
    return Path.home() / ".local" / "bin"


def _for_alias() -> Path:
    return router_home() / "shim"


def _installed() -> list[Path]:
    """Return the shims on PATH and in our usual places."""
    places = [*map(Path, codexes_on_path()), _usual() / "codex", _for_alias() / "codex"]
    return [path for path in dict.fromkeys(places) if is_shim(path)]


def _tell_order(path: Path) -> None:
    first = next(codexes_on_path(), None)
    if first is None or Path(first) != path:
        now = f"`codex` is `{first}` now" if first else f"`{path.parent}` is not on PATH"
        hint = f'put it first: export PATH={shlex.quote(str(path.parent))}:"$PATH"'
        err().print(f"{now}; {hint}", style="warn", soft_wrap=True)
