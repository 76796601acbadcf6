"""``penstock score``: grade the answers of an outcome table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._console import print_json
from penstock.cli._help import listing
from penstock.cli._metrics import asks_a_model, score_with_model
from penstock.cli._tables import check_free, facts_of, print_summary

if TYPE_CHECKING:
    pass

BY_A_MODEL = "bartscore[:CHECKPOINT], likelihood[:EMBEDDED] or judge:CANDIDATE (of --pool)"


def register(app: typer.Typer) -> None:
    """Mounts the verb."""
    app.command(**listing())(score)


def score(
    table: Annotated[Path, typer.Argument(help="Folder of an outcome table.")],
    scorer: Annotated[
        str,
        typer.Option(
            help=f"How answers are compared with references: {{scorers}}; by a model: {BY_A_MODEL}."
        ),
    ],
    pattern: Annotated[
        str | None, typer.Option(help="For regex: where the final answer stands (its first group).")
    ] = None,
    pool: Annotated[Path | None, typer.Option(help="For judge: the pool file with the judge.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Write a new table there instead of replacing this one.")
    ] = None,
    only_unscored: Annotated[
        bool, typer.Option("--only-unscored", help="Leave rows that have a quality as they are.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that stands at --out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Set quality and final answer of every answered row by comparing its
    response with the query's reference.

    An answer in which nothing can be read scores 0; refused and failed rows
    are left alone. The table is replaced only when the new one is on the
    disk.

    Example: penstock score tables/mine --scorer numeric
    """
    from penstock.outcomes.io import read_table, write_table
    from penstock.outcomes.scorers.named import scorer_named
    from penstock.outcomes.scoring import score_table

    chosen = None if asks_a_model(scorer) else scorer_named(scorer, pattern=pattern)
    if out_dir is not None:
        check_free(out_dir, flag="--out", overwrite=overwrite)
    given = read_table(table, allow_unscored=True)
    if chosen is None:
        scored = score_with_model(given, scorer, pool=pool, only_unscored=only_unscored)
    else:
        scored = score_table(given, chosen, only_unscored=only_unscored)
    target = table if out_dir is None else out_dir
    write_table(scored, target)
    if as_json:
        print_json(facts_of(scored))
    else:
        print_summary(scored, target)
