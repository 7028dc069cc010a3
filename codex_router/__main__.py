"""The program's one entry: ``codex-router`` and ``python -m codex_router``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    from codex_router.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
