"""What the verbs that write outcome tables share: where to write, and the summary they print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli._console import out
from penstock.errors import InputError

if TYPE_CHECKING:
    from penstock.outcomes.table import OutcomeTable


def check_free(folder: Path, *, flag: str, overwrite: bool) -> None:
    """Raises ``InputError`` where a table stands in ``folder`` already, unless it may be overwritten."""
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        hint = "name another folder, or add --overwrite"
        raise InputError("something stands there already", file=folder, field=flag, hint=hint)


def read_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """``["prompt=question"]`` as a mapping. Raises ``InputError``."""
    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise InputError(
                f"{pair!r} is not of the form OURS=THEIRS", field="--map", hint="--map prompt=question"
            )
        mapping[ours] = theirs
    return mapping


def facts_of(table: OutcomeTable) -> dict[str, Any]:
    """What a table holds, as plain JSON."""
    from penstock.outcomes.summary import summary

    return summary(table)


def print_summary(table: OutcomeTable, folder: Path) -> None:
    """The same for people."""
    from rich.markup import escape
    from rich.table import Table

    facts = facts_of(table)
    out.print(
        f"[bold]{escape(str(folder))}[/bold]: {facts['queries']:,} queries, {facts['outcomes']:,} outcomes",
        soft_wrap=True,
    )
    grid = Table(box=None, pad_edge=False)
    grid.add_column("model", overflow="fold")
    for name in ("outcomes", "refused", "failed", "mean quality", "mean cost USD"):
        grid.add_column(name, justify="right")
    for row in facts["models"]:
        numbers = [f"{row[name]:,}" for name in ("outcomes", "refused", "failed")]
        means = [_number(row["mean_quality"], ".3f"), _number(row["mean_cost_usd"], ".3g")]
        grid.add_row(escape(row["model"]), *numbers, *means)
    out.print(grid)
    if facts["estimated_cost"]:
        out.print(
            "Costs are estimates: no output tokens are known, so input tokens alone are priced.",
            soft_wrap=True,
        )
    if facts["unscored"]:
        out.print(
            f"{facts['unscored']:,} answers have no quality yet: run [bold]penstock score[/bold].",
            soft_wrap=True,
        )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
