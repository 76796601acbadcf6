"""What the papers have, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.belief import Answered
from penstock.estimators.post_hoc.per_set_estimator import FittedPerSet
from penstock.estimators.recorded import RecordedAnswers
from penstock.outcomes.io import write_table
from penstock.router.bundle import load_bundle
from penstock.testing.tables import as_table, tiny_matrix

from .test_fit import Ran

SEQUENTIAL = ["--estimator", "ridge", "--policy", "cascade_routing"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tables")
    for name, seed in (("train", 1), ("test", 2)):
        write_table(as_table(tiny_matrix(150, seed=seed), name), folder / name)
    return {name: folder / name for name in ("train", "test")}


def test_estimates_by_executed_set_are_fitted_saved_and_served_alike(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "r.penstock"
    options = ["--post-hoc", "per_set", "--savings", "0.2", "-o", bundle]
    assert Ran(capsys, ["fit", tables["train"], *options, *SEQUENTIAL]).code == 0
    router, test = load_bundle(bundle), tiny_matrix(30, seed=5)
    test = test.select(router.candidates)
    if router.model.post_hoc is None:
        pytest.fail("a policy that looks at answers was not chosen on a table on which it pays")
    assert isinstance(router.model.post_hoc, FittedPerSet)
    before = router.model.before(router.model.encoder.encode(test.queries), np.full(30, 0.5))
    recorded = router.model.recorded(before, RecordedAnswers.of(test))
    live = router.model.recorded(before, None)
    states = recorded.begin(), live.begin()
    rows = np.arange(30)
    for column in (0, 1):
        columns = np.full(30, column)
        answers = tuple(test.answer_of(i, column) for i in range(30))
        states = (
            recorded.observe(states[0], Answered(rows, columns)),
            live.observe(states[1], Answered(rows, columns, answers)),
        )
        np.testing.assert_allclose(states[0].quality, states[1].quality)
        np.testing.assert_array_equal(states[0].executed, states[1].executed)


def test_prices_per_step_are_tried_and_counted(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--step-trials", "5", "--savings", "0.2", "--json", "-o", tmp_path / "r.penstock"]
    found = Ran(capsys, ["fit", tables["train"], *options, *SEQUENTIAL]).json
    assert found["chosen"].startswith("cascade_routing")
    load_bundle(tmp_path / "r.penstock")


def test_saters_figures_stand_between_random_and_golden(
    tables: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["--estimator", "ridge", "--policy", "routing", "--candidates", "small,large"]
    command = ["evaluate", "--fit", tables["train"], "--test", tables["test"], *quick]
    found = Ran(capsys, [*command, "--tradeoff", "small,large", "--json"]).json["tradeoff"]
    assert found["toa_random"] < found["toa"] < found["toa_golden"]
    shown = Ran(capsys, [*command, "--tradeoff", "small,large"])
    assert "trade-off area" in shown.out
    assert f"{found['toa']:.4f}" in shown.out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("small", "SMALL,LARGE"),
        ("small,nobody", "no candidate is called 'nobody'"),
        ("large,small", "large does not cost less than small"),
    ],
)
def test_two_candidates_are_named(
    tables: dict[str, Path], capsys: pytest.CaptureFixture[str], given: str, says: str
) -> None:
    command = ["evaluate", "--fit", tables["train"], "--test", tables["test"], "--estimator", "ridge"]
    Ran(capsys, [*command, "--policy", "routing", "--tradeoff", given]).says(says)


def test_what_is_registered_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Ran(capsys, ["plugins"]).out
    for name in ("cascade_routing", "ridge", "per_set", "openai_compatible", "memory", "numeric", "meaning"):
        assert name in shown
    assert Ran(capsys, ["plugins", "--json"]).json
