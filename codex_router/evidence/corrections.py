"""What the user says about the kind of their prompts, and what was learnt from it: in our own folder, without any text.

``corrections.jsonl`` grows by one line for every run (its features, hashed, and its category) and one for every
correction; ``learnt.json`` is what ``fit`` made of it and the classifier reads.
"""

from __future__ import annotations

import json
import os

from codex_router.errors import RouterError
from codex_router.home import make_router_folder, make_router_home, router_folder, router_home
from codex_router.named import TYPE_CHECKING
from codex_router.records import Correction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

CORRECTIONS = "corrections.jsonl"
LEARNT = "learnt.json"


def keep(run: str, category: str, *, told: bool, codes: Iterable[int] = ()) -> None:
    """Append a run, or a later word on its category.

    Args:
        run: the run's id.
        category: what it was taken for.
        told: the user said so; runs that nobody commented on teach nothing.
        codes: the prompt's hashed features; empty when the run was kept before.

    Raises:
        RouterError: the file cannot be written.
    """
    line = json.dumps({"run": run, "category": category, "told": told, "codes": list(codes)}, separators=(",", ":"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    path = os.path.join(make_router_folder(), CORRECTIONS)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
    except OSError as error:
        raise RouterError(f"cannot be written: {error.strerror}", where=path) from None


def corrections() -> list[Correction]:
    """Return the last word on each run that the user commented on; lines cut short by a crash are passed over."""
    codes: dict[str, tuple[int, ...]] = {}
    told: dict[str, str] = {}
    for row in _lines():
        run = str(row.get("run"))
        if row.get("codes"):
            codes[run] = tuple(row["codes"])
        if row.get("told"):
            told[run] = str(row.get("category"))
    return [Correction(codes[run], category) for run, category in told.items() if run in codes]


def _lines() -> Iterable[dict[str, Any]]:
    path = router_home() / CORRECTIONS
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row


def write_learnt(learnt: Mapping[int, Mapping[str, float]]) -> None:
    """Put down what was learnt, whole or not at all."""
    path = make_router_home() / LEARNT
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"schema": 1, "features": learnt}, separators=(",", ":")), encoding="utf-8")
    fresh.replace(path)


def read_learnt() -> dict[int, dict[str, float]]:
    """Return what was learnt; nothing when nothing was.

    Raises:
        RouterError: the file is not ours any more.
    """
    path = os.path.join(router_folder(), LEARNT)
    try:
        with open(path, "rb") as stream:
            features = json.loads(stream.read())["features"]
        return {int(code): {str(name): float(nats) for name, nats in bias.items()} for code, bias in features.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        hint = "remove it; `codex-router fit` makes it again"
        raise RouterError(f"cannot be read: {error}", where=path, hint=hint) from None
