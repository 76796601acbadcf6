"""``penstock explain``: who answered a served request, why, and at what cost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.serve import DEFAULT_LOG
from penstock.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.table import Table

    from penstock.policies.base import Policy
    from penstock.storage.base import Decision, Ranked

LAST = "last"


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command("explain")(explain)


def explain(
    decision_id: Annotated[
        str, typer.Argument(metavar="ID", help=f"The x-penstock-decision-id of a response, or '{LAST}'.")
    ],
    log: Annotated[
        str, typer.Option(help="The decision log the gateway writes.", envvar="PENSTOCK_LOG")
    ] = DEFAULT_LOG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was expected of every candidate on a served request, who ran and who answered.

    Example: [bold]penstock explain last --log penstock-decisions.sqlite[/bold]
    """
    from penstock.cli._console import print_json
    from penstock.storage.documents import to_document

    decision = asyncio.run(_find(decision_id, log))
    if json:
        print_json(to_document(decision))
    else:
        _print(decision)


async def _find(decision_id: str, path: str) -> Decision:
    from penstock.storage.opening import open_log

    log = open_log(path, must_exist=True)
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


def _print(decision: Decision) -> None:
    from penstock.cli._console import out

    when = f"{decision.time:%Y-%m-%d %H:%M:%S %Z}"
    out.print(f"{decision.id}   {when}   asked for {_plain(decision.asked)}", markup=False, soft_wrap=True)
    if decision.query_text is not None:
        out.print(f"Query: {_plain(decision.query_text)}", markup=False, soft_wrap=True)
    branch = _branch(decision)
    if decision.ranking:
        out.print()
        out.print(_ranking(decision, branch))
    if decision.runs:
        out.print("\nCalled, in order:")
        out.print(_runs(decision))
    for run in decision.runs:
        if run.error:
            out.print(f"  {_plain(run.error)}", markup=False, soft_wrap=True)
    out.print(
        f"\nAnswered by: {decision.accepted or 'nobody'} ({decision.status.value})",
        markup=False,
        soft_wrap=True,
    )
    if branch is not None:
        names = [ranked.candidate for ranked in decision.ranking]
        said = branch.describe(names, _unit(decision)) if names else str(branch.spec()["kind"])
        asked = "" if decision.target is None else f" for {decision.target}"
        out.print(f"Policy{asked}: {said}", markup=False, soft_wrap=True)
    cost = "unknown" if decision.cost_usd is None else f"{_usd(decision.cost_usd)} USD"
    out.print(f"Cost: {cost}   overhead: {decision.overhead_ms:.2f} ms")


def _unit(decision: Decision) -> str:
    """What the expected costs are in."""
    from penstock.outcomes.cost_unit import CostUnit

    return CostUnit.parse(decision.ranking[0].unit).label


def _branch(decision: Decision) -> Policy | None:
    """The policy in force: of a mixture the branch that the query's draw took."""
    from penstock.policies.base import policy_from
    from penstock.router.format1 import policy_spec

    if decision.policy is None:
        return None
    policy = policy_from(policy_spec(decision.policy))
    return policy if decision.draw is None else policy.branch(decision.draw)


def _ranking(decision: Decision, branch: Policy | None) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from penstock.policies.routing import Routing

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "candidate", "expected quality", f"expected {_unit(decision)}", "score"):
        table.add_column(heading, justify="left" if heading in {"", "candidate"} else "right")
    lam = branch.lam if isinstance(branch, Routing) else None
    scored = [(_score(ranked, lam), ranked) for ranked in decision.ranking]
    for score, ranked in sorted(scored, key=lambda item: (not item[1].eligible, -(item[0] or 0.0))):
        taken = ranked.candidate == decision.accepted
        name = escape(ranked.candidate) + ("" if ranked.eligible else " [dim](not eligible)[/]")
        table.add_row(
            "→" if taken else "",
            f"[bold]{name}[/]" if taken else name,
            _number(ranked.quality, ".3f"),
            _number(ranked.cost, ".3g"),
            "–" if lam is None else _number(score, ".3f"),
        )
    return table


def _score(ranked: Ranked, lam: float | None) -> float | None:
    if ranked.quality is None or ranked.cost is None:
        return None
    return ranked.quality - (lam or 0.0) * ranked.cost


def _runs(decision: Decision) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("candidate", "status", "quality now", "USD", "tokens in", "out", "seconds"):
        table.add_column(heading, justify="left" if heading in {"candidate", "status"} else "right")
    for run in decision.runs:
        table.add_row(
            Text(run.candidate),
            run.status.value,
            _number(run.quality, ".3f"),
            "–" if run.cost_usd is None else _usd(run.cost_usd),
            str(run.input_tokens),
            str(run.output_tokens),
            _number(run.latency_s, ".2f"),
        )
    return table


def _plain(text: str) -> str:
    """Texts come from callers and providers: nothing in them may steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _usd(amount: Decimal) -> str:
    """For people: four digits; ``--json`` has all of them."""
    return f"{float(amount):.4g}"


def _number(value: float | None, style: str) -> str:
    return "–" if value is None else format(value, style)
