"""What an experiment is given and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """``tables``: the folder of outcome tables; ``seeds`` splits and noises; ``rows``: read only so many
    queries (None: all); ``fine``: the whole grid; ``routerbench``: the published file, where there is one;
    ``embeddings``: a model as ``penstock fit --embeddings`` takes it; ``only``: the tables of ``estimators``,
    ``embeddings`` and ``reading`` (none: all)."""

    tables: Path
    seeds: int = 5
    rows: int | None = None
    fine: bool = False
    routerbench: Path | None = None
    embeddings: str | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Something that was to hold. ``required`` claims decide the exit status."""

    text: str
    holds: bool
    required: bool = True


@dataclass(frozen=True)
class Result:
    """``body``: Markdown; ``figures``: SVG by file name; ``claims`` in the order they are printed."""

    title: str
    body: str
    claims: tuple[Claim, ...] = ()
    figures: dict[str, str] = field(default_factory=dict)
