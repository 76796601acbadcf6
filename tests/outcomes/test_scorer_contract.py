"""Every scorer against the contract."""

from __future__ import annotations

import pytest

from penstock.outcomes.scorers.base import Score, Scorer
from penstock.outcomes.scorers.named import scorer_named
from penstock.registry import names
from penstock.testing.scorers import ScorerContract


class TestExact(ScorerContract):
    right = (("  New\nYork ", "new york"),)
    wrong = (("York", "New York"),)
    unparsable = ("", "  ")

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("exact")


class TestChoice(ScorerContract):
    right = (("The answer is (B).", "B"), ("a", "(A)"))
    wrong = (("C", "B"),)
    unparsable = ("", "I do not know")
    unreadable = ("42", "")

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("choice")


class TestNumeric(ScorerContract):
    right = (("so it is $1,234.50", "1234.5"), ("#### 42", "work\n#### 42"))
    wrong = (("41", "42"),)
    unparsable = ("", "no idea")
    unreadable = ("many", "")

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("numeric")


class TestJson(ScorerContract):
    right = (('Here: {"a": [1, 2.0]}', '{"a": [1, 2]}'),)
    wrong = (('{"a": [2, 1]}', '{"a": [1, 2]}'),)
    unparsable = ("", "none [here")
    unreadable = ("{",)

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("json")


class TestLab(ScorerContract):
    right = (("we get answer : 4", "4"),)
    wrong = (("answer : 5", "4"),)
    unparsable = ("",)

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("lab")


class TestPattern(ScorerContract):
    right = (("a 42 b", r"\b4\d\b"),)
    wrong = (("a 52 b", r"\b4\d\b"),)
    unreadable = ("(",)

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("regex")


class TestPatternOfItsOwn(ScorerContract):
    right = (("result: a, result: b", " b "),)
    wrong = (("result: b, result: a", "b"),)
    unparsable = ("", "nothing")

    @pytest.fixture
    def scorer(self) -> Scorer:
        return scorer_named("regex", pattern=r"result: (\w+)")


def test_the_contract_catches_who_breaks_it() -> None:
    class Suite(TestExact):
        unreadable = ("",)

    suite = Suite()
    with pytest.raises(AssertionError):
        suite.test_what_cannot_be_read_is_wrong_and_not_unknown(lambda text, reference: Score(0.5, text))
    with pytest.raises(ZeroDivisionError):
        suite.test_whatever_the_answer_is_it_gets_a_score(lambda text, _: Score(1 / len(text), None), "")
    with pytest.raises(AssertionError):
        suite.test_it_tells_right_from_wrong(lambda text, reference: Score(float("nan"), None))
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        suite.test_a_reference_that_cannot_be_read_is_told(scorer_named("exact"))


def test_every_scorer_is_held_to_the_contract() -> None:
    assert set(names("scorer")) == {"exact", "choice", "numeric", "json", "lab", "regex"}
