"""A decision before anything is called: every candidate's estimates, and what the policy would do first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.policies.base import Policy
from penstock.policies.mixture import Mixture
from penstock.router.frontier import OperatingPoint
from penstock.router.router import Router
from penstock.router.targets import Target
from penstock.state import State
from penstock.types import Query


@dataclass(frozen=True)
class Ranked:
    """One candidate on one query: expected quality and cost, and the ``score`` the policy ranks it by
    (routing: quality - lambda * cost; index: the reservation value), None where it ranks by none."""

    name: str
    quality: float
    cost: float
    score: float | None
    eligible: bool


@dataclass(frozen=True)
class FirstStep:
    """``ranking`` by falling score (or quality); ``call`` is the candidate asked first, None for nobody;
    ``policy`` the specification in force for this query, of a mixture the branch its draw takes."""

    ranking: tuple[Ranked, ...]
    call: str | None
    policy: Mapping[str, Any]
    point: OperatingPoint
    draw: float


def first_step(router: Router, query: Query, target: Target | None = None) -> FirstStep:
    """Decide without calling anything. TargetError where the target is out of reach."""
    point = router.operating_point(target)
    state = router.begin([query])
    call = int(point.policy.step(state).call[0])
    branch = branch_of(point.policy, float(state.draw[0]))
    return FirstStep(
        ranking=rank(router.candidates, state, branch),
        call=None if call < 0 else router.candidates[call],
        policy=branch.spec(),
        point=point,
        draw=float(state.draw[0]),
    )


def rank(candidates: Sequence[str], state: State, branch: Policy) -> tuple[Ranked, ...]:
    """The candidates of a batch of one, best first."""
    score = getattr(branch, "scores", None)
    scores = None if score is None else score(state)[0]
    items = [
        Ranked(
            name,
            float(state.quality[0, j]),
            float(state.cost[0, j]),
            None if scores is None or not np.isfinite(scores[j]) else float(scores[j]),
            bool(state.eligible[0, j]),
        )
        for j, name in enumerate(candidates)
    ]
    return tuple(sorted(items, key=_best_first))


def _best_first(item: Ranked) -> tuple[bool, float, float]:
    return not item.eligible, -(item.quality if item.score is None else item.score), item.cost


def branch_of(policy: Policy, draw: float) -> Policy:
    """The policy a query with this draw follows."""
    return policy.branch(draw) if isinstance(policy, Mixture) else policy


def in_words(spec: Mapping[str, Any], candidates: Sequence[str], unit: str = "USD") -> str:
    """A policy's specification as a sentence; costs are in ``unit``."""
    say = _WORDS.get(str(spec["kind"]))
    return str(spec["kind"]) if say is None else say(spec, candidates, unit)


def _cascade(spec: Mapping[str, Any], candidates: Sequence[str], unit: str) -> str:
    names = [candidates[c] for c in spec["chain"]]
    steps = [f"{n} (keep at {t:.3f} or more)" for n, t in zip(names, spec["thresholds"], strict=False)]
    return "cascade " + " -> ".join([*steps, names[-1]])


def _refusal(spec: Mapping[str, Any], candidates: Sequence[str], unit: str) -> str:
    return "on a refusal " + " -> ".join(candidates[c] for c in spec["chain"])


def _vote(spec: Mapping[str, Any], candidates: Sequence[str], unit: str) -> str:
    names = [candidates[c] for c in spec["chain"]]
    steps = [f"{n} (accept a vote of {t:.3g})" for n, t in zip(names, spec["accept"], strict=False)]
    return "cascade " + " -> ".join([*steps, names[-1]])


def _gain_cascade(spec: Mapping[str, Any], candidates: Sequence[str], unit: str) -> str:
    names = [candidates[c] for c in spec["chain"]]
    steps = [
        f"{n} (on where the next gains over {t:.3f})" for n, t in zip(names, spec["thresholds"], strict=False)
    ]
    return "cascade " + " -> ".join([*steps, names[-1]])


def _mixture(spec: Mapping[str, Any], candidates: Sequence[str], unit: str) -> str:
    cheap, dear = (in_words(spec[branch], candidates, unit) for branch in ("cheap", "dear"))
    return f"{spec['gamma']:.0%}: {cheap}; else {dear}"


def _prices(spec: Mapping[str, Any], unit: str) -> str:
    return ", ".join(f"{lam:.4g}" for lam in spec["lambdas"]) + f" quality per {unit}"


_WORDS: dict[str, Callable[[Mapping[str, Any], Sequence[str], str], str]] = {
    "fixed": lambda spec, names, unit: f"always {names[spec['candidate']]}",
    "routing": lambda spec, names, unit: f"best of quality - {spec['lambda']:.4g} x {unit}",
    "cascade": _cascade,
    "gain_cascade": _gain_cascade,
    "refusal": _refusal,
    "vote": _vote,
    "cascade_routing": lambda spec, names, unit: (
        f"cascade routing at {_prices(spec, unit)}, at most {spec['max_depth']} candidates"
    ),
    "optimal_cascade": lambda spec, names, unit: (
        f"optimal cascade {' -> '.join(names[c] for c in spec['order'])} at {_prices(spec, unit)}"
    ),
    "index": lambda spec, names, unit: f"index policy at {spec['lambda']:.4g} quality per {unit}",
    "mixture": _mixture,
}
