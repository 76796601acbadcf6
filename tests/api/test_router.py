"""Five calls: fit, route, evaluate, save and load, serve."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import penstock
from penstock.candidates import Candidate, Pool
from penstock.errors import InputError, TargetError
from penstock.router.describe import first_step
from penstock.testing.tables import tiny_matrix
from penstock.types import Query

MATRIX, HELD_OUT = tiny_matrix(200), tiny_matrix(120, seed=3)
PROMPT = MATRIX.queries[0].prompt or ""


@pytest.fixture(scope="module")
def router() -> penstock.Router:
    return penstock.fit(MATRIX, quality=0.95, estimators=["ridge", "knn"], policies="routing")


def test_what_is_decided_is_what_the_fitted_router_does(router: penstock.Router) -> None:
    for query in HELD_OUT.queries[:20]:
        decision = router.route(query)
        assert decision.model == first_step(router.fitted, query, None).call
        assert [row["candidate"] for row in decision.rows() if row["asked_first"]] == [decision.model]


def test_a_prompt_is_always_decided_alike(router: penstock.Router) -> None:
    assert router.route(PROMPT) == router.route(PROMPT)
    assert router.route_all([PROMPT, "another"])[0] == router.route(PROMPT)


def test_a_decision_says_who_why_and_at_what_price(router: penstock.Router) -> None:
    decision = router.route(PROMPT)
    shown = str(decision)
    assert f"asked first: {decision.model}" in shown
    assert all(name in shown for name in router.candidates)
    assert repr(decision).startswith(f"Decision({decision.model!r}: ")
    assert decision.frame().height == len(router.candidates) == len(decision.frame("pandas"))
    assert set(decision.expected) == {"quality", "cost"}


def test_another_target_is_asked_for_by_its_name(router: penstock.Router) -> None:
    cheap = router.route(PROMPT, target="savings=0.5").expected["cost"]
    assert cheap < router.route(PROMPT, target="quality=0.99").expected["cost"]
    with pytest.raises(TargetError):
        router.route(PROMPT, target="budget=0")
    with pytest.raises(InputError):
        router.route(PROMPT, target="cheap")


def test_an_evaluation_is_that_of_the_command_line(router: penstock.Router, tmp_path: Path) -> None:
    found = router.evaluate(HELD_OUT, draws=50)
    assert found.document["test_queries"] == 120
    assert found.achieved is not None
    assert f"quality {found.achieved['quality']:.3f}" in str(found)
    assert {"oracle", "mix"} <= set(found.frame()["policy"].to_list())
    found.report(tmp_path / "report.html")
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        found.report(tmp_path / "nowhere" / "report.html")


def test_it_is_kept_and_decides_the_same(router: penstock.Router, tmp_path: Path) -> None:
    router.save(tmp_path / "router.penstock")
    for kept in (
        penstock.load(tmp_path / "router.penstock"),
        penstock.Router.load(tmp_path / "router.penstock"),
    ):
        assert kept.target == router.target
        for query in HELD_OUT.queries[:20]:
            before, after = router.route(query), kept.route(query)
            assert before.model == after.model
            np.testing.assert_allclose(
                [row["quality"] for row in before.rows()], [row["quality"] for row in after.rows()]
            )


def test_it_prints_in_a_few_lines_and_never_as_arrays(router: penstock.Router) -> None:
    for shown in (repr(router), repr(router.fitted), repr(router.evaluate(HELD_OUT, draws=20))):
        assert len(shown.splitlines()) < 12
        assert "array(" not in shown
    assert router.frame().columns == ["cost", "quality", "policy"]


def test_a_notebook_shows_the_frontier(router: penstock.Router) -> None:
    assert "<svg" in router._repr_html_()
    for page in (router.route("<script>")._repr_html_(), router.evaluate(HELD_OUT, draws=20)._repr_html_()):
        assert "<table" in page
        assert "<script>" not in page


@pytest.mark.parametrize("targets", [{}, {"budget": 1.0, "savings": 0.3}])
def test_one_target_is_asked_for(targets: dict[str, float]) -> None:
    with pytest.raises(InputError, match="exactly one target"):
        penstock.fit(MATRIX, **targets)


def test_a_setting_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no setting 'estimator'.*estimators"):
        penstock.fit(MATRIX, savings=0.3, estimator="ridge")


def test_it_serves_beside_a_notebook(router: penstock.Router) -> None:
    pool = Pool(
        tuple(
            Candidate(name, "scripted", name, options={"replies": f"this is {name}"})
            for name in router.candidates
        )
    )
    with router.serve(pool) as serving:
        body = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}
        request = urllib.request.Request(
            f"{serving.url}/chat/completions",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            answer = json.load(reply)
        assert answer["choices"][0]["message"]["content"].startswith("this is ")
        assert serving.url in repr(serving)
    serving.stop()  # again does no harm
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(serving.url, timeout=5)


def test_a_query_may_carry_its_task(router: penstock.Router) -> None:
    assert router.route(Query.from_prompt("x", PROMPT, task="t")).model in router.candidates
