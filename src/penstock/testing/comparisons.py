"""The contract every comparison keeps: subclass ``ComparisonContract`` and give its fixture ``comparison``.

::

    class TestMine(ComparisonContract):
        same = ("It is 7.", "so: 7")
        other = "It is 8."

        @pytest.fixture
        def comparison(self):
            return MyComparison(...)
"""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

import numpy as np
import pytest

from penstock import codec
from penstock.answers.equivalence import NONE
from penstock.codec import Openers
from penstock.estimators.comparison.comparison import Comparison
from penstock.estimators.embeddings import Embedder
from penstock.estimators.recorded import RecordedAnswers
from penstock.testing.tables import tiny_matrix
from penstock.types import Answer, Status, Usage

K = 4


class ComparisonContract:
    """What every comparison does."""

    same: ClassVar[tuple[str, str]] = ("The answer is 7.", "The answer is 7.")
    """Two texts that are the same answer."""
    other: ClassVar[str] = "The answer is 8."
    """One that is another."""
    openers: ClassVar[Openers] = {}
    """What opens again the things that it does not store whole."""
    embedder: ClassVar[Embedder | None] = None
    """What ``choose`` is given."""

    @pytest.fixture
    def comparison(self) -> Comparison:
        """The comparison under test."""
        raise NotImplementedError("give the comparison under test as a fixture")

    @pytest.fixture
    def recorded(self) -> RecordedAnswers:
        """Answers of 40 queries, among them refusals, failures and cells nobody was asked for."""
        rng, texts = np.random.default_rng(0), (*self.same, self.other)
        status = rng.choice(list(Status), p=(0.85, 0.05, 0.05, 0.05), size=(40, K))
        text = rng.integers(len(texts), size=(40, K))
        return RecordedAnswers(lambda i, j: _said(texts[text[i, j]], f"m{j}", Status(status[i, j])), (40, K))

    def test_the_same_answer_gets_the_same_number(self, comparison: Comparison) -> None:
        one, other, different = comparison.group([_said(text) for text in (*self.same, self.other)])
        assert one == other != NONE
        assert different not in (one, NONE)

    def test_a_text_is_the_same_as_itself_whoever_gave_it_at_whatever_price(
        self, comparison: Comparison
    ) -> None:
        answers = [
            _said(self.other),
            dataclasses.replace(_said(self.same[0], "a"), usage=Usage(9, 99), cost_usd=1.0, latency_s=3.0),
            dataclasses.replace(_said(self.same[0], "b"), logprobs=(-1.0,), confidence=0.5),
        ]
        numbers = comparison.group(answers)
        assert numbers[1] == numbers[2] != numbers[0]

    @pytest.mark.parametrize("status", [Status.REFUSED, Status.FAILED, Status.MISSING])
    def test_who_did_not_answer_agrees_with_nobody(self, comparison: Comparison, status: Status) -> None:
        numbers = comparison.group([_said(self.same[0]), _said(self.same[0], status=status)])
        assert numbers[0] != NONE
        assert numbers[1] == NONE

    def test_numbers_are_whole_and_the_same_again(
        self, comparison: Comparison, recorded: RecordedAnswers
    ) -> None:
        for i in range(len(recorded)):
            row = [recorded.answer_of(i, j) for j in range(K)]
            numbers = comparison.group(row)
            assert len(numbers) == K
            assert all(isinstance(number, int) and number >= NONE for number in numbers)
            assert comparison.group(row) == numbers

    def test_of_few_answers(self, comparison: Comparison) -> None:
        assert comparison.group([]) == []
        assert len(comparison.group([_said(self.other)])) == 1

    def test_a_table_is_compared_row_by_row(self, comparison: Comparison, recorded: RecordedAnswers) -> None:
        code = comparison.codes(recorded)
        assert code.shape == recorded.shape
        assert np.issubdtype(code.dtype, np.integer)
        for i in range(len(recorded)):
            assert comparison.group([recorded.answer_of(i, j) for j in range(K)]) == code[i].tolist()

    def test_an_empty_table(self, comparison: Comparison, recorded: RecordedAnswers) -> None:
        nothing = codec.take(recorded, np.zeros(0, dtype=np.int64))
        assert comparison.codes(nothing).shape == (0, K)

    def test_it_is_restored_from_its_state(self, comparison: Comparison, recorded: RecordedAnswers) -> None:
        settings, arrays = codec.encode(comparison)
        plain = json.loads(json.dumps(settings, allow_nan=False))
        again = codec.decode(Comparison, plain, {k: np.array(v) for k, v in arrays.items()}, self.openers)
        assert type(again) is type(comparison)
        assert (again.form, again.blocking) == (comparison.form, comparison.blocking)
        np.testing.assert_array_equal(again.codes(recorded), comparison.codes(recorded))

    def test_a_copy_is_equal(self, comparison: Comparison) -> None:
        """By that the numbers of a table are found again, once made."""
        assert dataclasses.replace(comparison) == comparison  # type: ignore[type-var]
        assert comparison.form

    def test_it_is_chosen_on_a_table(self, comparison: Comparison) -> None:
        found = type(comparison).choose(tiny_matrix(60), self.embedder)
        assert found is None or isinstance(found, type(comparison))


def _said(text: str, candidate: str = "m", status: Status = Status.ANSWERED) -> Answer:
    return Answer(candidate, text, status=status, extracted=text, finish_reason="stop")
