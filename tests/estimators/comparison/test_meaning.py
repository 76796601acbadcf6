"""Answers in other words, grouped by an embedder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from penstock.answers.equivalence import NONE
from penstock.errors import InputError
from penstock.estimators.comparison.meaning import (
    answer_texts,
    choose_threshold,
    codes_at,
    similarities,
)
from penstock.estimators.recorded import RecordedAnswers
from penstock.types import Answer, FloatArray, Status


@dataclass
class Angles:
    """An embedder of texts such as "30 degrees": the unit vector of that angle."""

    asked: list[str] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.asked.extend(texts)
        angle = np.deg2rad([float(text.split()[0]) for text in texts])
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def spec(self) -> Mapping[str, Any]:
        return {}


def at(degrees: float) -> float:
    return float(np.cos(np.deg2rad(degrees)))


def test_an_answer_joins_a_group_only_if_close_to_all_of_it() -> None:
    found = similarities([["0 a", "20 a", "40 a", None, "41 a"]], Angles())
    assert codes_at(found, at(25)).tolist() == [[0, 0, 1, NONE, 1]], "40 is near 20 and far from 0"
    assert codes_at(found, at(45)).tolist() == [[0, 0, 0, NONE, 0]]
    assert codes_at(found, at(0.5)).tolist() == [[0, 1, 2, NONE, 3]]


def test_queries_are_grouped_on_their_own() -> None:
    rows: list[list[str | None]] = [["0 a", "1 a", "90 a"], [None, None, "0 a"], ["0 a", "90 a", "91 a"]]
    together = codes_at(similarities(rows, Angles()), at(5))
    alone = [codes_at(similarities([row], Angles()), at(5))[0].tolist() for row in rows]
    assert together.tolist() == alone == [[0, 0, 1], [NONE, NONE, 0], [0, 1, 1]]


def test_a_text_is_embedded_once() -> None:
    embedder = Angles()
    similarities([["0 a", "0 a"], ["0 a", "9 b"]], embedder)
    assert embedder.asked == ["0 a", "9 b"]


def test_nothing_to_compare() -> None:
    assert np.isnan(similarities([[None, None]], Angles())).all()
    assert choose_threshold(np.full((3, 2, 2), np.nan), np.ones((3, 2))).cosine is None


def test_vectors_that_are_no_numbers_are_refused() -> None:
    class Broken(Angles):
        def embed(self, texts: Sequence[str]) -> FloatArray:
            return np.full((len(texts), 2), np.nan)

    with pytest.raises(InputError, match="finite"):
        similarities([["0 a", "1 a"]], Broken())


def test_the_threshold_is_the_one_that_tells_right_from_wrong() -> None:
    rng = np.random.default_rng(3)
    right = rng.random((400, 3)) < 0.6
    angle = np.where(right, rng.uniform(0, 10, (400, 3)), rng.uniform(60, 300, (400, 3)))
    found = similarities([[f"{a:.3f} degrees" for a in row] for row in angle], Angles())
    chosen = choose_threshold(found, right.astype(float))
    assert chosen.cosine is not None
    assert 5 < np.rad2deg(np.arccos(chosen.cosine)) < 40
    assert chosen.gain > 0.2
    assert choose_threshold(found, rng.permuted(right, axis=0).astype(float)).cosine is None


def test_only_what_was_answered_has_a_text() -> None:
    said = [["yes", "yes sir"], ["no", " "], ["yes", "yes"]]

    def answer_of(i: int, j: int) -> Answer:
        return Answer("m", text=said[i][j], status=Status.REFUSED if i == 2 else Status.ANSWERED)

    found = answer_texts(RecordedAnswers(answer_of, (3, 2)))
    assert found == [["yes", "yes sir"], ["no", None], [None, None]]
