"""``--embeddings``: what embeds prompts, and leave to ask it again once a router was fitted with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.errors import InputError

if TYPE_CHECKING:
    pass

SPEC = "sentence-transformers:MODEL, fastembed:MODEL or MODEL@https://host/v1"

FitEmbeddings = Annotated[
    str | None,
    typer.Option(
        "--embeddings",
        help=f"Add embeddings of the prompts to the features: {SPEC}.",
        show_default=False,
    ),
]
RouterEmbeddings = Annotated[
    str | None,
    typer.Option(
        "--embeddings",
        help="As given to fit: without it, nothing is ever sent to an address a router names.",
        show_default=False,
    ),
]


def require_embeddings(compare: str, embeddings: str | None) -> None:
    """InputError where answers are to be compared by meaning and no model is named: told before a table is
    read."""
    if compare == "meaning" and embeddings is None:
        raise InputError(
            "comparing answers by meaning takes an embedding model",
            field="--compare",
            hint=f"Name it with --embeddings {SPEC}",
        )
