"""``penstock collect``: ask every candidate for every query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import err, print_json, progress
from penstock.cli._help import listing
from penstock.cli._tables import facts_of, print_summary, read_mapping
from penstock.errors import CostCapReached, InputError, ProviderUnavailable

if TYPE_CHECKING:
    from penstock.candidates import Pool
    from penstock.collection.collect import Progress
    from penstock.outcomes.frames import pl
    from penstock.outcomes.journal import Journal
    from penstock.outcomes.scorers.base import Scorer
    from penstock.outcomes.table import OutcomeTable

JOURNAL = "journal.jsonl"


def register(app: typer.Typer) -> None:
    """Mounts the verb."""
    app.command(**listing())(collect)


def collect(
    queries: Annotated[Path, typer.Option(help="CSV, JSONL or Parquet of questions, or a table's folder.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for the table and the journal.")],
    pool: Annotated[Path, typer.Option(help="The candidates.")] = Path("penstock.yaml"),
    samples: Annotated[int, typer.Option(help="How often every candidate is asked each query.")] = 1,
    concurrency: Annotated[int, typer.Option(help="Calls in flight at once.")] = 32,
    cost_cap: Annotated[
        str | None, typer.Option(help="USD not to pass, earlier runs into the same folder included.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again what failed before.")
    ] = False,
    scorer: Annotated[str | None, typer.Option(help="Score the answers: {scorers}.")] = None,
    pattern: Annotated[str | None, typer.Option(help="For the scorer regex.")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="OURS=THEIRS: the file's name of a column; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Derives the seed sent with every request.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Ask every candidate of a pool for every query and write an outcome
    table.

    Every answer is journaled on arrival: after an interruption, the same
    command goes on where it stopped and asks nothing twice. Prices of the
    pool are written into the table.

    Example: penstock collect --pool penstock.yaml --queries questions.jsonl
    --out tables/mine --scorer numeric
    """
    from penstock.collection.collect import collect as ask_all
    from penstock.config.pool_file import load_pool
    from penstock.outcomes.imports import import_queries
    from penstock.outcomes.journal import Journal
    from penstock.outcomes.scorers.named import scorer_named
    from penstock.outcomes.to_matrix import queries_of

    chosen = None if scorer is None else scorer_named(scorer, pattern=pattern)
    cap = None if cost_cap is None else _usd(cost_cap)
    candidates = load_pool(pool)
    frame = import_queries(queries, mapping=read_mapping(mapping or []))
    if (out_dir / "outcomes.parquet").exists() and not (out_dir / JOURNAL).exists():
        hint = "name a new folder, or the folder of an earlier collection"
        raise InputError(
            "a table stands there that was not collected", file=out_dir, field="--out", hint=hint
        )
    with Journal(out_dir / JOURNAL) as journal:
        try:
            ask = partial(
                ask_all,
                queries_of(frame),
                candidates,
                samples=samples,
                concurrency=concurrency,
                cost_cap=cap,
                retry_failed=retry_failed,
                seed=seed,
            )
            reached = _run(ask, candidates, journal)
        except KeyboardInterrupt:
            err.print(f"Stopped; {len(journal.entries):,} outcomes are kept; the same command goes on.")
            raise
        except CostCapReached:
            if journal.entries:
                _write(frame, candidates, journal, samples=samples, scorer=chosen, out_dir=out_dir)
            raise
        if reached.failed == reached.total:
            error = [entry.answer.error for entry in journal.entries.values()][-1]
            raise ProviderUnavailable(f"every call failed, so there is no table; one said {error}")
        table = _write(frame, candidates, journal, samples=samples, scorer=chosen, out_dir=out_dir)
    if as_json:
        print_json({**facts_of(table), "reused": reached.reused, "spent_usd": reached.spent_usd})
        return
    print_summary(table, out_dir)
    if reached.failed:
        err.print(f"{reached.failed:,} calls failed: the same command with --retry-failed asks them again.")


def _run(ask: Callable[..., Awaitable[Progress]], pool: Pool, journal: Journal) -> Progress:
    with progress() as display:
        task = display.add_task("collecting", total=None)

        def show(now: Progress) -> None:
            told = f"collecting (${now.spent_usd:.4f}{f', {now.failed} failed' if now.failed else ''})"
            display.update(task, total=now.total, completed=now.done, description=told)

        return asyncio.run(_asked(partial(ask, journal=journal, progress=show), pool))


async def _asked(ask: Callable[..., Awaitable[Progress]], pool: Pool) -> Progress:
    """Builds the providers, asks, and releases the providers whatever happens."""
    from penstock.providers.make import make_provider

    async with AsyncExitStack() as stack:
        providers = {}
        for candidate in pool:
            providers[candidate.name] = make_provider(candidate)
            stack.push_async_callback(providers[candidate.name].aclose)
        return await ask(providers=providers)


def _write(
    frame: pl.DataFrame,
    pool: Pool,
    journal: Journal,
    *,
    samples: int,
    scorer: Scorer | None,
    out_dir: Path,
) -> OutcomeTable:
    """Writes the table; scores made earlier are kept, new answers are scored where a scorer was named."""
    from penstock.collection.tables import collected_table, with_earlier_scores
    from penstock.outcomes.io import read_table, write_table
    from penstock.outcomes.scoring import score_table

    table = collected_table(out_dir.resolve().name, frame, pool, journal, samples=samples)
    if scorer is not None:
        table = score_table(table, scorer)
    elif (out_dir / "outcomes.parquet").exists():
        table = with_earlier_scores(table, read_table(out_dir, allow_unscored=True))
    write_table(table, out_dir)
    return table


def _usd(text: str) -> Decimal:
    try:
        return Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise InputError(f"{text!r} is not an amount of USD", field="--cost-cap") from None
