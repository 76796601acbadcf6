"""The experiment on embeddings, with a toy model in place of a real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import experiment as command
from benchmarks.experiments import embeddings
from benchmarks.experiments.result import Settings
from penstock.errors import InputError
from penstock.types import FloatArray


class Letters:
    """How often the first letters stand in a text."""

    def __init__(self) -> None:
        self.asked = 0

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.asked += len(texts)
        return np.array([[text.count(letter) for letter in "abcdefgh"] for text in texts], dtype=np.float64)

    def spec(self) -> Mapping[str, Any]:
        return {"kind": "letters"}


def test_every_estimator_is_measured_with_and_without(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Letters()
    monkeypatch.setattr(embeddings, "fitting_embedder", lambda spec: model)
    monkeypatch.setattr(embeddings, "AUTO", ("knn", "ridge", "ensemble"))
    monkeypatch.setattr(embeddings, "LEAST_ROWS", 60)
    result = embeddings.experiment(Settings(tables, seeds=1, embeddings="letters"))
    assert model.asked > 0
    assert "Embeddings by `letters`" in result.body
    for name in ("knn", "ridge", "ensemble"):
        plain, other = (_row(result.body, f"{name}{suffix}") for suffix in ("", " with"))
        assert len(plain) == len(other)
        assert plain != other, "the embedder changed nothing"
    gained = _row(result.body, "ensemble, gained")
    both = zip(_row(result.body, "ensemble"), _row(result.body, "ensemble with"), strict=True)
    for said, (without, with_it) in zip(gained, both, strict=True):
        assert float(said.split(" ±")[0]) == pytest.approx(float(with_it) - float(without), abs=0.011)


def test_a_model_has_to_be_named(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="name one"):
        embeddings.experiment(Settings(tables, seeds=1))
    monkeypatch.setattr("sys.argv", ["experiment.py", "embeddings", "--tables", str(tables)])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 2


def _row(body: str, name: str) -> list[str]:
    (line,) = (line for line in body.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]
