"""What would be done first, and why."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import TargetError
from penstock.policies.base import Policy
from penstock.policies.fixed import Fixed
from penstock.policies.index import Index
from penstock.policies.mixture import Mixture
from penstock.policies.routing import Routing
from penstock.router.describe import first_step, rank
from penstock.router.targets import Target
from penstock.state import State, draw_of
from penstock.types import Query

from .test_router import Guesses, router_of

NAMES = ("a", "b", "c")


def state_of(eligible: list[bool] | None = None) -> State:
    return State.new(
        np.array([[0.5, 0.9, 0.5]]),
        np.array([[2.0, 9.0, 1.0]]),
        np.array([0.3]),
        eligible=None if eligible is None else np.array([eligible]),
        shift_sd=np.full((1, 3), 0.1),
    )


@pytest.mark.parametrize(
    ("policy", "order", "score"),
    [
        (Routing(0.1), "cab", 0.4),  # 0.4, 0.3 and 0.0
        (Fixed(0), "bca", None),  # by no score: by quality, then the cheaper
        (Mixture(Routing(0.1), Fixed(0), 0.5), "cab", 0.4),
        (Mixture(Routing(0.1), Fixed(0), 0.1), "bca", None),
        (Index(0.0, max_quality=None), "bca", None),  # a free look is worth more than any score says
    ],
)
def test_candidates_are_ranked_by_what_the_policy_goes_by(
    policy: Policy, order: str, score: float | None
) -> None:
    ranked = rank(NAMES, state_of(), policy.branch(0.3))
    assert "".join(item.name for item in ranked) == order
    assert ranked[0].score == (None if score is None else pytest.approx(score))


def test_who_may_not_be_called_comes_last() -> None:
    ranked = rank(NAMES, state_of([True, False, True]), Fixed(0))
    assert [(item.name, item.eligible) for item in ranked] == [("c", True), ("a", True), ("b", False)]


def test_the_first_step_is_the_one_a_request_would_take() -> None:
    router = router_of(Guesses(0.5, 0.6))
    queries = [Query.from_prompt(f"q{i}", "hello") for i in range(20)]
    for query in queries:
        found = first_step(router, query)
        assert found.draw == draw_of(query.id, 3)
        assert found.policy == (Fixed(0) if found.draw < 0.5 else Fixed(1))
        assert found.call == ("small" if found.draw < 0.5 else "large")
        assert found.point == router.operating_point()
    assert first_step(router, queries[0], Target.parse("budget=3")).call == "large"
    with pytest.raises(TargetError):
        first_step(router, queries[0], Target.parse("budget=0"))
