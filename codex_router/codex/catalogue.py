"""Which models and efforts the user's Codex offers, and what the user's configuration adds to them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.codex.changes import read_text
from codex_router.codex.install import config_file
from codex_router.codex.shipped_models import shipped_models
from codex_router.codex.toml_text import parse
from codex_router.codex.versions import Version, parse_version
from codex_router.errors import RouterError
from codex_router.records import EFFORTS, Arm

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from codex_router.codex.locate import Codex

TIMEOUT_S = 20.0
"""``codex debug models`` may refresh its list over the network when logged in; then the bundled list will do."""


class Model(NamedTuple):
    """One model on offer."""

    name: str
    efforts: tuple[str, ...]
    """Supported reasoning efforts in rising order; empty when the model takes none."""
    default_effort: str | None = None
    provider: str | None = None
    """A ``[model_providers.X]`` of the user's configuration; None is the configuration's own choice."""


class Catalogue(NamedTuple):
    """The models on offer and who says so."""

    models: tuple[Model, ...]
    source: str
    """``codex debug models`` or the name of the shipped list."""

    def arms(self) -> list[Arm]:
        """Return every (model, effort) on offer."""
        return [Arm(model.name, effort) for model in self.models for effort in model.efforts or (None,)]

    def model(self, name: str) -> Model | None:
        """Return the model of that name, or None."""
        return next((model for model in self.models if model.name == name), None)


def offered(codex: Codex | None, home: Path) -> Catalogue:
    """Return what the installed Codex offers, or what the nearest known version does when it cannot say.

    Args:
        codex: the installed Codex; None when there is none.
        home: the Codex home whose configuration and login count.
    """
    if codex is not None and codex.reads.debug_models:
        for flags in ([], ["--bundled"]):
            models = _ask(codex, home, flags)
            if models:
                return Catalogue(models, "codex debug models")
    return _shipped(codex.version if codex else None)


def on_offer(codex: Codex | None, home: Path) -> Catalogue:
    """Return `offered` and `with_own` together, for the configuration as it is.

    Raises:
        RouterError: ``config.toml`` does not parse.
    """
    config = parse(read_text(config_file(home)), config_file(home))
    return with_own(offered(codex, home), config, codex.version if codex else None)


def check_arm(arm: Arm, catalogue: Catalogue) -> str | None:
    """Return what is wrong with an arm, None when it is on offer; Codex itself would send anything as it is (0.138)."""
    model = catalogue.model(arm.model)
    if model is None:
        return f"{arm.model} is not on offer ({catalogue.source})"
    if arm.effort and arm.effort not in model.efforts:
        return f"{arm.model} has no effort {arm.effort!r}; it takes {', '.join(model.efforts) or 'none'}"
    return None


def with_own(catalogue: Catalogue, config: dict[str, Any], version: Version | None) -> Catalogue:
    """Add the models that the user's configuration runs at one of its own ``[model_providers]``.

    Args:
        catalogue: what Codex offers.
        config: the parsed ``config.toml``.
        version: of Codex; before 0.145 an effort for a model outside Codex's list is dropped, so none is offered.
    """
    providers = config.get("model_providers")
    tables = [config, *_tables(config.get("profiles"))]
    known = {model.name for model in catalogue.models}
    own: dict[str, Model] = {}
    for table in tables:
        name, provider = table.get("model"), table.get("model_provider", config.get("model_provider"))
        theirs = isinstance(provider, str) and isinstance(providers, dict) and provider in providers
        if theirs and isinstance(name, str) and name not in known:
            efforts = ("low", "medium", "high") if version is None or version >= (0, 145, 0) else ()
            own[name] = Model(name, efforts, None, provider)
    return Catalogue((*catalogue.models, *own.values()), catalogue.source)


def restricted(catalogue: Catalogue, wanted: Iterable[str]) -> list[Arm]:
    """Return the arms that ``--models`` names: ``MODEL`` for all its efforts, ``MODEL:EFFORT`` for one.

    Raises:
        RouterError: a model or effort is not on offer.
    """
    arms: list[Arm] = []
    for word in wanted:
        name, effort = word, ""
        if catalogue.model(word) is None:  # names may hold a colon themselves (``vendor/model:free``)
            name, _, effort = word.rpartition(":") if ":" in word else (word, "", "")
        model = catalogue.model(name)
        if model is None:
            names = ", ".join(model.name for model in catalogue.models)
            raise RouterError(f"model {name!r} is not on offer ({catalogue.source})", hint=f"choose from: {names}")
        if effort and effort not in model.efforts:
            raise RouterError(
                f"model {name} has no effort {effort!r}",
                hint=f"choose from: {', '.join(model.efforts) or 'none at all'}",
            )
        arms += [Arm(name, level) for level in ((effort,) if effort else model.efforts or (None,))]
    return arms


def _ask(codex: Codex, home: Path, flags: list[str]) -> tuple[Model, ...]:
    argv = [codex.path, "debug", "models", *flags]
    environment = {**os.environ, "CODEX_HOME": str(home)}
    if not home.is_dir():  # Codex refuses a $CODEX_HOME that is not there; by default it makes its own
        environment["CODEX_HOME"] = tempfile.gettempdir()
    try:
        done = subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, env=environment, timeout=TIMEOUT_S, check=False
        )
        return _models(json.loads(done.stdout)["models"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _models(rows: list[dict[str, Any]]) -> tuple[Model, ...]:
    """Return the models that Codex lists (hidden ones are not for choosing)."""
    return tuple(
        Model(row["slug"], _efforts(row.get("supported_reasoning_levels")), row.get("default_reasoning_level"))
        for row in rows
        if row.get("visibility") == "list"
    )


def _efforts(levels: Any) -> tuple[str, ...]:
    names = {level["effort"] for level in levels or ()}
    return tuple(effort for effort in EFFORTS if effort in names)


def _shipped(version: Version | None) -> Catalogue:
    """Return the shipped list of the newest version that is not newer than `version`."""
    known = {parse_version(key): rows for key, rows in shipped_models().items()}
    fitting = [key for key in known if key is not None and (version is None or key <= version)]
    chosen = max(fitting) if fitting else min(key for key in known if key is not None)
    rows = known[chosen]
    name = ".".join(str(part) for part in chosen)
    return Catalogue(
        tuple(Model(model, tuple(efforts)) for model, efforts in rows.items()), f"the shipped list of Codex {name}"
    )


def _tables(value: Any) -> list[dict[str, Any]]:
    return [table for table in value.values() if isinstance(table, dict)] if isinstance(value, dict) else []
