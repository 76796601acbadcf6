"""``penstock explain``: who answered a served request, why, and at what cost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.serve import DEFAULT_LOG
from penstock.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from penstock.storage.base import Decision

LAST = "last"


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command("explain")(explain)


def explain(
    decision_id: Annotated[
        str, typer.Argument(metavar="ID", help=f"The x-penstock-decision-id of a response, or '{LAST}'.")
    ],
    log: Annotated[
        Path, typer.Option(help="The decision log the gateway writes.", envvar="PENSTOCK_LOG")
    ] = DEFAULT_LOG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was expected of every candidate on a served request, who ran and who answered.

    Example: [bold]penstock explain last --log penstock-decisions.sqlite[/bold]
    """
    from penstock.cli._console import out, print_json
    from penstock.storage.documents import to_document

    decision = asyncio.run(_find(decision_id, log))
    if json:
        print_json(to_document(decision))
        return
    out.print(_summary(decision), markup=False)
    if decision.ranking:
        out.print(_ranking(decision))
    out.print(_runs(decision))


async def _find(decision_id: str, path: Path) -> Decision:
    from penstock.storage.sql import SqlDecisionLog

    log = SqlDecisionLog.open(path, must_exist=True)
    try:
        if decision_id != LAST:
            found = await log.get(decision_id)
        else:
            found = next(iter(await log.recent(1)), None)
    finally:
        await log.aclose()
    if found is None:
        raise InputError(
            f"there is no decision {decision_id!r}",
            file=path,
            hint=f"'penstock explain {LAST}' shows the latest",
        )
    return found


def _summary(decision: Decision) -> str:
    from penstock.storage.documents import money_text

    why = f"target {decision.target}" if decision.target else "named by the caller"
    cost = "unknown" if decision.cost_usd is None else f"{money_text(decision.cost_usd)} USD"
    lines = [
        f"{decision.id}   {decision.time:%Y-%m-%d %H:%M:%S %Z}   asked for {decision.asked}",
        f"answered by {decision.accepted or 'nobody'} ({decision.status.value}), {why}",
        f"cost {cost}, overhead {decision.overhead_ms:.2f} ms, query {decision.query_hash}",
    ]
    if decision.policy is not None:
        lines.append("policy " + ", ".join(f"{name}={value}" for name, value in decision.policy.items()))
    if decision.query_text is not None:
        lines.append(f"text {decision.query_text!r}")
    return "\n".join(lines)


def _ranking(decision: Decision) -> Table:
    from rich.table import Table

    table = Table(title="expected before anything was called", title_justify="left", title_style="dim")
    for heading in ("candidate", "quality", "cost USD", "eligible", ""):
        table.add_column(heading, justify="right" if heading in ("quality", "cost USD") else "left")
    for ranked in sorted(decision.ranking, key=lambda r: -(r.quality or 0.0)):
        called = [run.candidate for run in decision.runs]
        part = (
            "answered"
            if ranked.candidate == decision.accepted
            else "ran"
            if ranked.candidate in called
            else ""
        )
        table.add_row(
            ranked.candidate,
            "-" if ranked.quality is None else f"{ranked.quality:.4f}",
            "-" if ranked.cost_usd is None else f"{ranked.cost_usd:.3g}",
            "yes" if ranked.eligible else "no",
            part,
        )
    return table


def _runs(decision: Decision) -> Table:
    from rich.table import Table

    from penstock.storage.documents import money_text

    table = Table(title="called, in order", title_justify="left", title_style="dim")
    for heading in ("candidate", "status", "quality after", "cost USD", "tokens in/out", "seconds", "error"):
        table.add_column(heading, overflow="fold")
    for run in decision.runs:
        table.add_row(
            run.candidate,
            run.status.value,
            "-" if run.quality is None else f"{run.quality:.4f}",
            money_text(run.cost_usd) or "-",
            f"{run.input_tokens}/{run.output_tokens}",
            "-" if run.latency_s is None else f"{run.latency_s:.2f}",
            run.error or "",
        )
    return table
