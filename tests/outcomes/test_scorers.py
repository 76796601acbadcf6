"""Scorers: what counts as the final answer, and what is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InputError, TableError
from penstock.outcomes.io import read_table
from penstock.outcomes.scorers.choice import multiple_choice
from penstock.outcomes.scorers.exact import exact_match
from penstock.outcomes.scorers.json_equal import json_equal
from penstock.outcomes.scorers.named import scorer_named
from penstock.outcomes.scorers.numeric import numeric
from penstock.outcomes.scorers.pattern import PatternScorer
from penstock.outcomes.scorers.verified import VerifierScorer
from penstock.outcomes.scoring import score_table

from .tables import outcome, table


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6 * 7 = 42\n#### 42", "42"),
        ("#### 42 (or 43)", "42"),
        ("First 3, then 5. The answer is $1,234.50.", "1234.5"),
        ("the answer is: -7", "-7"),
        ('{"reasoning": "2 steps", "answer": "270"}', "270"),
        (r"so \boxed{12} apples", "12"),
        (r"so \boxed{\$12}", "12"),
        ("It costs -$5", "-5"),
        ("5 - 3 = 2", "2"),
        ("about 50%", "50"),
        ("it is .5", "0.5"),
        ("1e3", "1000"),
        ("**Answer:** 1,000,000 people", "1000000"),
        ("we get 12.", "12"),
    ],
)
def test_numeric_reads_the_final_number(text: str, number: str) -> None:
    assert numeric(text, number) == numeric(text, f"work\n#### {number}")
    assert (numeric(text, number).quality, numeric(text, number).extracted) == (1.0, number)
    assert numeric(text, "31337").quality == 0.0


@given(st.decimals(-(10**9), 10**9, places=2))
def test_numeric_finds_every_number_in_a_sentence(value: Any) -> None:
    assert numeric(f"So we get {value:,} in all.", str(value)).quality == 1.0
    assert numeric(f"After 3 steps: #### {value}\n", f"{value}").quality == 1.0


@pytest.mark.parametrize("text", ["", "no idea", "ten", "...", "-"])
def test_numeric_unparsable_is_wrong(text: str) -> None:
    assert numeric(text, "1") == numeric("", "1")
    assert (numeric(text, "1").quality, numeric(text, "1").extracted) == (0.0, None)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("**C**", "C"),
        ("The answer is (D).", "D"),
        ("Answer: A\nbecause B is wrong", "A"),
        ("The answer is (A). No: the answer is (B)", "B"),
        (r"Hence $\boxed{\text{E}}$", "E"),
        ("B) the second", "B"),
        ("It could be (A), yet I pick (C)", "C"),
        ("The correct option is J", "J"),
        ("The answer is a matter of taste", None),
        ("I do not know", None),
        ("A good question", None),
        ("", None),
    ],
)
def test_multiple_choice(text: str, letter: str | None) -> None:
    assert multiple_choice(text, "(H)").extracted == letter
    if letter is not None:
        assert multiple_choice(text, letter).quality == 1.0
    assert multiple_choice(text, "H").quality == 0.0


def test_exact_match() -> None:
    assert exact_match("  New\nYork ", "new york").quality == 1.0
    assert exact_match("York", "New York").quality == 0.0
    assert exact_match("  ", "x").extracted is None


def test_pattern() -> None:
    scorer = PatternScorer.of(r"result: (\w+)")
    assert scorer("result: a, result: b", "b").quality == 1.0
    assert scorer("result: b, result: a", "b").quality == 0.0
    assert scorer("nothing", "b").extracted is None
    assert PatternScorer()("a 42 b", r"\b4\d\b").quality == 1.0
    for broken in (lambda: PatternScorer.of("("), lambda: PatternScorer()("x", "(")):
        with pytest.raises(InputError, match="regular expression"):
            broken()


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ('{"b": [1, 2.0], "a": null}', 1.0),
        ('Here it is:\n```json\n{"a": null, "b": [1, 2]}\n```\nDone {really}.', 1.0),
        ('{"a": 0} no: {"b": [1, 2], "a": null}', 1.0),
        ('{"a": null, "b": [2, 1]}', 0.0),
        ('{"a": null, "b": [true, 2]}', 0.0),
        ("no JSON [here", 0.0),
    ],
)
def test_json_equal(text: str, quality: float) -> None:
    assert json_equal(text, '{"a": null, "b": [1, 2]}').quality == quality


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda c: st.lists(c) | st.dictionaries(st.text(), c),
)


@settings(max_examples=30)
@given(st.lists(trees) | st.dictionaries(st.text(), trees))
def test_json_equals_itself_in_prose(value: Any) -> None:
    score = json_equal(f"I say: {json.dumps(value, indent=1)} and that is all", json.dumps(value))
    assert score.quality == 1.0
    assert score.extracted is not None
    assert json.loads(score.extracted) == value


@pytest.mark.parametrize(
    ("scorer", "reference"), [(numeric, "many"), (multiple_choice, "42"), (json_equal, "{")]
)
def test_an_unreadable_reference_is_an_error(scorer: Any, reference: str) -> None:
    with pytest.raises(InputError, match="reference"):
        scorer("4", reference)


def test_names() -> None:
    verifier = VerifierScorer(lambda t: t[-1:] or None, lambda t, r: t.endswith(r))
    assert verifier("so 4", "4").quality == 1.0
    assert verifier("", "4").extracted is None
    assert scorer_named("lab")("so answer : 4", "4").quality == 1.0
    assert scorer_named("regex", pattern="(4)")("4", "4").quality == 1.0
    with pytest.raises(InputError, match=r"'best'; there are choice, exact, json, lab, numeric, regex"):
        scorer_named("best")
    with pytest.raises(InputError, match="for the scorer regex"):
        scorer_named("numeric", pattern="x")


def test_scoring_a_table() -> None:
    made = table(
        outcome("a", "m", None, response="the answer is 4"),
        outcome("b", "m", 1.0, response="5"),
        outcome("c", "m", None, response="dunno"),
        outcome("d", "m", None, status="refused", response="no"),
        outcome("e", "m", None, response=None, answer="4"),
        allow_unscored=True,
    )
    scored = score_table(made, numeric)
    assert scored.outcomes["quality"].to_list() == [1.0, 0.0, 0.0, None, 1.0]
    assert scored.outcomes["answer"].to_list() == ["4", "5", None, None, "4"]
    assert scored.unscored == 0
    assert score_table(made, numeric, only_unscored=True).outcomes["quality"].to_list() == [
        1.0,
        1.0,
        0.0,
        None,
        1.0,
    ]


def test_scoring_needs_texts_and_references() -> None:
    with pytest.raises(TableError, match=r"row 1, column response: the row has no text"):
        score_table(table(outcome("a", "m", response=None)), numeric)
    made = table(outcome("a", "m"))
    for reference, told in (
        (None, "'a' has no reference"),
        ("four", "'a': the reference 'four' holds no number"),
    ):
        wrong = made.queries.with_columns(reference=pl.lit(reference, dtype=pl.String))
        with pytest.raises(TableError, match=told):
            score_table(type(made)(made.name, wrong, made.outcomes), numeric)


@pytest.mark.real_tables
@pytest.mark.parametrize(
    ("name", "scorer", "agreement"),
    [
        ("gsm8k_openai2021", numeric, 1.0),
        ("zeroeval_gsm", numeric, 0.994),
        ("zeroeval_numersense_v2", numeric, 0.998),
        ("routellm_gsm8k", numeric, 0.976),  # the source counts "75.00" wrong against "75"
        ("mmlu_pro", multiple_choice, 0.983),
    ],
)
def test_agrees_with_published_grades(name: str, scorer: Any, agreement: float, real_tables: Path) -> None:
    made = read_table(real_tables / name)
    references = dict(made.queries.select("query_id", "reference").iter_rows())
    rows = made.outcomes.select("query_id", "response", "quality").drop_nulls().rows()
    right = sum(scorer(text, references[query_id]).quality == quality for query_id, text, quality in rows)
    assert right / len(rows) >= agreement
