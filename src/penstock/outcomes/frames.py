"""Polars, or the one error that says how to get it: data frames are an extra, arrays are not."""

from __future__ import annotations

from penstock.errors import MissingExtra

try:
    import polars as pl
except ImportError as error:
    raise MissingExtra("fit", "reading and writing outcome tables") from error

__all__ = ["pl"]
