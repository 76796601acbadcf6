"""The normal form under which agreement says most."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.estimators.comparison.choose_form import (
    NORMALISERS,
    agreement_gain,
    choose_normaliser,
    normaliser,
)
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.types import Answer, FloatArray, Query

N, K = 400, 3
RNG = np.random.default_rng(5)
RIGHT = RNG.random((N, K)) < 0.6
SAID = np.where(RIGHT, 7, RNG.integers(10, 90, (N, K)))


def grid_of(text: str, extracted: bool, quality: FloatArray) -> OutcomeMatrix:
    def answer_of(i: int, j: int) -> Answer:
        said = str(SAID[i, j])
        return Answer("m", text=text.format(said), extracted=said if extracted else None)

    ones = np.ones((N, K))
    return OutcomeMatrix(
        tuple(Query(str(i)) for i in range(N)), ("a", "b", "c"), quality, ones, ones, answer_of
    )


STATES = "After a long and winding thought about the matter, the answer is {}."
MUMBLES = "There is much to be said about all of this, and little of it is any use to anybody in the end."


def test_text_is_preferred_where_it_is_as_good() -> None:
    chosen = choose_normaliser(grid_of(STATES, True, RIGHT.astype(float)))
    assert chosen.name == "stated_answer"
    assert chosen.gains["stated_answer"] == chosen.gains["final_answer"] > 0.2
    assert chosen.coverage["stated_answer"] == 1.0
    assert "stated_answer" in chosen.why


def test_the_table_is_read_where_only_it_knows() -> None:
    assert choose_normaliser(grid_of(MUMBLES, True, RIGHT.astype(float))).name == "final_answer"


def test_spelling_counts_where_the_scorer_counts_it() -> None:
    """Two write a date without its zero and are scored wrong: to the letter they agree with nobody right."""
    spelt = RIGHT.copy()
    spelt[:, 1] &= RNG.random(N) < 0.5

    def answer_of(i: int, j: int) -> Answer:
        said = "04/02" if RIGHT[i, j] and spelt[i, j] else "4/02" if RIGHT[i, j] else f"04/1{SAID[i, j]}"
        return Answer("m", text=f"{MUMBLES} The answer is {said}.")

    grid = grid_of(STATES, False, spelt.astype(float))
    strict = OutcomeMatrix(grid.queries, grid.candidates, grid.quality, grid.cost, grid.cost, answer_of)
    chosen = choose_normaliser(strict)
    assert chosen.name == "stated_exactly"
    assert chosen.gains["stated_exactly"] > 1.1 * chosen.gains["stated_answer"]


def test_nothing_is_chosen_where_agreement_says_nothing() -> None:
    shuffled = RNG.permuted(RIGHT, axis=0).astype(float)
    assert choose_normaliser(grid_of(STATES, True, shuffled)).name is None
    assert choose_normaliser(grid_of(MUMBLES, False, RIGHT.astype(float))).name is None


def test_one_candidate_agrees_with_nobody() -> None:
    assert choose_normaliser(grid_of(STATES, True, RIGHT.astype(float)).select(["a"])).name is None


def test_a_gain_is_the_information_there_is() -> None:
    right = np.array([[1.0, 1.0]] * 500 + [[0.0, 0.0]] * 500)
    same = np.where(right > 0, 0, np.arange(2)[None, :])
    assert agreement_gain(same, right) == pytest.approx(np.log(2) - 1.5 / 1000)
    assert agreement_gain(same, np.full((1000, 2), np.nan)) == 0.0


def test_cells_without_a_score_do_not_count() -> None:
    quality = RIGHT.astype(float)
    quality[::2, 0] = np.nan
    half = choose_normaliser(grid_of(STATES, False, quality))
    assert half.name == "stated_answer"


@pytest.mark.parametrize("name", NORMALISERS)
def test_normalisers_are_restored_by_name(name: str) -> None:
    assert normaliser(name) is NORMALISERS[name]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(InputError, match="stated_answer"):
        normaliser("embedding")
