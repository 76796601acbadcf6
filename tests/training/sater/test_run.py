"""A real miniature, trained end to end through TRL, interrupted and continued."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'penstock[train]'")
pytest.importorskip("trl", reason="training needs TRL: pip install 'penstock[train]'")
pytest.importorskip("onnx")

import polars as pl
from typer.testing import CliRunner

from penstock.cli.train import app
from penstock.errors import InputError
from penstock.lab.tasks import generate
from penstock.outcomes.scorers.base import UNPARSABLE, Score
from penstock.outcomes.scorers.named import scorer_named
from penstock.runtime.model import LanguageModel
from penstock.runtime.shipped import model_path
from penstock.training.sater import run as recipe
from penstock.training.sater.run import STAGES, Run, train_sater, weights_path
from penstock.training.sater.samples import Question
from penstock.training.sater.settings import EMBEDDED, Sampling, Sater, StageOne, StageTwo, Tuning
from penstock.training.sater.ship import ship

QUESTIONS = [
    Question(p.id, p.prompt, p.reference, p.skill)
    for p in generate(120, 3, held_out=False, levels=(1, 2, 3), skills=("sort", "chain"))
]
QUICK = Sater(
    sampling=Sampling(k=4, temperature=0.8, max_new_tokens=64),
    stage_one=replace(
        EMBEDDED.stage_one, tuning=Tuning(rate=2e-4, epochs=1, batch=16, lora=False), members=2
    ),
    stage_two=replace(EMBEDDED.stage_two, tuning=Tuning(rate=1e-3, epochs=1, batch=16, lora=False)),
    evaluation_share=0.2,
)


def quiet(what: str, step: int, steps: int, loss: float) -> None:
    """Progress nobody watches."""


def a_run(out: Path, **changes: Any) -> Run:
    run = Run("tiny", QUESTIONS, scorer_named("lab"), "lab", QUICK, out, source="questions")
    return replace(run, **changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    import torch

    torch.set_num_threads(1)
    told: list[str] = []
    out = tmp_path_factory.mktemp("sater")
    return out, train_sater(a_run(out), lambda what, *_: told.append(what)), told


def test_every_stage_leaves_a_table_and_a_summary(trained: tuple[Path, dict[str, Any], list[str]]) -> None:
    out, summaries, told = trained
    assert tuple(summaries) == STAGES
    samples = pl.read_parquet(out / "1-samples" / "samples.parquet")
    assert samples.height == 4 * summaries["1-samples"]["questions"]
    assert samples["correct"].mean() == pytest.approx(summaries["1-samples"]["correct"], abs=1e-3)
    pairs = pl.read_parquet(out / "2-stage-one" / "pairs.parquet")
    assert pairs.height == summaries["2-stage-one"]["pairs"] > 20
    rows = pl.read_parquet(out / "4-stage-two" / "rows.parquet")
    assert rows.height == summaries["4-stage-two"]["rows"]
    dropped = summaries["2-stage-one"]["dropped_questions"]
    kept = pairs["query_id"].n_unique()
    assert kept + sum(dropped.values()) == summaries["1-samples"]["questions"]
    answers = pl.read_parquet(out / "5-evaluation" / "answers.parquet")
    assert answers.height == 13 * summaries["5-evaluation"]["without_threshold"]["base"]["questions"]
    assert not set(answers["query_id"]) & set(samples["query_id"])
    assert {"sampling for Stage I", "Stage I", "sampling for Stage II", "Stage II"} < set(told)


def test_training_changes_the_model_and_the_runtime_loads_it(
    trained: tuple[Path, dict[str, Any], list[str]],
) -> None:
    out = trained[0]
    weights = [(out / stage / "model.onnx").read_bytes() for stage in ("2-stage-one", "4-stage-two")]
    assert weights[0] != weights[1]
    model = LanguageModel.load(weights_path(out / "4-stage-two"))
    (generation,) = model.generate([QUESTIONS[0].prompt])
    assert generation.text


def test_finished_stages_are_not_made_again(
    trained: tuple[Path, dict[str, Any], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    for name in ("draw", "train_members", "train_refusing", "answer_greedily"):
        monkeypatch.setattr(recipe, name, never)
    assert train_sater(a_run(trained[0]), quiet) == trained[1]


def test_other_settings_are_refused_where_a_stage_stands(
    trained: tuple[Path, dict[str, Any], list[str]],
) -> None:
    other = replace(QUICK, sampling=replace(QUICK.sampling, temperature=0.5))
    with pytest.raises(InputError, match=r"other inputs \(sampling\)"):
        train_sater(a_run(trained[0], settings=other), quiet)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = QUESTIONS[:40]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recipe, "train_members", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_sater(a_run(tmp_path, questions=few), quiet)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["1-samples"]
    before = (tmp_path / "1-samples" / "samples.parquet").stat().st_mtime_ns
    train_sater(a_run(tmp_path, questions=few), quiet)
    assert (tmp_path / "1-samples" / "samples.parquet").stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == list(STAGES)


def test_a_full_disk_keeps_what_was_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recipe, "_write", full)
    with pytest.raises(InputError, match=r"disk is full"):
        train_sater(a_run(tmp_path, questions=QUESTIONS[:40]), quiet)
    assert (tmp_path / "1-samples" / "stage.json").exists()
    assert not (tmp_path / "2-stage-one").exists()


class Harsh:
    """A scorer no response passes."""

    def __call__(self, answer_text: str, reference: str) -> Score:
        return UNPARSABLE


def test_unanswerable_data_is_one_clear_error(tmp_path: Path) -> None:
    run = a_run(tmp_path, questions=QUESTIONS[:10], scorer=Harsh(), scorer_name="harsh")
    with pytest.raises(InputError, match=r"questions: no response to any of \d+ questions was correct"):
        train_sater(run, quiet)
    assert (tmp_path / "1-samples" / "samples.parquet").exists()


class Kind:
    """A scorer every response passes."""

    def __call__(self, answer_text: str, reference: str) -> Score:
        return Score(1.0, answer_text)


def test_data_without_pairs_is_one_clear_error(tmp_path: Path) -> None:
    settings = replace(QUICK, stage_one=StageOne(), stage_two=StageTwo())
    run = a_run(tmp_path, questions=QUESTIONS[:10], scorer=Kind(), scorer_name="kind", settings=settings)
    with pytest.raises(InputError, match="none has both"):
        train_sater(run, quiet)


def test_members_are_averaged_and_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from penstock.training.sater import preference
    from penstock.training.sater.trainee import open_trainee

    def shifted(trainee: Any, pairs: Any, settings: Any, *, seed: int, progress: Any) -> Any:
        with torch.no_grad():
            for weight in trainee.network.parameters():
                weight.add_(seed)
        progress("Stage I", 5, 10, 0.5)
        return trainee

    monkeypatch.setattr(preference, "train_preference", shifted)
    told: list[tuple[int, int]] = []
    settings = StageOne(members=3)
    averaged = preference.train_members(
        lambda: open_trainee("tiny"),
        [],
        settings,
        4,
        lambda what, step, steps, loss: told.append((step, steps)),
    )
    base = open_trainee("tiny").network.state_dict()
    for name, weight in averaged.network.state_dict().items():
        torch.testing.assert_close(weight, base[name] + 13.0)  # seeds 12, 13 and 14
    assert told == [(5, 30), (15, 30), (25, 30)]


def test_low_rank_adapters_train_and_are_merged(tmp_path: Path) -> None:
    tuning = Tuning(rate=1e-3, epochs=1, batch=16, lora=True, rank=4, alpha=8)
    settings = replace(
        QUICK,
        stage_one=replace(QUICK.stage_one, tuning=tuning),
        stage_two=replace(QUICK.stage_two, tuning=tuning),
        evaluation_share=0.0,
    )
    summaries = train_sater(a_run(tmp_path, questions=QUESTIONS[:40], settings=settings), quiet)
    assert "5-evaluation" not in summaries
    assert LanguageModel.load(tmp_path / "4-stage-two" / "model.onnx").generate([QUESTIONS[0].prompt])


def test_the_command_line_trains_and_prints(tmp_path: Path) -> None:
    data = tmp_path / "questions.jsonl"
    rows: Sequence[dict[str, str]] = [
        {"query_id": q.id, "prompt": q.prompt, "reference": q.reference, "task": q.task}
        for q in QUESTIONS[:50]
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["sater", "--model", "tiny", "--data", str(data), "--out", str(tmp_path / "out")]
    arguments += ["--samples", "3", "--max-tokens", "40", "--json"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert set(json.loads(first.stdout)["stages"]) <= set(STAGES)
    shown = CliRunner().invoke(app, arguments[:-1])
    assert "Stage II" in shown.stdout
    assert "4-stage-two" in shown.stdout


def test_questions_without_references_are_input_errors(tmp_path: Path) -> None:
    data = tmp_path / "questions.jsonl"
    data.write_text('{"query_id": "a", "prompt": "double 2"}\n')
    result = CliRunner().invoke(
        app, ["sater", "--model", "tiny", "--data", str(data), "--out", str(tmp_path / "o")]
    )
    assert isinstance(result.exception, InputError)
    assert "reference" in str(result.exception)


def test_a_finished_run_is_shipped_with_its_figures(
    trained: tuple[Path, dict[str, Any], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 1, "models": {"other": {}}}', encoding="utf-8")
    shutil.copy(model_path("tiny").parent / "tokenizer.json", tmp_path)
    entry = ship(a_run(trained[0]), "tiny-sater", tmp_path, seconds=float("nan"), problems=24)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["models"]) == {"other", "tiny-sater"}
    assert manifest["models"]["tiny-sater"] == entry
    assert entry["base"] == "tiny"
    assert entry["training_seconds"] is None
    assert entry["evaluation"]["problems"] == entry["fp16_against_fp32"]["problems"] == 24
    assert set(entry["by_threshold"]) == {str(t) for t in QUICK.stage_two.thresholds}
    assert sha256((tmp_path / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    (generation,) = LanguageModel.load(tmp_path / "tiny-sater.onnx").generate([QUESTIONS[0].prompt])
    assert generation.text


def test_what_is_not_finished_is_not_shipped(
    trained: tuple[Path, dict[str, Any], list[str]], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="not a finished run"):
        ship(a_run(tmp_path / "nothing"), "tiny-sater", tmp_path, seconds=1.0, problems=24)
    with pytest.raises(InputError, match="manifest"):
        ship(a_run(trained[0]), "tiny-sater", tmp_path, seconds=1.0, problems=24)
