"""The program's one entry, and the one boundary where errors become words and exit statuses."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys

from codex_router.errors import ExitCode, RouterError
from codex_router.named import TYPE_CHECKING
from codex_router.show.notice import printable, say

if TYPE_CHECKING:
    from typing import NoReturn


def main(argv: list[str] | None = None) -> int:
    """Run a command line (by default the process's own) and return its exit status."""
    if argv is None:
        argv = sys.argv[1:]
        if _exec_at(argv) is not None:
            _leave(main(argv))
    is_exec = _exec_at(argv) is not None
    _keep_statuses()
    try:
        return _run(argv)
    except RouterError as error:
        say(f"{_red('error')}: {printable(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone away; there is nobody to tell, and no more output to try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the boundary
        _report_bug(error)
        return ExitCode.LAUNCH_FAILED if is_exec else ExitCode.BUG


def _keep_statuses() -> None:
    """Have the statuses of our children kept: whoever has started us may have told the system to throw them away."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _run(argv: list[str]) -> int:
    at = _exec_at(argv)
    if at is not None:
        gc.disable()  # until Codex is started: what is imported until then is here to stay
        from codex_router.commands import exec_

        return exec_.main(argv[at + 1 :], argv[:at])
    from codex_router import cli

    status = cli.run(argv)
    sys.stdout.flush()
    return status


def _leave(status: int) -> NoReturn:
    """End the process at once: there is nothing to tidy up, and Python takes 3 ms to take itself apart."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(status)


def _exec_at(argv: list[str]) -> int | None:
    """Return where the word ``exec`` is; in front of it may be options of Codex, as in ``codex -a never exec ...``."""
    if argv[:1] == ["exec"]:
        return 0
    if not argv or not (argv[0] == "e" or argv[0].startswith("-")):
        return None
    from codex_router.codex.argv import exec_at

    return exec_at(argv)


def _red(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    colour = not plain and (os.environ.get("FORCE_COLOR") or (sys.stderr is not None and sys.stderr.isatty()))
    return f"\x1b[31m{text}\x1b[0m" if colour else text


def _report_bug(error: Exception) -> None:
    """Print one short line on stderr and append the full report to the log file."""
    import traceback

    from codex_router import __version__
    from codex_router.home import make_router_home

    say(f"bug in codex-router: {type(error).__name__}: {error}")
    try:
        log = make_router_home() / "codex-router.log"
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"codex-router {__version__}, Python {sys.version}\n")
            traceback.print_exception(error, file=stream)
        say(f"\nhint: the full report is in `{log}`")
    except OSError:
        say("".join(traceback.format_exception(error)))


if __name__ == "__main__":
    sys.exit(main())
