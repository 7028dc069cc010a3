"""Spending and waste, for people, as JSON and as CSV."""

from __future__ import annotations

import csv
from dataclasses import fields
from typing import IO, TYPE_CHECKING, Any

from codex_router.show.narrow import fitted
from codex_router.show.table import counted, money, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from codex_router.evidence.usage import Line, Spend
    from codex_router.evidence.waste import Finding, Share

EMPTY = {"effort": "default", "tier": "not routed", "plan": "metered", "branch": "no branch"}
"""What an empty value of a column means."""
LISTED = 40
LONGEST = 120
"""Characters of a name that are worth reading; the end of a path tells most."""
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
"""How a formula begins in a spreadsheet, also in East Asian ones."""
LEAST = (">output", ">turns", ">cached", ">input", ">list $ on plan", ">per task")
"""What a narrow terminal can do without, the first one first."""


def named(column: str, value: str) -> str:
    """Return a value of a column for people; control characters are escaped, and a text without end is cut."""
    shown = value or EMPTY.get(column, "unknown")
    if len(shown) > LONGEST:
        shown = f"{shown[: LONGEST // 3]}…{shown[-LONGEST // 2 :]}"
    return _printable(shown)


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def cost_words(spend: Spend) -> str:
    """Return an amount; with a ``+`` where responses without a known price come on top."""
    if spend.responses and spend.unpriced == spend.responses:
        return "unknown"
    return money(spend.cost_usd) + ("+" if spend.unpriced else "")


def per_task_words(spend: Spend) -> str:
    """Return the mean cost of a task; with a ``+`` where responses without a known price come on top."""
    if not spend.tasks or spend.unpriced == spend.responses:
        return "-"
    return money(spend.cost_usd / spend.tasks) + ("+" if spend.unpriced else "")


def tokens_words(count: int) -> str:
    """Return a count as ``1.5G``, ``12.3M`` or ``840k``."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return str(count)


def percent_words(share: float | None) -> str:
    """Return a share as ``62 %``."""
    return "-" if share is None else f"{share:.0%}"


def spend_table(by: Sequence[str], lines: Sequence[Line], total: Spend, width: int) -> Table:
    """Return the answer to `usage` for a terminal of so many columns; the last row is the sum.

    Of many days the newest are listed, of many others the dearest.
    """
    from codex_router.evidence.usage import TIMES, total_of

    columns = (*by, ">tasks", ">turns", ">input", ">cached", ">output", ">cost", ">per task", ">list $ on plan")
    in_time = bool(by) and by[0] in TIMES
    listed, rest = (lines[-LISTED:], lines[:-LISTED]) if in_time else (lines[:LISTED], lines[LISTED:])
    rows = [_cells(line.spend, [named(*pair) for pair in zip(by, line.key, strict=True)]) for line in listed]
    if rest:
        word = "earlier" if in_time else "more"
        others = _cells(total_of(rest), [f"{len(rest)} {word}", *[""] * (len(by) - 1)])
        rows.insert(0 if in_time else len(rows), others)
    rows.append(_cells(total, ["all", *[""] * (len(by) - 1)] if by else []))
    kept, cells = fitted(columns, rows, LEAST, width)
    return table(kept, cells)


def _cells(spend: Spend, key: list[str]) -> list[str]:
    return [
        *key,
        f"{spend.tasks:,}",
        f"{spend.responses:,}",
        tokens_words(spend.input_tokens),
        percent_words(spend.cached_input_tokens / spend.input_tokens if spend.input_tokens else None),
        tokens_words(spend.output_tokens),
        cost_words(spend),
        per_task_words(spend),
        money(spend.plan_usd) if spend.plan_usd else "-",
    ]


def plan_words(total: Spend) -> str | None:
    """Return what a ChatGPT plan's windows say, beside list prices."""
    if not (total.plan_usd or total.window_5h_peak or total.window_week_peak):
        return None
    return (
        f"ChatGPT plan: {money(total.plan_usd)} at list prices, which the plan paid; at most "
        f"{total.window_5h_peak:.0f} % of a 5-hour window and {total.window_week_peak:.0f} % of a week were used; "
        f"metered: {money(total.metered_usd)}"
    )


def unpriced_words(total: Spend) -> str | None:
    """Return how much has no known price."""
    if not total.unpriced:
        return None
    return (
        f"{total.unpriced:,} of {total.responses:,} responses have no known price and are in no amount; "
        "name it in prices.toml (see docs/reference/ledger.md)"
    )


def shares_table(shares: Sequence[Share]) -> Table:
    """Return what each kind of token cost."""
    return table(
        ("what was paid for", ">cost", ">share"), [(one.name, money(one.usd), f"{one.share:.0%}") for one in shares]
    )


def findings_table(findings: Sequence[Finding], total: Spend) -> Table:
    """Return what could have been saved, dearest first."""
    rows = [
        (
            ("about " if one.guess else "") + money(one.usd),
            f"{one.usd / total.cost_usd:.0%}" if total.cost_usd else "-",
            f"{one.title} ({counted(one.times, one.unit)})",
            one.advice,
        )
        for one in findings
    ]
    return table((">lost", ">share", "how", "what to do"), rows)


def spend_json(spend: Spend) -> dict[str, Any]:
    """Return sums as JSON; ``cost_usd`` is null when no price is known."""
    known = spend.unpriced < spend.responses or not spend.responses
    return {
        **{field.name: getattr(spend, field.name) for field in fields(spend)},
        "cost_usd": spend.cost_usd if known else None,
        "price_known": spend.unpriced == 0,
        "metered_usd": spend.metered_usd if known else None,
        "cache_hit_rate": spend.cache_hit_rate,
    }


def lines_json(by: Sequence[str], lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the rows of an answer as JSON."""
    return [{**dict(zip(by, line.key, strict=True)), **spend_json(line.spend)} for line in lines]


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return what could have been saved as JSON; guesses are flagged."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "lost_usd": one.usd,
            "count": one.times,
            "unit": one.unit,
            "advice": one.advice,
            "guess": one.guess,
        }
        for one in findings
    ]


def write_csv(stream: IO[str], by: Sequence[str], lines: Sequence[Line]) -> None:
    """Write the rows of an answer as CSV; cells that a spreadsheet would take for a formula are quoted with '."""
    from codex_router.evidence.usage import total_of

    rows = lines_json(by, lines)
    names = [*by, *spend_json(total_of([]))]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _safe(value) for name, value in row.items()})


def _safe(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _printable(value)
    return f"'{text}" if text.lstrip()[:1] in FORMULA and text else text
