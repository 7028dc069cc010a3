"""The option that several verbs share: which Codex home."""

from __future__ import annotations

from pathlib import Path

import click

from codex_router.home import codex_home

home_option = click.option(
    "--codex-home",
    "home",
    type=click.Path(file_okay=False, path_type=Path),
    callback=lambda _ctx, _param, value: value.absolute() if value else codex_home(),
    help="the folder that Codex reads  [default: $CODEX_HOME, else ~/.codex]",
)
