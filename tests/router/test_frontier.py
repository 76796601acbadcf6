"""The operating points that targets lead to."""

from __future__ import annotations

import pytest

from penstock.errors import TargetError
from penstock.policies.fixed import Fixed
from penstock.policies.mixture import Mixture
from penstock.router.frontier import Frontier, OperatingPoint, Position
from penstock.router.targets import Target, TargetKind

POINTS = tuple(
    OperatingPoint(Fixed(i), cost, quality, share)
    for i, (cost, quality, share) in enumerate([(1.0, 0.4, 0.0), (2.0, 0.7, 0.3), (6.0, 0.9, 0.9)])
)
BEST = OperatingPoint(Fixed(3), 8.0, 0.8, 1.0)
FRONTIER = Frontier(POINTS, BEST)


def at(text: str) -> OperatingPoint:
    return FRONTIER.at(Target.parse(text))


@pytest.mark.parametrize("budget", [1.0, 1.3, 2.0, 3.7, 6.0])
def test_a_budget_is_spent_exactly(budget: float) -> None:
    assert at(f"budget={budget}").cost == pytest.approx(budget)


def test_a_slack_budget_takes_the_last_point() -> None:
    assert at("budget=100").policy == Fixed(2)


def test_a_budget_between_two_points_mixes_them_with_the_cheap_one_s_probability() -> None:
    point = at("budget=1.25")
    assert point.policy == Mixture(Fixed(0), Fixed(1), 0.75)
    assert (point.cost, point.quality, point.strong_share) == pytest.approx((1.25, 0.475, 0.075))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.6, 0.875, 1.0, 1.125])
def test_a_quality_is_met_at_the_least_cost(share: float) -> None:
    point = at(f"quality={share}")
    assert point.quality == pytest.approx(max(share * 0.8, 0.4))
    assert point.cost == pytest.approx(
        {0.0: 1.0, 0.5: 1.0, 0.6: 1 + 0.08 / 0.3, 0.875: 2.0, 1.0: 4.0}.get(share, 6.0)
    )


def test_savings_are_of_the_best_fixed_candidate_s_cost() -> None:
    assert at("savings=0.5").cost == pytest.approx(4.0)
    assert at("savings=0.875").policy == Fixed(0)
    assert at("savings=0").policy == Fixed(2)


def test_a_strong_share_is_not_exceeded() -> None:
    assert at("strong_share=0").policy == Fixed(0)
    assert at("strong_share=0.6").strong_share == pytest.approx(0.6)
    assert at("strong_share=1").policy == Fixed(2)


def test_a_strong_share_that_falls_again_takes_the_dearest_place() -> None:
    shares = [0.0, 0.8, 0.2, 1.0]
    points = tuple(OperatingPoint(Fixed(i), 1.0 + i, 0.1 * i, s) for i, s in enumerate(shares))
    assert Frontier(points, BEST).locate(Target.parse("strong_share=0.2")) == Position(2, 3, 1.0)
    assert Frontier(points, BEST).at(Target.parse("strong_share=0.6")).strong_share == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("budget=0.5", r"cheapest this pool does costs 1 USD per query \(budget=1, savings=0.875\)"),
        ("budget=0", r"budget=1,"),
        ("savings=0.9", r"savings=0.875"),
        ("quality=1.2", r"best this pool reaches is quality=1.125 at 6 USD"),
    ],
)
def test_what_is_out_of_reach_names_the_nearest(target: str, nearest: str) -> None:
    with pytest.raises(TargetError, match=nearest) as caught:
        at(target)
    assert target in str(caught.value)
    reachable = str(caught.value).split("(")[-1].split(",")[0] if "budget=" in nearest else None
    if reachable:
        assert at(reachable).policy == Fixed(0), "the nearest that is named can be met"


def test_a_strong_share_out_of_reach() -> None:
    lone = Frontier((OperatingPoint(Fixed(0), 1.0, 0.5, 1.0),), OperatingPoint(Fixed(0), 1.0, 0.5, 1.0))
    with pytest.raises(TargetError, match=r"the least this pool does is strong_share=1"):
        lone.at(Target.parse("strong_share=0.5"))
    for text in ("budget=1", "budget=2", "quality=1", "savings=0", "strong_share=1"):
        assert lone.at(Target.parse(text)).policy == Fixed(0)


@pytest.mark.parametrize("target", ["budget=2.5", "savings=0.3", "strong_share=0.4", "quality=0.8"])
def test_without_mixing_a_target_is_met_by_one_vertex(target: str) -> None:
    points = tuple(
        OperatingPoint(Fixed(j), cost, quality, share)
        for j, (cost, quality, share) in enumerate([(1.0, 0.5, 0.0), (2.0, 0.7, 0.0), (4.0, 0.8, 1.0)])
    )
    mixed = Frontier(points, points[-1])
    single = Frontier(points, points[-1], deterministic=True)
    asked = Target.parse(target)
    point = single.at(asked)
    assert isinstance(point.policy, Fixed)
    if asked.kind is TargetKind.QUALITY:
        assert point.quality >= mixed.at(asked).quality
    else:
        assert point.cost <= mixed.at(asked).cost
        assert point.strong_share <= mixed.at(asked).strong_share
