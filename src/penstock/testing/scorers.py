"""The contract every scorer keeps: subclass ``ScorerContract``, say what it reads, and give its fixture.

::

    class TestMine(ScorerContract):
        right = (("so it is heads", "heads"),)
        wrong = (("tails", "heads"),)
        unparsable = ("no idea",)
        unreadable = ("42",)

        @pytest.fixture
        def scorer(self):
            return my_scorer
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from penstock.errors import InputError
from penstock.outcomes.scorers.base import Score, Scorer

ODD = (
    "",
    " \n\t",
    "\x00",
    "((((",
    "\\boxed{",
    "####",
    "[{",
    '{"a": NaN}',
    "1e999",
    "-" * 2000,
    "π ≈ 3,14 €",
    "\ud800",
    "[" * 5000,
)
"""What models have been known to answer."""


class ScorerContract:
    """What every scorer does."""

    right: ClassVar[Sequence[tuple[str, str]]] = ()
    """Texts with the reference that makes them wholly right."""
    wrong: ClassVar[Sequence[tuple[str, str]]] = ()
    """Texts that do not get full marks for the reference."""
    unparsable: ClassVar[Sequence[str]] = ("",)
    """Texts in which no final answer can be read."""
    unreadable: ClassVar[Sequence[str]] = ()
    """References that nothing can be compared with."""

    @pytest.fixture
    def scorer(self) -> Scorer:
        """The scorer under test."""
        raise NotImplementedError("give the scorer under test as a fixture")

    def test_it_tells_right_from_wrong(self, scorer: Scorer) -> None:
        assert self.right
        assert self.wrong
        assert [scored(scorer, text, reference).quality for text, reference in self.right] == [1.0] * len(
            self.right
        )
        assert all(scored(scorer, text, reference).quality < 1 for text, reference in self.wrong)

    def test_the_same_text_gets_the_same_score(self, scorer: Scorer) -> None:
        for text, reference in (*self.right, *self.wrong):
            assert scored(scorer, text, reference) == scored(scorer, text, reference)

    def test_what_cannot_be_read_is_wrong_and_not_unknown(self, scorer: Scorer) -> None:
        for text in self.unparsable:
            assert scored(scorer, text, self.right[0][1]) == Score(0.0, None)

    @pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:8]))
    def test_whatever_the_answer_is_it_gets_a_score(self, scorer: Scorer, text: str) -> None:
        for _, reference in self.right:
            scored(scorer, text, reference)

    def test_a_reference_that_cannot_be_read_is_told(self, scorer: Scorer) -> None:
        for reference in self.unreadable:
            for text in (self.right[0][0], *self.unparsable):
                with pytest.raises(InputError):
                    scorer(text, reference)


def scored(scorer: Scorer, text: str, reference: str) -> Score:
    """The score, which must be one."""
    score = scorer(text, reference)
    assert isinstance(score, Score)
    assert isinstance(score.quality, float)
    assert 0.0 <= score.quality <= 1.0, "also where the quality is no number"
    assert score.extracted is None or isinstance(score.extracted, str)
    return score
