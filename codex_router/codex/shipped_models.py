"""The list of models that ships, for what Codex cannot be asked: old versions, past sessions."""

from __future__ import annotations

import tomllib
from typing import Any

from codex_router.shipped import shipped

MODELS = "codex-models.toml"


def shipped_models() -> dict[str, dict[str, Any]]:
    """Return the models on offer by version of Codex: name of the model to its efforts."""
    models: dict[str, dict[str, Any]] = _document()["codex"]
    return models


def default_efforts() -> dict[str, str]:
    """Return the effort that Codex takes for a model when nobody names one, as far as it is known."""
    known: dict[str, str] = _document()["default_effort"]
    return known


def _document() -> dict[str, Any]:
    return tomllib.loads((shipped("profiles") / MODELS).read_text(encoding="utf-8"))
