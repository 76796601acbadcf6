"""How answers are compared: one object for tables and for live requests, by form or by meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from penstock.answers.equivalence import NONE, same_answer
from penstock.codec import Arrays, decode, encode
from penstock.errors import BundleError
from penstock.estimators.comparison.comparison import ByForm, ByMeaning, Comparison, codes
from penstock.estimators.embeddings import Embedder
from penstock.estimators.recorded import RecordedAnswers
from penstock.types import Answer, Status
from tests.estimators.agreement.worlds import Gist, open_grid

GRID = open_grid(120)


@pytest.fixture(params=["form", "meaning"])
def comparison(request: pytest.FixtureRequest) -> Comparison:
    return ByForm("stated_answer") if request.param == "form" else ByMeaning(Gist(), 0.9)


def test_a_request_is_compared_as_a_table_is(comparison: Comparison) -> None:
    code = comparison.codes(GRID)
    for i in range(20):
        assert comparison.group([GRID.answer_of(i, j) for j in range(4)]) == code[i].tolist()


def test_by_form_paraphrases_differ_and_by_meaning_they_do_not() -> None:
    texts = ("yes , meaning0 in other words", "indeed : meaning0", "meaning1 , no")
    said = [Answer(name, text) for name, text in zip("abc", texts, strict=True)]
    assert ByMeaning(Gist(), 0.9).group(said) == [0, 0, 1]
    assert len(set(ByForm("short_text").group(said))) == 3


def test_who_did_not_answer_agrees_with_nobody(comparison: Comparison) -> None:
    said = [
        Answer("a", "The answer is 7. meaning3"),
        Answer("b", "The answer is 7. meaning3", status=Status.REFUSED),
        Answer("c", " "),
        Answer("d", "The answer is 7. meaning3"),
    ]
    assert comparison.group(said) == [0, NONE, NONE, 0]


def test_the_threshold_is_found_where_meanings_part() -> None:
    found = ByMeaning.choose(GRID, Gist())
    assert found is not None
    np.testing.assert_array_equal(found.codes(GRID), ByMeaning(Gist(), 0.9).codes(GRID))
    assert ByForm.choose(GRID, None) is None, "no two texts are alike"


def test_where_meanings_say_nothing_answers_are_not_compared() -> None:
    assert ByMeaning.choose(GRID, Gist(deaf=True)) is None


def test_it_comes_back_from_its_state(comparison: Comparison) -> None:
    opened: list[Mapping[str, Any]] = []

    def open_embedder(spec: Mapping[str, Any], arrays: Arrays) -> Gist:
        opened.append(spec)
        return Gist()

    again = decode(Comparison, *encode(comparison), {Embedder: open_embedder})
    np.testing.assert_array_equal(again.codes(GRID), comparison.codes(GRID))
    assert opened == ([Gist().spec()] if isinstance(comparison, ByMeaning) else [])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"kind": "meaning", "cosine": 0.9, "embedder": {}},
            "turns texts into vectors, and none can be opened",
        ),
        ({"kind": "magic"}, "comparison 'magic', which this version of penstock does not know"),
        ({"kind": "text", "normal_form": "magic"}, "must be one of stated_answer, .*not 'magic'"),
    ],
)
def test_what_cannot_be_opened_is_said(settings: Mapping[str, Any], says: str) -> None:
    with pytest.raises(BundleError, match=says):
        decode(Comparison, settings, {})


def test_every_distinct_answer_is_embedded_once() -> None:
    asked: list[str] = []

    class Counting(Gist):
        def embed(self, texts: Sequence[str]) -> Any:
            asked.extend(texts)
            return super().embed(texts)

    same = [Answer(name, "meaning0 , plainly") for name in "abc"]
    assert ByMeaning(Counting(), 0.9).group(same) == [0, 0, 0]
    assert asked == ["meaning0 , plainly"]


def said(text: str | None, **fields: object) -> Answer:
    return Answer("m", extracted=text, **fields)  # type: ignore[arg-type]


def test_codes_number_answers_within_their_query() -> None:
    answers = [
        [said("12"), said("12.0"), said("13")],
        [said("a"), said(None), said(None)],
        [said("a", status=Status.REFUSED), said("a", status=Status.FAILED), said("a")],
    ]
    found = codes(RecordedAnswers(lambda i, j: answers[i][j], (3, 3)))
    assert found.tolist() == [[0, 0, 1], [0, NONE, NONE], [NONE, NONE, 0]]
    assert same_answer(found, 0, 1).tolist() == [True, False, False]
    assert same_answer(found, 1, 2).tolist() == [False, False, False]
