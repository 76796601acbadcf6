"""Embedders: a local model or an OpenAI-compatible endpoint, behind a cache on disk.

All of them are ``estimators.embeddings.Embedder``. A text is embedded once: vectors are kept in a SQLite file
by a hash of the embedder's settings and the text, so fitting again costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import aiohttp
import numpy as np

from penstock.errors import (
    BundleError,
    InputError,
    MissingExtra,
    PoolError,
    ProviderError,
    ProviderUnavailable,
)
from penstock.estimators.embeddings import Embedder
from penstock.providers import _errors
from penstock.providers.endpoint import check_url
from penstock.types import FloatArray

KEY_VARIABLE = "PENSTOCK_EMBEDDINGS_KEY"
"""Where an endpoint's key is read from; never from a bundle, which could name any variable."""
KINDS = ("sentence-transformers", "fastembed")
_BATCH = 64
_RETRIES = 3


def parse_embedder(text: str) -> Embedder:
    """From ``--embeddings``: ``sentence-transformers:MODEL``, ``fastembed:MODEL`` or ``MODEL@https://host/v1``.

    Raises InputError for anything else.
    """
    kind, colon, model = text.partition(":")
    if colon and kind in KINDS and model:
        return LocalEmbedder(kind, model)
    endpoint = re.fullmatch(r"((?:(?!//).)+?)@(https?://\S+)", text)
    if endpoint is not None:
        return EndpointEmbedder(endpoint[1], endpoint[2])
    # an address may hold what nobody should read
    shown = "an address without a model" if "//" in text else repr(text)
    raise InputError(
        f"cannot read {shown}",
        field="--embeddings",
        hint="Write sentence-transformers:MODEL, fastembed:MODEL or MODEL@https://host/v1",
    )


def spec_text(spec: Mapping[str, Any]) -> str:
    """An embedder's ``spec`` as ``--embeddings`` takes it."""
    if spec.get("kind") == "endpoint":
        return f"{spec.get('model')}@{spec.get('url')}"
    return f"{spec.get('kind')}:{spec.get('model')}"


def open_embedder(spec: Mapping[str, Any], *, network: bool = False) -> Embedder:
    """What a bundle names. An endpoint is opened only with ``network``: prompts would go to an address that
    stands in a file. Raises BundleError."""
    kind, model = str(spec.get("kind")), str(spec.get("model"))
    if kind in KINDS:
        return LocalEmbedder(kind, model)
    if kind != "endpoint":
        raise BundleError(f"the router reads embeddings of kind {kind!r}, which this version does not know")
    if not network:
        raise BundleError(
            f"the router sends every prompt to {spec.get('url')} for its embedding",
            hint=f"Allow it with --embeddings {spec_text(spec)}",
        )
    return EndpointEmbedder(model, str(spec.get("url")))


@dataclass(frozen=True)
class LocalEmbedder:
    """A model run on this machine by sentence-transformers or fastembed, loaded on first use."""

    kind: str
    model: str
    _loaded: list[Any] = field(default_factory=list, repr=False, compare=False)
    _alone: Lock = field(default_factory=Lock, repr=False, compare=False)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "model": self.model}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d). MissingExtra where the library is not installed, InputError where it has no such model."""
        with self._alone:  # the tokenizers of these libraries are not safe to share between threads
            if not self._loaded:
                self._loaded.append(self._load())
            encoder = self._loaded[0]
            if self.kind == "fastembed":
                return np.array(list(encoder.embed(list(texts))), dtype=np.float64)
            return np.asarray(encoder.encode(list(texts), show_progress_bar=False), dtype=np.float64)

    def _load(self) -> Any:
        try:
            # by name: type checkers need not know optional libraries
            if self.kind == "fastembed":
                return import_module("fastembed").TextEmbedding(self.model)
            return import_module("sentence_transformers").SentenceTransformer(self.model)
        except ImportError as error:
            raise MissingExtra("embeddings", f"embedding prompts with {self.kind}") from error
        except (OSError, ValueError, RuntimeError) as error:  # what these libraries raise for such a model
            said = str(error).strip().partition("\n")[0].rstrip(".")
            raise InputError(
                f"{self.kind} cannot load {self.model!r}: {said}",
                field="--embeddings",
                hint="Name a model this library knows, or a folder that holds one",
            ) from error


@dataclass(frozen=True)
class EndpointEmbedder:
    """``POST {url}/embeddings`` as OpenAI's: up to ``batch`` texts a request, answers in any order.

    The key, if the endpoint wants one, is in ``$PENSTOCK_EMBEDDINGS_KEY``. Redirects are not followed.
    """

    model: str
    url: str
    batch: int = _BATCH
    timeout_s: float = 60.0
    first_wait_s: float = 0.5

    def __post_init__(self) -> None:
        try:
            check_url(self.url)
        except PoolError as error:
            raise InputError(
                error.message, field="--embeddings", hint=f"A key is read from {KEY_VARIABLE}"
            ) from error
        if "?" in self.url or "#" in self.url:  # it would be kept in the bundle
            raise InputError(
                "an address ends with its path", field="--embeddings", hint="Write it like https://host/v1"
            )

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "endpoint", "model": self.model, "url": self.url}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d). Raises ProviderError and below; blocks, whether or not an event loop is running."""
        return _wait_for(self._embed(texts))

    async def _embed(self, texts: Sequence[str]) -> FloatArray:
        timeout = aiohttp.ClientTimeout(total=self.timeout_s)
        found: list[list[float]] = []
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for start in range(0, len(texts), self.batch):
                found += await self._request(session, list(texts[start : start + self.batch]))
        lengths = {len(vector) for vector in found}
        if len(lengths) > 1:
            raise ProviderUnavailable(
                f"vectors of different lengths: {sorted(lengths)}", candidate=self.model
            )
        return np.array(found, dtype=np.float64).reshape(len(texts), *lengths or {0})

    async def _request(self, session: aiohttp.ClientSession, texts: list[str]) -> list[list[float]]:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # an empty string is refused by most endpoints
        body = {"model": self.model, "input": [text or " " for text in texts], "encoding_format": "float"}
        for attempt in range(_RETRIES + 1):
            try:
                async with session.post(
                    f"{self.url.rstrip('/')}/embeddings", json=body, headers=headers, allow_redirects=False
                ) as response:
                    text = await response.text(errors="replace")
                    if response.status < 300:
                        return self._vectors(text, len(texts))
                    said = text.replace(key, "(the key)") if key else text
                    error = _errors.from_response(response.status, said, response.headers, self.model)
                    again = response.status in _errors.RETRIED_STATUSES and "insufficient_quota" not in text
            except (aiohttp.ClientError, OSError) as foreign:
                error = _errors.from_exception(foreign, self.model)
                error.__cause__ = foreign
                again = True
            if not again or attempt == _RETRIES:
                raise error
            await asyncio.sleep(_wait_s(error, attempt, self.first_wait_s))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _vectors(self, text: str, count: int) -> list[list[float]]:
        """The vectors in the order of the texts. Raises ProviderUnavailable for a body of another shape."""
        try:
            rows = json.loads(text)["data"]
            by_index = {int(row["index"]): [float(x) for x in row["embedding"]] for row in rows}
            return [by_index[i] for i in range(count)]
        except (ValueError, KeyError, TypeError) as error:
            raise ProviderUnavailable(
                f"the response does not hold {count} embeddings", candidate=self.model
            ) from error


@dataclass(frozen=True)
class CachedEmbedder:
    """``embedder`` asked only for texts that ``path``, a SQLite file, does not hold yet."""

    embedder: Embedder
    path: Path
    batch: int = 512

    def spec(self) -> Mapping[str, Any]:
        return self.embedder.spec()

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d). What was embedded before an error is kept. InputError for a file that is no such cache."""
        prefix = json.dumps(dict(self.spec()), sort_keys=True)
        keys = [sha256(f"{prefix}\n{text}".encode(errors="surrogatepass")).digest() for text in texts]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path)) as database:
                database.execute("CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, vector BLOB)")
                known = dict(_known(database, keys))
                missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
                pending = list(missing.items())
                for start in range(0, len(pending), self.batch):
                    part = pending[start : start + self.batch]
                    vectors = self.embedder.embed([text for _, text in part]).astype("<f4")
                    rows = [(key, vector.tobytes()) for (key, _), vector in zip(part, vectors, strict=True)]
                    with database:
                        database.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)
                    known.update(rows)
        except sqlite3.DatabaseError as error:
            raise InputError(f"not a cache of embeddings: {error}", file=self.path) from error
        # float32 whether or not it came from the file: fitting must see what serving will see
        found = [np.frombuffer(known[key], dtype="<f4").astype(np.float64) for key in keys]
        return np.array(found).reshape(len(texts), -1) if found else np.zeros((0, 0))


def _known(database: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for key in dict.fromkeys(keys):
        row = database.execute("SELECT vector FROM embeddings WHERE key = ?", (key,)).fetchone()
        if row is not None:
            yield key, row[0]


def _wait_s(error: ProviderError, attempt: int, first: float) -> float:
    return error.retry_after_s if error.retry_after_s is not None else first * 2.0**attempt


def _wait_for(work: Coroutine[Any, Any, FloatArray]) -> FloatArray:
    """The result, from a thread of its own: the caller may be inside an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
