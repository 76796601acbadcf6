"""Bundles opened with everything they read with: text models and embedders.

An endpoint is asked only where the user names it; a bundle's own word opens none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import BundleError, InputError

if TYPE_CHECKING:
    from penstock.collection.embeddings import CachedEmbedder
    from penstock.estimators.embeddings import Embedder, OpenEmbedder
    from penstock.router.router import FittedRouter


def cache_path() -> Path:
    """Where vectors are kept: under ``$XDG_CACHE_HOME``, or ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "penstock" / "embeddings.sqlite"


def fitting_embedder(spec: str | None) -> CachedEmbedder | None:
    """What ``--embeddings`` names, behind the cache on disk."""
    if spec is None:
        return None
    from penstock.collection.embeddings import CachedEmbedder, parse_embedder

    return CachedEmbedder(parse_embedder(spec), cache_path())


def load_router(path: Path, embeddings: str | None = None, *, cached: bool = True) -> FittedRouter:
    """The router at ``path``, able to read prompts as it did when it was fitted.

    ``embeddings`` is what the user gave; without it no endpoint is opened. ``cached`` says whether vectors
    are kept on disk. Raises BundleError; InputError for ``embeddings`` where the router reads none.
    """
    from penstock.router.bundle import load_bundle
    from penstock.runtime.text_model import open_text_model

    loaded = load_bundle(path, open_model=open_text_model, open_embedder=_opener(embeddings, cached=cached))
    if embeddings is not None and not loaded.blocking:
        raise InputError("the router was fitted without embeddings", file=path, field="--embeddings")
    return loaded


def _opener(text: str | None, *, cached: bool) -> OpenEmbedder:
    from penstock.collection.embeddings import CachedEmbedder, open_embedder, parse_embedder, spec_text

    given = None if text is None else parse_embedder(text)

    def opened(spec: Mapping[str, Any]) -> Embedder:
        if given is None:
            found = open_embedder(spec)
        else:
            asked = given.spec()
            if any(asked[part] != spec[part] for part in ("kind", "model")):
                raise BundleError(
                    f"was fitted with the embeddings of {spec_text(spec)}, not of {spec_text(asked)}",
                    field="--embeddings",
                )
            found = given  # at the user's address: a model may have moved
        return CachedEmbedder(found, cache_path()) if cached else found

    return opened
