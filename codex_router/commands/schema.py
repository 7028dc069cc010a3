"""``codex-router schema``: the shape of a final answer that a pipeline can read."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from codex_router.decide.taxonomy import read_categories
from codex_router.errors import ExitCode
from codex_router.settings import categories_document, in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLEXITIES = ("trivial", "small", "medium", "large")


@click.command(short_help="the JSON schema for `codex exec --output-schema`")
def command() -> int:
    """Print a JSON schema for `codex exec --output-schema FILE`: category, files changed, complexity, summary.

    The categories are those in force here. It keeps to what the API takes in strict mode.
    """
    categories = read_categories(categories_document(), in_force("categories.toml"))
    json.dump(schema([one.name for one in categories]), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return ExitCode.DONE


def schema(categories: Sequence[str]) -> dict[str, Any]:
    """Return the schema of an answer; every property is required and no other is allowed, as strict mode wants it."""
    properties = {
        "category": {
            "type": "string",
            "enum": list(categories),
            "description": "The kind of task, judged by the deliverable that was asked for.",
        },
        "files_changed": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Paths of the files that were added, changed or removed, relative to the working folder.",
        },
        "complexity": {
            "type": "string",
            "enum": list(COMPLEXITIES),
            "description": "How hard the task turned out to be.",
        },
        "summary": {"type": "string", "description": "What was done, in a few sentences."},
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
