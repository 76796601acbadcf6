"""The command line: one file per verb."""

from penstock.cli.app import build_app, main

__all__ = ["build_app", "main"]
