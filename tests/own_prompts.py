"""The prompts in ``tests/data``, written for testing the classifier."""

from pathlib import Path

DATA = Path(__file__).parent / "data"


def own_prompts(name: str) -> list[tuple[str, str]]:
    """Return (category, prompt) of a file: ``== category`` heads a section, one prompt a line."""
    rows, category = [], ""
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            category = line[3:]
        elif line and not line.startswith("#"):
            rows.append((category, line))
    return rows
