"""States: what is known where one begins, and that no decision is made on one that makes no sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.errors import PenstockError
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.fixed import Fixed
from penstock.policies.index import Index
from penstock.router.replay import replay
from penstock.state import State, check_state, draw_of
from penstock.testing.policies import World
from penstock.types import FloatArray

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
        ("shift_sd", np.nan, "shift_sd of query 7 .* is not a number"),
        ("shift_sd", -0.1, "shift_sd of query 7 .* is -0.1; it must be at least 0"),
    ],
)
def test_numbers_that_no_policy_can_decide_on(field: str, value: float, says: str) -> None:
    world = replace(WORLD, **{field: spoilt(getattr(WORLD, field), value)})
    with pytest.raises(PenstockError, match=says):
        check_state(world.begin())
    for policy in (Fixed(0), CascadeRouting((1.0,)), Index(1.0)):
        with pytest.raises(PenstockError, match=says):
            replay(policy, world.belief, WORLD.post_hoc, WORLD.cost)


def test_a_covariance_that_is_not_a_number() -> None:
    shift_sqrt = np.zeros((len(WORLD.cost), 3, 3))
    shift_sqrt[4, 0, 0] = np.nan
    with pytest.raises(PenstockError, match="shift_sqrt of query 4"):
        check_state(replace(WORLD.begin(), shift_sqrt=shift_sqrt))


def test_nobody_to_decide_among() -> None:
    nothing = replace(WORLD.begin(), quality=np.empty((60, 0)), cost=np.empty((60, 0)))
    with pytest.raises(PenstockError, match="at least one candidate"):
        check_state(nothing)


def test_where_a_state_begins_nobody_has_run_and_nothing_was_said() -> None:
    state = State.new(np.full((2, 3), 0.5), np.ones((2, 3)), np.zeros(2))
    assert len(state) == 2
    assert state.eligible.all()
    assert not state.executed.any()
    assert not state.refused.any()
    assert np.isnan(state.confidence).all()
    assert (state.shift_sd, state.shift_sqrt, state.lookahead_model, state.checked) == (None,) * 4
    with pytest.raises(PenstockError, match="expected quality of query 1"):
        State.new(np.array([[0.5], [np.nan]]), np.ones((2, 1)), np.zeros(2))


def test_who_may_be_called_is_the_state_s_own() -> None:
    allowed = np.array([[True, False]])
    state = State.new(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1), eligible=allowed)
    state.eligible[0, 0] = False
    assert allowed.tolist() == [[True, False]]


def test_some_of_the_queries_are_a_state_of_their_own() -> None:
    state = replace(WORLD.begin(), checked=np.arange(60.0 * 3 * 2).reshape(60, 3, 2), checks=("a", "b"))
    part = state.rows(np.array([7, 3]))
    for name in ("quality", "cost", "executed", "eligible", "draw", "refused", "shift_sd", "checked"):
        np.testing.assert_array_equal(getattr(part, name), getattr(state, name)[[7, 3]])
    assert (part.shift_sqrt, part.checks) == (None, ("a", "b"))
    assert len(state.rows(np.arange(60) < 5)) == 5


def test_a_draw_is_the_query_s_and_the_seed_s() -> None:
    assert draw_of("q", 1) == draw_of("q", 1)
    assert len({draw_of("q", 1), draw_of("q", 2), draw_of("r", 1)}) == 3
