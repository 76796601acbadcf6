"""``penstock data``: import tables from other formats, split them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penstock.cli._console import out, print_json
from penstock.cli._tables import check_free, facts_of, print_summary, read_mapping
from penstock.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Import outcome tables from other formats, and split them.")

_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a table that stands there.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(program: typer.Typer) -> None:
    """Mounts the verb."""
    program.add_typer(app, name="data")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, JSONL, Parquet, or RouterBench's wide table.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder to write the table into.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="OURS=THEIRS: the file's name of a column; repeatable.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="Price list (CSV, JSON, YAML or LiteLLM's) for rows without a cost.")
    ] = None,
    overwrite: _Overwrite = False,
    as_json: _Json = False,
) -> None:
    """Make an outcome table of a file with one row per query and model.

    Usual column names are recognised (query, ground_truth, model_name,
    performance, prompt_tokens, ...); name others with --map. RouterBench's
    published table (CSV, Parquet or its .pkl) is recognised by itself; a
    pickle is read without running anything in it.

    Example: penstock data import answers.csv --out tables/mine --map
    prompt=question --map quality=grade
    """
    from penstock.outcomes.imports import import_table
    from penstock.outcomes.io import write_table

    check_free(out_dir, flag="--out", overwrite=overwrite)
    table = import_table(file, mapping=read_mapping(mapping or []), prices=prices)
    write_table(table, out_dir)
    if as_json:
        print_json(facts_of(table))
    else:
        print_summary(table, out_dir)


@app.command()
def split(
    table: Annotated[Path, typer.Argument(help="Folder of an outcome table.")],
    out_fit: Annotated[Path, typer.Option(help="Folder for the fitting part.")],
    out_test: Annotated[Path, typer.Option(help="Folder for the test part.")],
    fraction: Annotated[float, typer.Option(help="Share of the fitting part.")] = 0.7,
    seed: Annotated[int, typer.Option(help="Another seed, another split.")] = 0,
    task_out: Annotated[bool, typer.Option("--task-out", help="Put whole tasks on the test side.")] = False,
    overwrite: _Overwrite = False,
    as_json: _Json = False,
) -> None:
    """Split a table in two that share no question.

    Copies, turns and prompt variants of one question stay together. The
    same seed always gives the same split.

    Example: penstock data split tables/mine --out-fit tables/fit --out-test
    tables/test --fraction 0.7 --seed 0
    """
    from penstock.outcomes.io import read_table, write_table
    from penstock.outcomes.splits import split_by_group, split_by_task
    from penstock.outcomes.to_matrix import queries_of

    if out_fit.resolve() == out_test.resolve():
        raise InputError("both parts would be written to the same folder", field="--out-test")
    for flag, folder in (("--out-fit", out_fit), ("--out-test", out_test)):
        if folder.resolve() == table.resolve():
            raise InputError("the table itself would be overwritten", file=folder, field=flag)
        check_free(folder, flag=flag, overwrite=overwrite)
    whole = read_table(table, allow_unscored=True)
    queries = queries_of(whole.queries)
    rows = (split_by_task if task_out else split_by_group)(queries, fraction, seed)
    parts = [
        whole.of_queries([queries[i].id for i in index], name=folder.name)
        for index, folder in zip(rows, (out_fit, out_test), strict=True)
    ]
    for part, folder in zip(parts, (out_fit, out_test), strict=True):
        if part.outcomes.is_empty():
            raise InputError("the part has queries but no outcomes", file=folder, hint="use another seed")
    for part, folder in zip(parts, (out_fit, out_test), strict=True):
        write_table(part, folder)
    if as_json:
        print_json(
            {"fit": facts_of(parts[0]), "test": facts_of(parts[1]), "seed": seed, "task_out": task_out}
        )
        return
    for name, part, folder in zip(("fit", "test"), parts, (out_fit, out_test), strict=True):
        tasks = part.queries["task"].n_unique()
        out.print(
            f"{name}: {part.queries.height:,} queries of {tasks} task(s) in {folder}",
            soft_wrap=True,
            markup=False,
        )
