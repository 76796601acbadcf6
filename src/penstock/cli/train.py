"""`penstock train`: recipes that train a model. Each has a module of its own that registers its verb here."""

from __future__ import annotations

import typer

from penstock.cli import train_align, train_hybrid, train_sater

app = typer.Typer(
    help="Train routers and models. Example: penstock train hybrid --help",
    no_args_is_help=True,
)

train_hybrid.register(app)
train_sater.register(app)
train_align.register(app)
