"""Several routers evaluated as one subject."""

from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.errors import InputError
from penstock.evaluation.evaluate import evaluate, evaluate_router
from penstock.evaluation.subject import of_fit, of_routers
from penstock.fitting.result import Fit, router_of
from penstock.outcomes.cost_unit import LATENCY
from penstock.outcomes.matrix import OutcomeMatrix
from penstock.router.router import FittedRouter
from penstock.router.targets import Target


def routers(fit: Fit) -> list[FittedRouter]:
    """One for every option of a fit."""
    made = (replace(fit, chosen=name) for name in fit.options)
    return [router_of(one, Target.parse("savings=0"), seed=0, provenance={}) for one in made]


def test_each_is_measured_as_it_is_alone(fitted: Fit, test_matrix: OutcomeMatrix) -> None:
    several = routers(fitted)
    subject = of_routers(several)
    assert list(subject.options) == list(fitted.options)
    assert subject.chosen == next(iter(fitted.options))
    assert (subject.candidates, subject.best_fixed) == (of_fit(fitted).candidates, of_fit(fitted).best_fixed)
    assert subject.questions == fitted.questions
    together = evaluate(subject, test_matrix, dataset="t", draws=30)["policies"]
    for name, router in zip(fitted.options, several, strict=True):
        alone = evaluate_router(router, test_matrix, dataset="t", draws=30)["policies"][name]
        assert {**together[name], "seconds": None} == {**alone, "seconds": None}


def test_names_can_be_given_and_have_to_differ(fitted: Fit) -> None:
    first, second, *_ = routers(fitted)
    assert of_routers([first, second], ["old", "new"]).chosen == "old"
    for same in (of_routers, lambda r: of_routers(r, ["a", "a"])):
        with pytest.raises(InputError, match="a name of its own"):
            same([first, first])


def test_only_routers_of_one_pool_are_compared(fitted: Fit) -> None:
    first, second, *_ = routers(fitted)
    with pytest.raises(InputError, match="the same candidates and costs"):
        of_routers([first, replace(second, candidates=("a", "b", "c"))])
    with pytest.raises(InputError, match="the same candidates and costs"):
        of_routers([first, replace(second, frontier=replace(second.frontier, unit=LATENCY))])
