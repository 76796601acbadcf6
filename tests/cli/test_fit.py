"""`penstock fit`, `route` and `evaluate` as commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.app import main
from penstock.fitting.settings import FitSettings
from penstock.outcomes.io import write_table
from penstock.router.bundle import load_bundle
from penstock.testing.tables import NAMES, as_table, tiny_matrix

QUICK = ["--estimator", "ridge", "--policy", "routing"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tables")
    for name, seed in (("train", 1), ("test", 2)):
        write_table(as_table(tiny_matrix(120, seed=seed), name), folder / name)
    write_table(as_table(tiny_matrix(12, seed=3), "few"), folder / "few")
    return {name: folder / name for name in ("train", "test", "few")}


@pytest.fixture(scope="module")
def router(tables: dict[str, Path]) -> Path:
    path = tables["train"].parent / "router.penstock"
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(tables["train"]), "--savings", "0.5", "-o", str(path), *QUICK])
    assert not ended.value.code
    return path


class Ran:
    """Exit code, standard output and standard error of one command."""

    def __init__(self, capsys: pytest.CaptureFixture[str], arguments: list[object]) -> None:
        capsys.readouterr()
        try:
            main([str(a) for a in arguments])
            self.code = 0
        except SystemExit as ended:
            self.code = int(ended.code or 0)
        self.out, self.err = capsys.readouterr()

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def says(self, *words: str) -> None:
        """It failed as it should: exit code 2, one line, nothing on standard output."""
        assert self.code == 2
        assert self.out == ""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        for word in words:
            assert word in lines[0]


def test_fit_says_what_was_asked_and_what_is_expected(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.penstock"
    ran = Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "-o", path, *QUICK])
    assert ran.code == 0, ran.err
    for words in (
        "Fitted on 120 queries, 3 candidates",
        "savings=0.5",
        "oracle",
        "routing/ridge",
        "Best fixed",
    ):
        assert words in ran.out
    assert load_bundle(path).candidates == NAMES


def test_fit_as_json(tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.penstock"
    found = Ran(capsys, ["fit", tables["train"], "--budget", "0.0009", "-o", path, "--json", *QUICK]).json
    assert found["chosen"] == "routing/ridge"
    assert found["asked"] == "budget=0.0009"
    assert found["candidates"] == list(NAMES)
    assert found["expected"]["cost"]["value"] <= 0.0009 * (1 + 1e-6)
    low, high = found["expected"]["quality"]["ci95"]
    assert low < found["expected"]["quality"]["value"] < high
    assert found["controls_at_same_cost"]["mix"] < found["expected"]["quality"]["value"]
    assert set(found["options"]) == {"routing/ridge", "mix/mean"}


def test_fitting_twice_gives_the_same_router(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for name in ("a", "b"):
        Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "-o", tmp_path / name, *QUICK])
        found.append(load_bundle(tmp_path / name))
    assert found[0].frontier == found[1].frontier


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["no target", "--budget"]),
        (["--budget", "0.001", "--savings", "0.5"], ["not several"]),
        (["--budget", "1e-9"], ["budget=1e-09 cannot be met", "cheapest candidate is small at"]),
        (["--budget", "-1"], ["budget", "at least 0"]),
        (["--budget", "nan"], ["budget", "finite"]),
        (["--savings", "1.5"], ["savings", "between 0 and 1"]),
        (["--min-quality", "2"], ["quality=2 cannot be met", "the best this pool reaches"]),
        (["--savings", "0.5", "--candidates", "small,giant"], ["'giant'", "large, middle, small"]),
        (["--savings", "0.5", "--candidates", ","], ["holds no name"]),
        (["--savings", "0.5", "--estimator", "magic"], ["'magic'", "knn", "--estimator"]),
        (["--savings", "0.5", "--policy", "magic"], ["'magic'", "routing", "--policy"]),
        (["--savings", "0.5", "--features", "smell"], ["--features", "prompt+task"]),
        (["--savings", "0.5", "--fold-by", "moon"], ["--fold-by", "group"]),
        (["--savings", "0.5", "--prices", "nowhere.csv"], ["nowhere.csv"]),
    ],
)
def test_fit_refuses_in_one_line(
    tables: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: list[str],
) -> None:
    path = tmp_path / "r.penstock"
    quick = [] if {"--estimator", "--policy"} & set(arguments) else QUICK
    Ran(capsys, ["fit", tables["train"], "-o", path, *arguments, *quick]).says(*words)
    assert not path.exists(), "nothing is written"


@pytest.mark.parametrize("seed", ["-1", "4294967296", "x"])
def test_seeds_that_are_none(tables: dict[str, Path], capsys: pytest.CaptureFixture[str], seed: str) -> None:
    ran = Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "--seed", seed])
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_fit_refuses_tables_that_are_none(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Ran(capsys, ["fit", tmp_path / "x", "--savings", "0.5"]).says("does not exist")
    Ran(capsys, ["fit", tables["few"], "--savings", "0.5"]).says("at least 20 are needed")
    nowhere = tmp_path / "no" / "r.penstock"
    Ran(capsys, ["fit", tables["train"], "--savings", "0.5", "-o", nowhere, *QUICK]).says("cannot be written")


def test_route_ranks_every_candidate(router: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Ran(capsys, ["route", router, "the sailor and the anchor and the tide", "--json"]).json
    assert {item["name"] for item in found["ranking"]} == set(NAMES)
    assert found["call"] in NAMES
    assert found["target"] == "savings=0.5"
    scores = [item["score"] if item["score"] is not None else item["quality"] for item in found["ranking"]]
    assert scores == sorted(scores, reverse=True)
    ran = Ran(capsys, ["route", router, "the sailor and the anchor and the tide"])
    assert f"Asked first: {found['call']}" in ran.out


def test_route_follows_the_prompt_and_the_target(router: Path, capsys: pytest.CaptureFixture[str]) -> None:
    easy = Ran(capsys, ["route", router, "sailor anchor tide rope mast harbour", "--json"]).json
    hard = Ran(capsys, ["route", router, "enzyme protein membrane neuron genome", "--json"]).json
    quality = [{i["name"]: i["quality"] for i in found["ranking"]}["small"] for found in (easy, hard)]
    assert quality[0] > quality[1] + 0.3
    assert hard["call"] == "large"
    cheap = Ran(
        capsys, ["route", router, "sailor anchor tide rope mast harbour", "--savings", "0.9", "--json"]
    )
    assert cheap.json["call"] == "small"
    strict = Ran(
        capsys, ["route", router, "enzyme protein membrane neuron genome", "--min-quality", "1", "--json"]
    )
    assert strict.json["target"] == "quality=1"
    assert strict.json["call"] == "large"


def test_route_is_the_same_every_time_and_reads_standard_input(
    router: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    first = Ran(capsys, ["route", router, "matrix lemma", "--json"]).json
    monkeypatch.setattr("sys.stdin", io.StringIO("matrix lemma"))
    assert Ran(capsys, ["route", router, "-", "--json"]).json == first
    other = Ran(capsys, ["route", router, "matrix lemma", "--id", "q7", "--json"]).json
    assert other["draw"] != first["draw"]
    assert other["ranking"] == first["ranking"]


@pytest.mark.parametrize("prompt", ["\udc80 not unicode", "\ud800", "🧪" * 500, "[bold]x[/nothing]"])
def test_route_survives_any_prompt(router: Path, capsys: pytest.CaptureFixture[str], prompt: str) -> None:
    assert Ran(capsys, ["route", router, prompt, "--json"]).json["call"] in NAMES


def test_route_refuses_in_one_line(
    router: Path, tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Ran(capsys, ["route", tmp_path / "x", "hello"]).says("no such file", "penstock fit")
    Ran(capsys, ["route", router, "  "]).says("prompt is empty")
    Ran(capsys, ["route", router, "hello", "--budget", "0.1", "--savings", "0.1"]).says("not several")
    Ran(capsys, ["route", router, "hello", "--budget", "1e-9"]).says("cannot be met")
    (tmp_path / "broken").write_bytes(router.read_bytes()[:-100])
    Ran(capsys, ["route", tmp_path / "broken", "hello"]).says("broken", "damaged")
    Ran(capsys, ["route", tables["train"] / "outcomes.parquet", "hello"]).says("no penstock bundle")


SAVING = {"saving", "ci95", "quality_ratio", "quality_ratio_ci95"}


def check_shape(found: dict[str, Any]) -> None:
    """The JSON that is promised, key by key."""
    top = {"dataset", "fit_queries", "test_queries", "dropped", "candidates", "best_fixed", "controls"}
    assert top | {"chosen", "policies"} <= set(found)
    controls = found["controls"]
    assert {"cheapest", "best_fixed", "mix", "hindsight_mix", "oracle"} <= set(controls)
    for name in ("cheapest", "best_fixed"):
        assert {"cost", "quality"} <= set(controls[name])
    for name in ("mix", "hindsight_mix", "oracle"):
        assert isinstance(controls[name]["auc"], float)
    assert found["chosen"] in found["policies"]
    for name, item in found["policies"].items():
        assert name.count("/") == 1
        keys = {
            "auc",
            "auc_published_range",
            "gain_ratio",
            "gain_ratio_ci95",
            "saving",
            "frontier",
            "seconds",
        }
        assert keys <= set(item)
        assert len(item["gain_ratio_ci95"]) == 2
        assert set(item["saving"]) == {"0.95", "0.99", "1.0"}
        for saving in item["saving"].values():
            assert set(saving) == SAVING
            assert len(saving["ci95"]) == len(saving["quality_ratio_ci95"]) == 2
        for point in item["frontier"]:
            assert set(point) == {"cost", "quality", "lambda"}
        assert set(item["seconds"]) == {"fit", "tune", "replay"}


def evaluate(tables: dict[str, Path], *more: object) -> list[object]:
    return ["evaluate", "--fit", tables["train"], "--test", tables["test"], "--draws", "60", *more]


def test_evaluate_as_json(tables: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = Ran(capsys, evaluate(tables, "--json", "--estimator", "ridge")).json
    check_shape(found)
    assert found["dataset"] == "test"
    assert set(found["policies"]) == {*(f"{policy}/ridge" for policy in FitSettings().policies), "mix/mean"}
    assert (found["fit_queries"], found["test_queries"]) == (120, 120)
    assert found["dropped"] == 0
    assert found["best_fixed"] == "large"
    for item in found["calibration"].values():
        assert {"ece", "brier", "reliability"} <= set(item)
    assert all({"target", "asked", "expected", "achieved"} <= set(item) for item in found["asked_achieved"])


def test_evaluate_with_whole_tasks_left_out(
    tables: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    found = Ran(capsys, evaluate(tables, "--json", "--task-out", *QUICK)).json
    check_shape(found)
    assert found["task_out_parts"] == 3


def test_a_router_is_evaluated_as_its_fit(
    tables: dict[str, Path], router: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Ran(capsys, evaluate(tables, "--json", *QUICK)).json
    alone = Ran(capsys, ["evaluate", router, "--test", tables["test"], "--draws", "60", "--json"]).json
    check_shape(alone)
    assert alone["controls"] == whole["controls"]
    for key in ("auc", "gain_ratio", "gain_ratio_ci95", "saving", "frontier"):
        assert alone["policies"][alone["chosen"]][key] == whole["policies"][whole["chosen"]][key]


def test_some_candidates_only(tables: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = Ran(capsys, evaluate(tables, "--json", "--candidates", "large, small", *QUICK)).json
    assert found["candidates"] == ["small", "large"]


def test_evaluate_for_people_with_a_report(
    tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(capsys, evaluate(tables, "--report", tmp_path / "r.html", *QUICK))
    assert ran.code == 0, ran.err
    assert "routing/ridge" in ran.out
    assert "oracle" in ran.out
    assert "<svg" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_evaluate_refuses_in_one_line(
    tables: dict[str, Path], router: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = ["--test", tables["test"]]
    Ran(capsys, ["evaluate", "--fit", tables["train"]]).says("no test table", "--test")
    Ran(capsys, ["evaluate", *test]).says("either --fit TABLE or a router")
    Ran(capsys, ["evaluate", router, "--fit", tables["train"], *test]).says("either --fit TABLE or a router")
    Ran(capsys, ["evaluate", tmp_path / "x", *test]).says("no such file")
    Ran(capsys, ["evaluate", "--fit", tmp_path / "x", *test]).says("does not exist")
    Ran(capsys, evaluate(tables, "--estimator", "magic")).says("'magic'", "--estimator")
    Ran(capsys, evaluate(tables, "--policy", "magic")).says("'magic'", "--policy")
    Ran(capsys, evaluate(tables, "--features", "smell")).says("--features")
    Ran(capsys, evaluate(tables, "--candidates", "giant")).says("'giant'")
    Ran(capsys, evaluate(tables, "--report", tmp_path / "no" / "r.html", *QUICK)).says("cannot be written")
    for flags in (["--task-out"], ["--policy", "routing"], ["--estimator", "knn"], ["--candidates", "small"]):
        Ran(capsys, ["evaluate", router, *test, *flags]).says(flags[0], "fitted already")
