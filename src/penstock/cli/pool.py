"""``penstock pool check``: is this pool file right, and what does it say?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.candidates import Candidate, Pool

if TYPE_CHECKING:
    from rich.table import Table


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    pool = typer.Typer(no_args_is_help=True, help="Look at pools of candidates.")
    pool.command("check")(check)
    app.add_typer(pool, name="pool")


def check(
    file: Annotated[
        Path, typer.Argument(help="penstock.yaml, or a LiteLLM configuration with a model_list.")
    ],
    prices: Annotated[
        Path | None, typer.Option(help="A price map in LiteLLM's JSON format; counts before the file's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Validate a pool file and show its candidates. Keys are never shown, only whether they are set.

    Example: [bold]penstock pool check penstock.yaml --prices prices.json[/bold]
    """
    from penstock.cli._console import err, out, print_json
    from penstock.config.pool_file import load_pool
    from penstock.config.stated_policy import static_router

    pool = load_pool(file, prices=prices)
    stated = static_router(file, pool)
    spec = None if stated is None else dict(stated.policy.spec())
    if json:
        found = [describe(candidate) for candidate in pool]
        print_json({"file": file, "candidates": found, "policy": spec})
        return
    out.print(_table(pool))
    if stated is not None:
        out.print(f"policy: {stated.policy.describe(pool.names)}", markup=False, soft_wrap=True)
    for candidate in pool:
        if _key(candidate) == "no":
            err.print(f"{candidate.name}: set {_variable(candidate)} before serving", style="yellow")
    unpriced = [c.name for c in pool if c.price is None and c.provider == "openai_compatible"]
    if unpriced:
        err.print(f"no price, so cost will be unknown: {', '.join(unpriced)}", style="yellow")


def describe(candidate: Candidate) -> dict[str, Any]:
    """A candidate without its secrets."""
    price = candidate.price
    return {
        "name": candidate.name,
        "provider": candidate.provider,
        "model": candidate.model,
        "base_url": candidate.options.get("base_url"),
        "price": None
        if price is None
        else {
            "input": price.input,
            "output": price.output,
            "cached_input": price.cached_input,
            "request": price.request,
        },
        "called": called(candidate),
        "context_window": candidate.context_window,
        "tools": candidate.tools,
        "vision": candidate.vision,
        "json_schema": candidate.json_schema,
        "key": {"yes": True, "no": False}.get(_key(candidate)),
        "key_variable": _variable(candidate),
    }


def called(candidate: Candidate) -> str | None:
    """How a candidate is called, where that is not one plain generation."""
    at, vote = candidate.confidence, candidate.vote
    if vote is None:
        said = [] if at is None else [f"at confidence {at.threshold}"]
        said += [] if candidate.judge is None else [f"rated by {candidate.judge.name}"]
        return ", ".join(said) or None
    samples = f"{vote.samples} samples, {vote.weights}"
    if at is not None and at.threshold is not None:
        samples += f" at confidence {at.threshold}"
    if vote.certainty is not None:
        samples += f", until {vote.certainty:.0%} certain"
    return samples if vote.accept is None else f"{samples}, accept {vote.accept}"


def _table(pool: Pool) -> Table:
    """One row per candidate; columns that would be empty are left out."""
    from rich import box
    from rich.table import Table

    rows = [_row(candidate) for candidate in pool]
    shown = [heading for heading in rows[0] if any(row[heading] != "-" for row in rows)]
    caption = "prices in USD per million tokens" if "input" in shown else None
    table = Table(caption=caption, caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in shown:
        name = heading in ("name", "model", "called")
        right = heading in ("input", "output", "cached", "context")
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=not name,
            overflow="fold" if name else "ellipsis",
        )
    for row in rows:
        table.add_row(*(row[heading] for heading in shown))
    return table


def _row(candidate: Candidate) -> dict[str, str]:
    price, window = candidate.price, candidate.context_window
    amounts = (None, None, None) if price is None else (price.input, price.output, price.cached_input)
    row = {"name": candidate.name, "provider": candidate.provider, "model": candidate.model}
    for heading, amount in zip(("input", "output", "cached"), amounts, strict=True):
        row[heading] = "-" if amount is None else f"{amount:f}"
    row["called"] = called(candidate) or "-"
    row["context"] = "-" if window is None else f"{window:,}"
    row["can"] = ", ".join(c for c in ("tools", "vision", "json_schema") if getattr(candidate, c)) or "-"
    row["key set"] = _key(candidate)
    return row


def _key(candidate: Candidate) -> str:
    secret = candidate.options.get("api_key")
    return "-" if secret is None else "yes" if secret.is_set(os.environ) else "no"


def _variable(candidate: Candidate) -> str | None:
    secret = candidate.options.get("api_key")
    return None if secret is None else secret.env
