"""The page and the claims of the SATER experiment, on answers made up here."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.experiments import sater_claims as claims
from benchmarks.experiments.sater import result_of
from benchmarks.experiments.sater_answers import Answers, Items, answers_of
from benchmarks.experiments.sater_runs import FCV, RCV, Found, Plan, Trained
from penstock.candidates import REFUSAL
from penstock.core.votes import NO_VOTE
from penstock.lab.tasks import generate
from penstock.training.sater.settings import THRESHOLDS
from penstock.types import BoolArray, IntArray

N, K = 240, 10


@pytest.fixture(scope="module")
def items() -> Items:
    problems = tuple(generate(N, 9))
    return Items(problems, np.array([len(p.prompt.split()) for p in problems]))


def made(right: BoolArray, tokens: IntArray, refused: BoolArray | None = None) -> Answers:
    """Answers (n, m): right ones vote for code 0, wrong ones each for a code of their own."""
    silent = np.zeros_like(right) if refused is None else refused
    wrong = np.broadcast_to(np.arange(1, right.shape[1] + 1), right.shape)
    ballot = np.where(silent, NO_VOTE, np.where(right, 0, wrong))
    return Answers(right & ~silent, silent, np.where(silent, 8, tokens), ballot)


@pytest.fixture(scope="module")
def found(items: Items) -> Found:
    """A model whose chance of being right falls with the level, and that knows it."""
    rng = np.random.default_rng(5)
    chance = 1.05 - 0.125 * items.level
    luck = rng.random((N, K))
    base = chance[:, None] > luck
    long = np.broadcast_to(10 * items.level[:, None], (N, K))
    thresholds = np.array(THRESHOLDS)
    refused = chance[:, None] < thresholds
    plain = np.concatenate([base[:, :1], base[:, [0] * 10]], axis=1)
    told = np.concatenate([np.zeros((N, 1), dtype=bool), refused], axis=1)
    trained = Trained(
        one=made(base[:, :1], long[:, :1] // 2),
        two=made(plain, np.repeat(long[:, :1] // 2, 11, axis=1), told),
        votes={
            RCV: made(base, long // 2, refused),
            FCV: made(base, long // 2, np.repeat(refused[:, 4:5], K, axis=1)),
        },
        seconds=1.0,
    )
    large = made(np.ones((N, 1), dtype=bool), long[:, :1])
    plan = Plan(seeds=2, items=N, voted=N, operating={13.75: RCV, 100.0: FCV})
    return Found(plan, items, made(base[:, :1], long[:, :1]), made(base, long), large, (trained,) * 2, 1000.0)


def test_a_model_that_knows_itself_holds_every_claim_of_both_stages(found: Found) -> None:
    for claim in (*claims.stage_one(found), *claims.stage_two(found)):
        assert claim.required
        assert claim.holds, claim.text
    assert all(claim.holds for claim in claims.against_self_consistency(found)[:2])


def test_lost_accuracy_is_seen_in_total_and_by_skill(found: Found) -> None:
    wrong = found.items.skill[:, None] == 1
    worse = [replace(t, one=replace(t.one, correct=t.one.correct & ~wrong)) for t in found.trained]
    shorter, total, skill = claims.stage_one(replace(found, trained=tuple(worse)))
    assert shorter.holds
    assert not total.holds
    assert not skill.holds
    assert "string" in skill.text


def test_long_responses_of_one_seed_break_the_claim(found: Found) -> None:
    second = replace(found.trained[1], one=replace(found.trained[1].one, tokens=found.base.tokens))
    assert not claims.stage_one(replace(found, trained=(found.trained[0], second)))[0].holds


def test_refusals_that_ignore_the_threshold_break_the_claims(found: Found) -> None:
    same = [
        replace(
            t,
            two=Answers(
                np.repeat(t.two.correct[:, 5:6], 11, axis=1),
                np.repeat(t.two.refused[:, 5:6], 11, axis=1),
                t.two.tokens,
                t.two.ballot,
            ),
        )
        for t in found.trained
    ]
    threshold, level, accuracy = claims.stage_two(replace(found, trained=tuple(same)))
    assert not threshold.holds
    assert level.holds
    assert not accuracy.holds


def test_what_a_bound_of_one_point_needs() -> None:
    assert claims.items_needed(0.5, 0.01) == 9604
    assert claims.items_needed(0.25, 0.01) == 2401


def test_the_ceiling_is_the_small_models_share_of_the_cost(found: Found) -> None:
    for at in claims.matched(found):
        for ratio, way in found.plan.operating.items():
            assert 0 < at.ceiling(ratio) <= 1
            routes_less = at.at[way]["routed"] < at.before["routed"]
            assert at.saved(way, ratio) < at.ceiling(ratio) or routes_less
        assert at.ceiling(13.75) >= at.ceiling(100.0)
        assert (at.ceiling(13.75) == 1.0) == (at.before["routed"] == 0.0)


def test_points_beyond_the_best_are_left_out() -> None:
    line = [
        {"quality": q, "routed": r} for q, r in ((0.5, 0.0), (0.8, 0.2), (0.8, 0.3), (0.9, 0.4), (0.7, 0.9))
    ]
    assert [point["routed"] for point in claims.rising(line)] == [0.0, 0.2, 0.4]


def test_a_quality_below_every_vote_is_reached_by_a_lot_with_the_model_alone(found: Found) -> None:
    (at,) = [m for m in claims.matched(found) if m.tau == 0.1]
    alone = float(np.mean(found.trained[0].two.correct[:, 0]))
    first = claims.sweep_of(found, found.trained[0], RCV)[0]
    best = float(first.quality(found.large.correct[:, 0]).mean())
    assert alone < at.quality < best
    share = (at.quality - alone) / (best - alone)
    assert at.at[RCV]["routed"] == pytest.approx(share * first.routed.mean())
    assert at.at[RCV]["arol"] == pytest.approx(first.waiting.arol)


def test_every_ratio_reports_the_vote_chosen_for_it(found: Found) -> None:
    *_, cheap, dear = claims.against_self_consistency(found)
    assert "13.75" in cheap.text
    assert RCV.name in cheap.text
    assert FCV.name in dear.text
    assert found.plan.ways == (RCV, FCV)
    assert set(found.plan.ways) < set(replace(found.plan, development=True).ways)


def test_the_page_has_every_part_and_a_well_formed_figure(found: Found) -> None:
    result = result_of(found)
    for part in ("Stage I", "Stage II", "RCV", "FCV", "ToGR, 13.75", "AROL, ms", "level 8", "Adaptive"):
        assert part in result.body
    ElementTree.fromstring(result.figures["sater.svg"])


def test_answers_are_scored_and_coded(items: Items) -> None:
    right = f"x . answer : {items.problems[0].reference}"
    texts = [(right, 5), ("nothing", 3), (REFUSAL, 8), ("answer : 1 2 3", 4), (right, 6)]
    got = answers_of(items.first(1), [texts])
    assert got.correct.tolist() == [[True, False, False, False, True]]
    assert got.refused.tolist() == [[False, False, True, False, False]]
    assert got.ballot.tolist() == [[0, NO_VOTE, NO_VOTE, NO_VOTE, 0]]
    assert got.tokens.tolist() == [[5, 3, 8, 4, 6]]
