"""No decision is made on a state that makes no sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.errors import PenstockError
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.fixed import Fixed
from penstock.policies.index import Index
from penstock.router.frontier import Frontier, OperatingPoint
from penstock.router.replay import replay
from penstock.router.router import Router
from penstock.router.targets import Target
from penstock.state import check_state
from penstock.testing.policies import World
from penstock.types import Answer, FloatArray, Query

WORLD = World.of(3)


def spoilt(values: FloatArray, value: float) -> FloatArray:
    changed = values.copy()
    changed[7, 1] = value
    return changed


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("quality", np.nan, "expected quality of query 7 .* is not a number"),
        ("quality", np.inf, "expected quality of query 7 .* is inf; it must be finite"),
        ("cost", np.nan, "expected cost of query 7 .* is not a number"),
        ("cost", -0.001, "expected cost of query 7 .* is -0.001; it must be at least 0"),
        ("cost", np.inf, "must be finite"),
        ("spread", np.nan, "spread of query 7 .* is not a number"),
        ("spread", -0.1, "spread of query 7 .* is -0.1; it must be at least 0"),
    ],
)
def test_numbers_that_no_policy_can_decide_on(field: str, value: float, says: str) -> None:
    world = replace(WORLD, **{field: spoilt(getattr(WORLD, field), value)})
    with pytest.raises(PenstockError, match=says):
        check_state(world.begin())
    for policy in (Fixed(0), CascadeRouting((1.0,)), Index(1.0)):
        with pytest.raises(PenstockError, match=says):
            replay(policy, world.beliefs, WORLD.post_hoc, WORLD.cost)


def test_a_factor_that_is_not_a_number() -> None:
    factor = np.zeros((len(WORLD.cost), 3, 3))
    factor[4, 0, 0] = np.nan
    with pytest.raises(PenstockError, match="factor of query 4"):
        check_state(replace(WORLD.begin(), factor=factor))


def test_nobody_to_decide_among() -> None:
    nothing = replace(WORLD.begin(), quality=np.empty((60, 0)), cost=np.empty((60, 0)))
    with pytest.raises(PenstockError, match="at least one candidate"):
        check_state(nothing)


class Guesses:
    """Beliefs of a router that cannot count."""

    consensus = None

    def __init__(self, before: float, after: float, cost: float = 1.0) -> None:
        self.numbers = before, after, cost

    def before(self, queries: list[Query]) -> tuple[FloatArray, FloatArray]:
        shape = (len(queries), 1)
        return np.full(shape, self.numbers[0]), np.full(shape, self.numbers[2])

    def after(self, ex_ante: float, answer: Answer, column: int) -> float:
        return self.numbers[1]

    def spread(self, ex_ante: FloatArray) -> None:
        return None


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((np.nan, 0.5), "expected quality of query 0"),
        ((0.5, 0.5, -1.0), "expected cost of query 0"),
        ((0.5, np.nan), "quality of query 0"),
    ],
)
def test_a_router_decides_on_numbers_only(numbers: tuple[float, ...], says: str) -> None:
    point = OperatingPoint(Fixed(0), 1.0, 0.5, 1.0)
    frontier = Frontier((point,), point)
    router = Router(("only",), Guesses(*numbers), frontier, frontier, Target.parse("budget=1"))  # type: ignore[arg-type]
    query = Query.from_prompt("q", "hello")
    with pytest.raises(PenstockError, match=says):
        router.observe(router.begin([query]), 0, query, {0: Answer("only", "hi")})
