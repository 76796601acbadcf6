"""The Hybrid LLM experiment in a configuration of some seconds."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("transformers", reason="training needs the train extra")

from benchmarks.experiments import hybrid, hybrid_data, hybrid_jobs
from benchmarks.experiments.result import Settings
from penstock.training.hybrid.settings import HybridSettings, settings_for


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid, "WORKERS", 1)
    monkeypatch.setattr(hybrid, "FEW", (20,))
    monkeypatch.setattr(hybrid, "DRAWS", 20)
    monkeypatch.setattr(hybrid, "TIMED", 3)
    monkeypatch.setattr(hybrid_data, "SAMPLES", 4)
    monkeypatch.setattr(hybrid_data, "VOTES", 2)

    def quick(task: hybrid_jobs.Task) -> HybridSettings:
        return settings_for("embedded:tiny", labels=task.labels, seed=task.seed, epochs=1)

    monkeypatch.setattr(hybrid_jobs, "_settings", quick)


def test_it_measures_and_decides(tmp_path: Path) -> None:
    result = hybrid.experiment(Settings(tmp_path, seeds=1, rows=60))
    texts = [claim.text for claim in result.claims]
    assert len(texts) == len(set(texts)) == 2 * 2 * 3 + 2 * 3 + 3
    assert all(claim.required for claim in result.claims)
    for heading in ("Pairs", "Thresholds", "Latency", "Another metric", "Another pair", "kind of label"):
        assert heading in result.body
    assert "nan" not in result.body
    lines = [
        e for e in ElementTree.fromstring(result.figures["hybrid.svg"]).iter() if e.tag.endswith("polyline")
    ]
    assert len(lines) >= 12


def test_the_most_frequent_answer_wins_and_no_answer_does_not_vote() -> None:
    ballots = ["answer : 5", "nothing", "answer : 7", "so answer : 7"]
    assert hybrid_data.winner(ballots) == "answer : 7"
    assert hybrid_data.winner(["nothing", "none"]) == "nothing"
    assert hybrid_data.winner(["answer : 1", "answer : 2"]) == "answer : 1"


def test_differences_are_taken_draw_by_draw() -> None:
    one, other = (hybrid.Found(np.array([[v, v], [v + d, v]])) for v, d in ((3.0, 1.0), (1.0, 1.0)))
    np.testing.assert_array_equal((one - other).drop, [[2.0, 2.0], [2.0, 2.0]])
