"""``--embeddings`` from fit to serve, against an endpoint on loopback and a library that is made up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openai
import pytest

from collection.embedding_endpoint import Server, embedding_server, vector
from penstock.collection.embeddings import KEY_VARIABLE
from penstock.outcomes.io import write_table
from penstock.testing.tables import as_table, tiny_matrix
from penstock.types import FloatArray

from .test_fit import QUICK, Ran
from .test_serve import MESSAGES, asking, serving

KEY = "sk-never-shown"
POOL = """
candidates:
  - {name: small, provider: scripted, model: s, replies: I am small, price: {input: 1, output: 1}}
  - {name: middle, provider: scripted, model: m, replies: I am middle, price: {input: 5, output: 5}}
  - {name: large, provider: scripted, model: l, replies: I am large, price: {input: 10, output: 10}}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with embedding_server() as running:
        yield running


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tables")
    for name, seed in (("train", 1), ("test", 2)):
        write_table(as_table(tiny_matrix(90, seed=seed), name), folder / name)
    return {name: folder / name for name in ("train", "test")}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return tmp_path / "cache" / "penstock" / "embeddings.sqlite"


@pytest.fixture
def router(
    cache: Path, tables: dict[str, Path], server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Path:
    path = tmp_path / "router.penstock"
    spec = f"small@{server.url}"
    ran = Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "-o", path, *QUICK, "--embeddings", spec])
    assert ran.code == 0, ran.err
    assert f"--embeddings {spec}" in ran.out.replace("\n", " ")
    assert KEY not in ran.out + ran.err
    return path


def texts(server: Server) -> list[str]:
    return [text for body, _ in server.seen for text in body["input"]]


def test_every_prompt_is_embedded_once(
    router: Path,
    cache: Path,
    tables: dict[str, Path],
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prompts = {q.prompt for q in tiny_matrix(90, seed=1).queries}
    assert sorted(texts(server)) == sorted(prompts)
    assert {key for _, key in server.seen} == {f"Bearer {KEY}"}
    assert cache.exists()
    assert KEY.encode() not in router.read_bytes() + cache.read_bytes()
    spec, before = f"small@{server.url}", len(server.seen)
    again = ["fit", tables["train"], "--savings", "0.5", "-o", tmp_path / "again", *QUICK]
    assert Ran(capsys, [*again, "--embeddings", spec, "--json"]).json["embeddings"] == spec
    assert len(server.seen) == before
    for _ in range(2):
        found = Ran(capsys, ["route", router, "Hello there", "--embeddings", spec, "--json"]).json
        assert found["call"] in ("small", "middle", "large")
    assert texts(server)[len(prompts) :] == ["Hello there"]


def test_prompts_are_sent_nowhere_without_leave(
    router: Path, tables: dict[str, Path], server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, leave = len(server.seen), f"Allow it with --embeddings small@{server.url}"
    pool = tmp_path / "pool.yaml"
    pool.write_text(POOL)
    for arguments in (
        ["route", router, "Hello there"],
        ["evaluate", router, "--test", tables["test"]],
        ["serve", router, "--pool", pool, "--log", tmp_path / "log.sqlite", "--port", 0],
    ):
        Ran(capsys, arguments).says("sends every prompt to", leave)
    Ran(capsys, ["route", router, "Hello", "--embeddings", f"large@{server.url}"]).says(
        f"embeddings of small@{server.url}, not of large@{server.url}"
    )
    Ran(capsys, ["route", router, "Hello", "--embeddings", "fastembed:small"]).says("not of fastembed:small")
    assert len(server.seen) == before


def test_the_address_is_the_user_s(router: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with embedding_server() as moved:
        ran = Ran(capsys, ["route", router, "Hello there", "--embeddings", f"small@{moved.url}"])
        assert ran.code == 0, ran.err
        assert texts(moved) == ["Hello there"]


def test_it_is_evaluated_either_way(
    router: Path, tables: dict[str, Path], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--test", tables["test"], "--embeddings", f"small@{server.url}", "--draws", "50", "--json"]
    one = Ran(capsys, ["evaluate", router, *flags]).json
    two = Ran(capsys, ["evaluate", "--fit", tables["train"], *flags, *QUICK]).json
    name = one["chosen"]
    assert one["policies"][name]["auc"] == pytest.approx(two["policies"][name]["auc"], abs=1e-3)
    asked = len(server.seen)
    assert Ran(capsys, ["evaluate", "--fit", tables["train"], *flags, *QUICK, "--task-out"]).json[
        "chosen_parts"
    ]
    assert len(server.seen) == asked


def test_a_flag_that_says_nothing_is_refused(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, pool = tmp_path / "plain.penstock", tmp_path / "pool.yaml"
    pool.write_text(POOL + "policy: {refusal: [small, large]}\n")
    assert Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "-o", path, *QUICK]).code == 0
    spec = ["--embeddings", "fastembed:m"]
    Ran(capsys, ["route", path, "Hello", *spec]).says("plain.penstock", "fitted without embeddings")
    Ran(capsys, ["serve", "--pool", pool, *spec]).says("none is named")
    Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "--embeddings", "bge"]).says("cannot read 'bge'")
    fit = ["fit", tables["train"], "--savings", "0.5", "--features", "task", *spec]
    Ran(capsys, fit).says("--features leaves them out")


def test_answers_are_compared_by_meaning_where_that_is_asked_for(
    tables: dict[str, Path], cache: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers go to the endpoint too, and what was fitted opens, routes and is evaluated."""
    path = tmp_path / "meaning.penstock"
    spec = ["--embeddings", f"small@{server.url}"]
    fit = ["fit", tables["train"], "--savings", "0.5", "-o", path, "--estimator", "ridge"]
    assert Ran(capsys, [*fit, *spec, "--compare", "meaning", "--policy", "lookahead"]).code == 0
    grid = tiny_matrix(90, seed=1)
    answers = {grid.answer_of(i, j).text for i in range(5) for j in range(3)} - {""}
    assert answers
    assert answers <= set(texts(server))
    assert Ran(capsys, ["evaluate", path, "--test", tables["test"], *spec, "--draws", "50"]).code == 0
    flags = ["--test", tables["test"], "--draws", "50", "--estimator", "ridge", "--policy", "lookahead"]
    assert (
        Ran(capsys, ["evaluate", "--fit", tables["train"], *flags, *spec, "--compare", "meaning"]).code == 0
    )


def test_comparing_by_meaning_takes_a_model(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = ["fit", tables["train"], "--savings", "0.5", "-o", tmp_path / "r", "--compare", "meaning"]
    Ran(capsys, fit).says("--compare", "takes an embedding model", "--embeddings")
    evaluate = ["evaluate", "--fit", tables["train"], "--test", tables["test"], "--compare"]
    Ran(capsys, [*evaluate, "meaning"]).says("takes an embedding model")
    Ran(capsys, [*evaluate, "sound"]).says("no comparison is called 'sound'; there are meaning, text")


def test_a_missing_library_names_the_extra(
    cache: Path, tables: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("penstock.collection.embeddings.import_module", absent)
    for kind in ("fastembed", "sentence-transformers"):
        ran = Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "--embeddings", f"{kind}:m", *QUICK])
        ran.says("penstock[embeddings]", kind)


def test_a_model_on_this_machine_needs_no_leave(
    cache: Path,
    tables: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class TextEmbedding:
        def __init__(self, model: str) -> None:
            assert model == "bge"

        def embed(self, prompts: Sequence[str]) -> Iterator[FloatArray]:
            return iter(np.array([vector(p) for p in prompts]))

    def made_up(name: str) -> object:
        assert name == "fastembed"
        return SimpleNamespace(TextEmbedding=TextEmbedding)

    monkeypatch.setattr("penstock.collection.embeddings.import_module", made_up)
    path = tmp_path / "r.penstock"
    fit = ["fit", tables["train"], "--savings", "0.5", "-o", path, *QUICK, "--embeddings", "fastembed:bge"]
    assert Ran(capsys, fit).code == 0
    bare = Ran(capsys, ["route", path, "Hello there", "--json"]).json
    named = Ran(capsys, ["route", path, "Hello there", "--json", "--embeddings", "fastembed:bge"]).json
    assert bare == named


def test_it_is_served_and_one_who_waits_holds_up_nobody(
    router: Path, cache: Path, server: Server, tmp_path: Path
) -> None:
    pool = tmp_path / "pool.yaml"
    pool.write_text(POOL)
    cache.unlink()
    options = ("--pool", pool, "--log", tmp_path / "log.sqlite", "--embeddings", f"small@{server.url}")
    before = len(server.seen)
    with serving(router, *options) as (process, url), asking(url) as client:
        assert len(server.seen) == before + 1  # asked once before it listens
        server.go.clear()
        with ThreadPoolExecutor(1) as pool_of_one:
            answer = pool_of_one.submit(client.chat.completions.create, model="auto", messages=MESSAGES)
            while len(server.seen) == before + 1:
                time.sleep(0.01)
            client.with_options(timeout=10).models.list()
            assert not answer.done()
            server.go.set()
            assert answer.result().model in ("small", "middle", "large")
        server.statuses = [401]
        assert client.chat.completions.create(model="small", messages=MESSAGES).model == "small"
        with pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(model="auto", messages=MESSAGES)
        assert raised.value.status_code == 502
        assert KEY not in str(raised.value)
        assert client.chat.completions.create(model="auto", messages=MESSAGES).model
    assert process.returncode == 0
    assert not cache.exists()
