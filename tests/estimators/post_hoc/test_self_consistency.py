"""Several samples as one answer."""

from __future__ import annotations

import pytest

from penstock.errors import InputError
from penstock.estimators.post_hoc.self_consistency import voted
from penstock.types import Answer, Status


def said(*texts: str) -> list[Answer]:
    return [Answer("m", text=text) for text in texts]


def test_the_most_frequent_answer_wins_with_its_share() -> None:
    answer, share = voted(said("13", "The answer is 12.", "12.0", '{"answer": "12"}'))
    assert answer is not None
    assert (answer.text, answer.confidence, share) == ("The answer is 12.", 0.75, 0.75)


def test_samples_that_say_nothing_stay_in_the_denominator() -> None:
    refused = Answer("m", text="12", status=Status.REFUSED)
    answer, share = voted([refused, *said("12", "13", "12")])
    assert answer is not None
    assert (answer.status, share) == (Status.ANSWERED, 0.5)


def test_a_tie_goes_to_the_first() -> None:
    answer, share = voted(said("13", "12", "12", "13"))
    assert answer is not None
    assert (answer.text, share) == ("13", 0.5)


def test_nobody_wins_where_nobody_votes() -> None:
    assert voted([Answer("m", status=Status.FAILED)]) == (None, 0.0)


def test_a_vote_needs_samples() -> None:
    with pytest.raises(InputError, match="sample"):
        voted([])
