"""`penstock route`: what a router would do with a prompt, without calling anything."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import out, print_json
from penstock.cli._embeddings import RouterEmbeddings
from penstock.cli._targets import Budget, MinQuality, Savings, StrongShare, one_target
from penstock.collection.open_router import load_router
from penstock.errors import InputError

if TYPE_CHECKING:
    from penstock.router.describe import FirstStep
    from penstock.router.router import FittedRouter


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(route)


def route(
    router: Annotated[Path, typer.Argument(help="A router written by 'penstock fit'.")],
    prompt: Annotated[str, typer.Argument(help="The prompt; - reads it from standard input.")],
    budget: Budget = None,
    min_quality: MinQuality = None,
    savings: Savings = None,
    strong_share: StrongShare = None,
    task: Annotated[str | None, typer.Option(help="The task's name, for routers fitted with it.")] = None,
    query_id: Annotated[
        str | None, typer.Option("--id", help="The query's id, which fixes its draw; default: of the prompt.")
    ] = None,
    embeddings: RouterEmbeddings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show every candidate's estimates for a prompt, and which one would be asked first.

    Calls no candidate.

    Example: penstock route router.penstock "What is 17 times 23?"
    """
    from hashlib import blake2b

    from penstock.router.describe import first_step
    from penstock.types import Query

    target = one_target(budget, min_quality, savings, strong_share)
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise InputError("the prompt is empty", field="PROMPT")
    loaded = load_router(router, embeddings)
    identity = query_id or blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    decided = first_step(loaded, Query.from_prompt(identity, text, task=task), target)
    if as_json:
        print_json(_document(loaded, decided, str(target or loaded.target)))
    else:
        _print(loaded, decided, str(target or loaded.target))


def _document(router: FittedRouter, decided: FirstStep, target: str) -> dict[str, object]:
    return {
        "target": target,
        "call": decided.call,
        "policy": decided.policy.spec(),
        "draw": decided.draw,
        "ranking": decided.ranking,
        "cost_unit": str(router.cost_unit),
        "operating_point": {"cost": decided.point.cost, "quality": decided.point.quality},
        "chosen": router.provenance.get("chosen"),
    }


def _print(router: FittedRouter, decided: FirstStep, target: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    unit = router.cost_unit.label
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "candidate", "expected quality", f"expected {unit}", "score"):
        table.add_column(heading, justify="left" if heading in {"", "candidate"} else "right")
    for item in decided.ranking:
        first = item.name == decided.call
        table.add_row(
            "→" if first else "",
            f"[bold]{escape(item.name)}[/]" if first else escape(item.name),
            f"{item.quality:.3f}",
            f"{item.cost:.3g}",
            "–" if item.score is None else f"{item.score:.3f}",
        )
    out.print(table)
    out.print(f"Asked first: [bold]{escape(decided.call or 'nobody')}[/]")
    out.print(f"Policy for {target}: {escape(decided.policy.describe(router.candidates, unit))}")
    out.print(
        f"Over many queries like the fitting rows: {decided.point.cost:.4g} {unit} and quality "
        f"{decided.point.quality:.3f} per query"
    )
