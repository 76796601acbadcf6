"""A router in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from penstock.belief import Answered, Belief, OwnAnswerBelief, observe
from penstock.errors import PenstockError, TargetError
from penstock.policies.fixed import Fixed
from penstock.policies.mixture import Mixture
from penstock.router.frontier import Frontier, OperatingPoint
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.state import draw_of
from penstock.types import Answer, FloatArray, Query

CHEAP, STRONG = OperatingPoint(Fixed(0), 1.0, 0.5, 0.0), OperatingPoint(Fixed(1), 3.0, 0.8, 1.0)
FRONTIER = Frontier((CHEAP, STRONG), STRONG)


@dataclass(frozen=True)
class Guesses:
    """Stands for a belief model: everybody's quality before and after an answer, and cost."""

    before: float
    after: float
    cost: float = 1.0

    blocking = False

    def believe(self, queries: list[Query], draw: FloatArray) -> Belief:
        shape = (len(queries), 2)
        quality = np.full(shape, self.before)
        return OwnAnswerBelief(
            quality,
            quality,
            np.full(shape, self.cost),
            draw,
            read=lambda ex_ante, answers, columns: np.full(len(answers), self.after),
        )


def router_of(guesses: Guesses, *, target: str = "budget=2", seed: int = 3) -> FittedRouter:
    return FittedRouter(("small", "large"), guesses, FRONTIER, FRONTIER, Target.parse(target), seed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("guesses", "says"),
    [
        (Guesses(np.nan, 0.5), "expected quality of query 0"),
        (Guesses(0.5, 0.5, -1.0), "expected cost of query 0"),
        (Guesses(0.5, np.nan), "quality of query 0"),
    ],
)
def test_a_router_decides_on_numbers_only(guesses: Guesses, says: str) -> None:
    router = router_of(guesses)
    belief = router.believe([Query.from_prompt("q", "hello")])
    with pytest.raises(PenstockError, match=says):
        observe(belief, belief.begin(), Answered.live(0, Answer("small", "hi")))


def test_a_target_may_be_written_down() -> None:
    router = router_of(Guesses(0.5, 0.6))
    assert router.policy_for(None) == Mixture(Fixed(0), Fixed(1), 0.5)
    assert router.policy_for("budget=3") == router.policy_for(Target.parse("budget=3")) == Fixed(1)
    with pytest.raises(TargetError, match="cannot be met"):
        router.policy_for("budget=0.5")


def test_a_text_is_a_query_and_its_draw_goes_by_the_seed() -> None:
    router = router_of(Guesses(0.5, 0.6))
    state = router.begin(["hello", Query.from_prompt("hello", "something else")])
    assert state.draw.tolist() == [draw_of("hello", 3)] * 2
    assert router.believe(["hello"], seed=9).begin().draw.tolist() == [draw_of("hello", 9)]


def test_candidates_may_be_excluded() -> None:
    state = router_of(Guesses(0.5, 0.6)).begin(["hello"], eligible=np.array([[False, True]]))
    assert state.eligible.tolist() == [[False, True]]


def test_it_says_what_it_is() -> None:
    text = repr(router_of(Guesses(0.5, 0.6), target="budget=3"))
    for part in ("small, large", "budget=3", "always large", "quality 0.800 at 3 USD"):
        assert part in text
