"""Refusals and votes in a fit: the two families, and what a fitted router makes of them live."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from penstock.answers.features import SIGNALS, Observations, observe, signals
from penstock.evaluation.evaluate import evaluate_fit
from penstock.fitting.fit import fit_grid
from penstock.fitting.search_spaces import refusal, vote
from penstock.fitting.settings import FitSettings
from penstock.outcomes.matrix import Grid
from penstock.policies.refusal import RefusalCascade
from penstock.policies.vote import VoteCascade
from penstock.router.replay import Beliefs
from penstock.types import Answer, Query, Status, Usage

N = 400
NAMES = ("small at 0.7", "small x10", "large")


def grid(seed: int) -> Grid:
    """The first mostly refuses what it would get wrong; the share of the second's vote says what it knows."""
    rng = np.random.default_rng(seed)
    knows = rng.random(N)
    refused = rng.random(N) > knows
    share = np.clip(np.round(knows + rng.normal(0, 0.1, N), 1), 0.1, 1.0)
    quality = np.column_stack(
        [(rng.random(N) < knows + 0.3) & ~refused, rng.random(N) < knows, rng.random(N) < 0.95]
    ).astype(float)
    cost = np.tile([1.0, 2.0, 40.0], (N, 1))

    def answer_of(i: int, j: int) -> Answer:
        if j == 0 and refused[i]:
            return Answer(NAMES[0], "Sorry, I can't answer that.", Status.REFUSED, Usage(5, 7))
        confidence = float(share[i]) if j == 1 else None
        return Answer(NAMES[j], "4", usage=Usage(5, 20), extracted="4", confidence=confidence)

    queries = tuple(Query.from_prompt(f"{seed}-{i}", f"question number {i}") for i in range(N))
    return Grid(queries, NAMES, quality, cost, np.ones((N, 3)), answer_of)


def beliefs_of(table: Grid) -> tuple[Beliefs, Observations]:
    seen = observe(table.answer_of, *table.quality.shape)
    half = np.full(table.quality.shape, 0.5)
    return Beliefs(half, half, table.cost, np.zeros(N), None, ~seen.answered, seen.confidence), seen


def test_the_share_of_a_vote_is_a_signal() -> None:
    answer = Answer("a", "4", confidence=0.7)
    assert dict(zip(SIGNALS, signals(answer), strict=True))["confidence"] == 0.7
    _, seen = beliefs_of(grid(0))
    assert np.isnan(seen.confidence[:, [0, 2]]).all()
    assert not np.isnan(seen.confidence[:, 1]).any()


def test_the_families_hold_who_refuses_and_who_votes() -> None:
    table = grid(0)
    beliefs, _ = beliefs_of(table)
    quality, cost = table.quality.mean(axis=0), table.cost.mean(axis=0)
    found = refusal(beliefs, quality, cost)
    assert RefusalCascade((0, 2)) in found
    assert all(policy.chain[0] == 0 for policy in found if isinstance(policy, RefusalCascade))
    votes = [policy for policy in vote(beliefs, quality, cost) if isinstance(policy, VoteCascade)]
    assert {policy.chain for policy in votes} == {(1, 2)}
    assert {policy.accept[0] for policy in votes} == {t / 10 for t in range(1, 11)}
    blind = replace(beliefs, refused=None, confidence=None)
    assert refusal(blind, quality, cost) == vote(blind, quality, cost) == []


def test_a_fit_finds_both_modes_worth_it_and_a_refusal_is_worth_nothing_live() -> None:
    fit = fit_grid(grid(1), FitSettings(("ridge",), ("refusal", "vote"), directions=8))
    assert {"refusal/ridge", "vote/ridge"} <= set(fit.options)
    assert all(fit.options[name].kept > 0 for name in ("refusal/ridge", "vote/ridge"))
    found = evaluate_fit(fit, grid(2), dataset="made", draws=50)
    assert found["chosen"] in {"refusal/ridge", "vote/ridge"}
    belief = fit.option.belief
    assert belief.after(0.9, Answer(NAMES[0], status=Status.REFUSED), 0) == 0.0
