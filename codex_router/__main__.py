"""The program's one entry, and the one boundary where errors become words and exit statuses."""

from __future__ import annotations

import os
import sys

from codex_router.errors import ExitCode, RouterError


def main(argv: list[str] | None = None) -> int:
    """Run a command line (by default the process's own) and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    is_exec = argv[:1] == ["exec"]
    try:
        return _run(argv)
    except RouterError as error:
        sys.stderr.write(f"{_red('error')}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone away; there is nobody to tell, and no more output to try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the boundary
        _report_bug(error)
        return ExitCode.LAUNCH_FAILED if is_exec else ExitCode.BUG


def _run(argv: list[str]) -> int:
    if argv[:1] == ["exec"]:
        from codex_router.commands import exec_

        return exec_.main(argv[1:])
    from codex_router import cli

    status = cli.run(argv)
    sys.stdout.flush()
    return status


def _red(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    colour = not plain and (os.environ.get("FORCE_COLOR") or sys.stderr.isatty())
    return f"\x1b[31m{text}\x1b[0m" if colour else text


def _report_bug(error: Exception) -> None:
    """Print one short line on stderr and append the full report to the log file."""
    import traceback

    from codex_router import __version__
    from codex_router.home import make_router_home

    sys.stderr.write(f"bug in codex-router: {type(error).__name__}: {error}\n")
    try:
        log = make_router_home() / "codex-router.log"
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"codex-router {__version__}, Python {sys.version}\n")
            traceback.print_exception(error, file=stream)
        sys.stderr.write(f"\nhint: the full report is in `{log}`\n")
    except OSError:
        traceback.print_exception(error)


if __name__ == "__main__":
    sys.exit(main())
