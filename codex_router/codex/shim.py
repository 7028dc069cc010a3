"""A `codex` for PATH that routes `codex exec` and passes everything else to the real Codex.

It is a shell script: what passes through must not wait for Python. It holds no path of Codex, so that upgrading or
moving Codex does not concern it; when codex-router itself is gone, it runs Codex directly and says so.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from codex_router.codex.argv import EXEC, GREEDY_OPTIONS, STOPS, VALUE_OPTIONS
from codex_router.codex.locate import SHIM_MARK, is_shim
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "codex"
TEXT = """\
{mark}: routes `codex exec`, passes all else through; `codex-router shim remove` removes it
router={python}

is_shim() {{
    second=
    {{ read -r first; read -r second; }} <"$1"
    case $second in
    '# codex-router shim'*) return 0 ;;
    *) return 1 ;;
    esac
}}

real_codex() {{
    if [ -n "$CODEX_ROUTER_CODEX" ] && ! is_shim "$CODEX_ROUTER_CODEX"; then
        printf '%s\n' "$CODEX_ROUTER_CODEX"
        return
    fi
    set -f
    IFS=:
    for folder in $PATH; do
        file=${{folder:-.}}/codex
        if [ -f "$file" ] && [ -x "$file" ] && ! is_shim "$file"; then
            printf '%s\n' "$file"
            return
        fi
    done
    "$router" -P -m codex_router shim which
}}

skip= route=
for word; do
    if [ -n "$skip" ]; then
        skip=
        continue
    fi
    case $word in
    {exec}) route=1 && break ;;
    {stop}) break ;;
    {value}) skip=1 ;;
    -?*) ;;
    *) break ;;
    esac
done

if [ -n "$route" ]; then
    if [ -x "$router" ]; then
        exec "$router" -P -m codex_router "$@"
    fi
    echo "codex-router is not at $router any more; running Codex directly" >&2
fi
codex=$(real_codex) && [ -n "$codex" ] || {{
    echo "codex-router shim: no Codex found" >&2
    exit 127
}}
exec "$codex" "$@"
"""


def script(python: str) -> str:
    """Return the shim that starts codex-router with a Python."""
    return TEXT.format(
        mark=SHIM_MARK.decode(),
        python=shlex.quote(python),
        exec=_patterns(EXEC),
        stop=_patterns(STOPS | GREEDY_OPTIONS | {"--"}),
        value=_patterns(VALUE_OPTIONS - GREEDY_OPTIONS),
    )


def install(folder: Path, python: str) -> Path:
    """Write the shim into a folder and return its path.

    Raises:
        RouterError: there is a `codex` that is not ours, or the folder cannot be written.
    """
    target = folder / NAME
    if os.path.lexists(target) and not is_shim(target):
        raise RouterError("this `codex` is not ours", where=target, hint="choose another folder with `--dir`")
    scratch = folder / f".{NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch.write_text(script(python), encoding="utf-8")
        scratch.chmod(0o755)
        scratch.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise RouterError(
            f"cannot be written: {error.strerror}", where=target, hint="choose another folder with `--dir`"
        ) from None
    return target


def remove(folder: Path) -> Path | None:
    """Remove the shim from a folder and return its path; None when there is none.

    Raises:
        RouterError: there is a `codex` that is not ours, or it cannot be removed.
    """
    target = folder / NAME
    if not os.path.lexists(target):
        return None
    if not is_shim(target):
        raise RouterError("this `codex` is not ours", where=target, hint="nothing was removed")
    try:
        target.unlink()
    except OSError as error:
        raise RouterError(f"cannot be removed: {error.strerror}", where=target) from None
    return target


def _patterns(words: frozenset[str] | set[str]) -> str:
    return " | ".join(sorted(words))
