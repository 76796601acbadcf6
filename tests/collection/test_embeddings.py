"""Embedders: an endpoint that answers in any order and fails now and then, a cache, and what bundles name."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penstock.collection.embeddings import (
    KEY_VARIABLE,
    CachedEmbedder,
    EndpointEmbedder,
    LocalEmbedder,
    open_embedder,
    parse_embedder,
    spec_text,
)
from penstock.errors import BundleError, InputError, MissingExtra, ProviderUnavailable, RequestRejected
from penstock.types import FloatArray

from .embedding_endpoint import Server, embedding_server, vector


@pytest.fixture
def server() -> Iterator[Server]:
    with embedding_server() as running:
        yield running


class Counting:
    """An embedder that counts what it is asked, and breaks after ``most`` texts."""

    def __init__(self, most: int = 10**6) -> None:
        self.asked: list[str] = []
        self.most = most

    def embed(self, texts: Sequence[str]) -> FloatArray:
        if len(self.asked) + len(texts) > self.most:
            raise ProviderUnavailable("enough")
        self.asked += texts
        return np.array([vector(t) for t in texts]) / 3

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "counting"}


def test_an_endpoint_is_asked_in_batches_and_answers_in_any_order(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sk-1")
    texts = ["a", "banana", "", "cc", "aaaa"]
    found = EndpointEmbedder("small", server.url, batch=2).embed(texts)
    np.testing.assert_array_equal(found, [vector(t or " ") for t in texts])
    assert [len(body["input"]) for body, _ in server.seen] == [2, 2, 1]
    assert {body["model"] for body, _ in server.seen} == {"small"}
    assert {key for _, key in server.seen} == {"Bearer sk-1"}


async def test_it_works_inside_an_event_loop(server: Server) -> None:
    assert EndpointEmbedder("small", server.url).embed(["ab"]).shape == (1, 3)


def test_a_busy_endpoint_is_asked_again(server: Server) -> None:
    server.statuses = [503, 429]
    assert EndpointEmbedder("small", server.url, first_wait_s=0.0).embed(["ab"]).tolist() == [vector("ab")]
    assert len(server.seen) == 3


def test_a_refused_request_is_not(server: Server) -> None:
    server.statuses = [400]
    with pytest.raises(RequestRejected, match="HTTP 400: no"):
        EndpointEmbedder("small", server.url).embed(["ab"])
    assert len(server.seen) == 1


def test_a_missing_vector_is_noticed(server: Server) -> None:
    server.spoil = True
    with pytest.raises(ProviderUnavailable, match="does not hold 2 embeddings"):
        EndpointEmbedder("small", server.url).embed(["a", "b"])


def test_a_text_is_embedded_once(tmp_path: Path) -> None:
    asked, path = Counting(), tmp_path / "cache" / "vectors.sqlite"
    first = CachedEmbedder(asked, path).embed(["a", "bb", "a"])
    np.testing.assert_array_equal(first[0], first[2])
    assert asked.asked == ["a", "bb"]
    again = CachedEmbedder(asked, path).embed(["bb", "ccc"])
    assert asked.asked == ["a", "bb", "ccc"]
    np.testing.assert_array_equal(again[0], first[1])


def test_what_was_embedded_before_an_error_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    with pytest.raises(ProviderUnavailable, match="enough"):
        CachedEmbedder(Counting(most=2), path, batch=1).embed(["a", "b", "c"])
    after = Counting()
    CachedEmbedder(after, path).embed(["a", "b", "c"])
    assert after.asked == ["c"]


def test_another_model_s_vectors_are_not_taken(tmp_path: Path) -> None:
    class Other(Counting):
        def spec(self) -> Mapping[str, Any]:
            return {"kind": "other"}

    path, other = tmp_path / "vectors.sqlite", Other()
    CachedEmbedder(Counting(), path).embed(["a"])
    CachedEmbedder(other, path).embed(["a"])
    assert other.asked == ["a"]


def test_a_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be told from an empty one " * 20)
    with pytest.raises(InputError, match=r"notes\.txt"):
        CachedEmbedder(Counting(), path).embed(["a"])


def test_the_command_line_s_words(server: Server) -> None:
    assert parse_embedder("fastembed:BAAI/bge-small-en-v1.5") == LocalEmbedder(
        "fastembed", "BAAI/bge-small-en-v1.5"
    )
    endpoint = parse_embedder(f"text-embedding-3-small@{server.url}")
    assert endpoint == EndpointEmbedder("text-embedding-3-small", server.url)
    for wrong in ("", "bge", "fastembed:", "@http://host/v1", "m@host"):
        with pytest.raises(InputError, match="cannot read"):
            parse_embedder(wrong)


def test_a_model_s_name_may_hold_colons_and_signs(server: Server) -> None:
    for name in ("nomic-embed-text:latest", "@cf/baai/bge-small-en-v1.5"):
        found = parse_embedder(f"{name}@{server.url}")
        assert found == EndpointEmbedder(name, server.url)
        assert spec_text(found.spec()) == f"{name}@{server.url}"
    assert spec_text(parse_embedder("fastembed:m").spec()) == "fastembed:m"


@pytest.mark.parametrize(
    "text",
    [
        "m@https://me:sk-secret@host/v1",
        "https://me:sk-secret@host/v1",
        "m@https://host/v1?key=sk-secret",
        "m@https://host/v1#sk-secret",
    ],
)
def test_what_is_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError, match="--embeddings") as raised:
        parse_embedder(text)
    assert "sk-secret" not in str(raised.value)


def test_a_key_that_an_error_quotes_is_left_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, " sk-secret\n")
    server.statuses, server.said = [400], "Bearer sk-secret is not welcome"
    with pytest.raises(RequestRejected, match="is not welcome") as raised:
        EndpointEmbedder("small", server.url).embed(["a"])
    assert "sk-secret" not in str(raised.value)
    assert "sk-secret" not in str(raised.value.body)
    assert [key for _, key in server.seen] == ["Bearer sk-secret"]


def test_a_bundle_cannot_send_prompts_away_by_itself(server: Server) -> None:
    spec = EndpointEmbedder("small", server.url).spec()
    with pytest.raises(BundleError, match="sends every prompt to"):
        open_embedder(spec)
    assert open_embedder(spec, network=True).embed(["ab"]).tolist() == [vector("ab")]
    with pytest.raises(BundleError, match="does not know"):
        open_embedder({"kind": "shell"})
    assert open_embedder({"kind": "fastembed", "model": "m"}) == LocalEmbedder("fastembed", "m")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("penstock.collection.embeddings.import_module", absent)
    with pytest.raises(MissingExtra, match=r"penstock\[embeddings\]"):
        LocalEmbedder("sentence-transformers", "m").embed(["a"])


def test_a_model_that_cannot_be_loaded_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_such(model: str) -> object:
        raise OSError(f"{model} is no folder.\nA long explanation")

    library = SimpleNamespace(SentenceTransformer=none_such)
    monkeypatch.setattr("penstock.collection.embeddings.import_module", lambda name: library)
    with pytest.raises(InputError, match=r"cannot load 'nope': nope is no folder\. Name a model") as raised:
        LocalEmbedder("sentence-transformers", "nope").embed(["a"])
    assert "explanation" not in str(raised.value)


def test_a_local_model_is_loaded_once_and_used_by_one_thread_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    inside = Lock()

    class Model:
        def __init__(self, model: str) -> None:
            made.append(model)

        def encode(self, texts: Sequence[str], *, show_progress_bar: bool) -> FloatArray:
            assert inside.acquire(blocking=False), "two threads at once"
            time.sleep(0.01)
            inside.release()
            return np.array([vector(t) for t in texts], dtype=np.float32)

    library = SimpleNamespace(SentenceTransformer=Model)
    monkeypatch.setattr("penstock.collection.embeddings.import_module", lambda name: library)
    embedder = LocalEmbedder("sentence-transformers", "tiny")
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: embedder.embed([text]).tolist(), ["a", "bb", "ccc", "dddd"]))
    assert found == [[vector(t)] for t in ("a", "bb", "ccc", "dddd")]
    assert made == ["tiny"]
