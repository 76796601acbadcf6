"""``penstock plugins``: everything that can be named, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from penstock import registry


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command("plugins")(plugins)


def plugins(
    own: Annotated[
        bool, typer.Option("--all/--foreign", help="What is built in too, or only what other packages add.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List policies, estimators, comparisons, providers, stores and scorers by name, with the package each
    comes from.

    Other packages add theirs through the entry-point group penstock.plugins (docs/extending.md).

    Example: [bold]penstock plugins --foreign[/bold]
    """
    from penstock import registry
    from penstock.cli._console import print_json

    entries = [
        item
        for room in registry.Room
        if not room.value.startswith("fitted_")
        for item in registry.registered(room).values()
        if own or item.distribution != registry.OWN
    ]
    loaded = registry.plugins()
    if as_json:
        fields = ("room", "name", "distribution", "version", "summary")
        print_json(
            {
                "registered": [{field: getattr(item, field) for field in fields} for item in entries],
                "entry_points": loaded,
            }
        )
        return
    _print(entries, [p for p in loaded if p.error is not None])


def _print(entries: list[registry.Registered], broken: list[registry.Plugin]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from penstock.cli._console import err, out

    if not entries:
        out.print("No other package adds anything.")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "name", "from", ""):
        table.add_column(heading, no_wrap=heading == "name", overflow="fold")
    room = None
    for item in entries:
        first = "" if item.room is room else item.room.value.replace("post_hoc", "post-hoc")
        room = item.room
        source = f"{item.distribution} {item.version}".strip()
        table.add_row(f"[bold]{first}[/]", escape(item.name), escape(source), escape(item.summary))
    if entries:
        out.print(table)
    for plugin in broken:
        err.print(
            f"{plugin.name} of {plugin.distribution} cannot be loaded: {plugin.error}",
            style="yellow",
            soft_wrap=True,
        )
