"""Every comparison against the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pytest

from penstock.answers.equivalence import numbered
from penstock.estimators.comparison.choose_form import NORMALISERS
from penstock.estimators.comparison.comparison import ByForm, ByMeaning, Comparison
from penstock.estimators.embeddings import Embedder
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.registry import names
from penstock.testing.comparisons import ComparisonContract
from penstock.types import Answer, Status
from tests.estimators.agreement.worlds import Gist


@pytest.mark.parametrize("comparison", list(NORMALISERS), indirect=True)
class TestEveryForm(ComparisonContract):
    @pytest.fixture
    def comparison(self, request: pytest.FixtureRequest) -> Comparison:
        return ByForm(request.param)


class TestMeaning(ComparisonContract):
    same = ("yes , meaning0 in other words", "indeed : meaning0")
    other = "meaning1 , no"
    embedder = Gist()

    openers = MappingProxyType({Embedder: lambda spec, arrays: Gist()})

    @pytest.fixture
    def comparison(self) -> Comparison:
        return ByMeaning(Gist(), 0.9)


@dataclass(frozen=True)
class Hasty(Comparison):
    """Takes refusals for answers."""

    @classmethod
    def choose(cls, matrix: OutcomeMatrix, embedder: Embedder | None) -> Hasty:
        return cls()

    def group(self, answers: Sequence[Answer]) -> list[int]:
        return numbered([answer.text for answer in answers])


def test_the_contract_catches_who_breaks_it() -> None:
    with pytest.raises(AssertionError):
        ComparisonContract().test_who_did_not_answer_agrees_with_nobody(Hasty(), Status.REFUSED)


def test_every_comparison_is_held_to_the_contract() -> None:
    assert set(names("comparison")) == {"text", "meaning"}
