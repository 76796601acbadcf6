"""Policies from their specifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.errors import BundleError
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.cascade_routing import CascadeRouting, OptimalCascade
from penstock.policies.fixed import Fixed
from penstock.policies.gain_cascade import GainCascade
from penstock.policies.index import Index
from penstock.policies.lookahead import Lookahead
from penstock.policies.mixture import Mixture
from penstock.policies.refusal import RefusalCascade
from penstock.policies.routing import Routing
from penstock.policies.vote import VoteCascade


def from_spec(spec: Mapping[str, Any]) -> Policy:
    """The policy that ``spec`` was written by; BundleError for a kind or settings this version lacks."""
    kind = spec.get("kind")
    if kind not in _KINDS:
        raise BundleError(f"the bundle holds a policy of kind {kind!r}, which this version does not know")
    try:
        return _KINDS[kind](spec)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"the bundle's {kind} policy lacks a setting or has a wrong one: {error}"
        ) from error


_KINDS: dict[str, Callable[[Mapping[str, Any]], Policy]] = {
    "fixed": lambda s: Fixed(int(s["candidate"])),
    "routing": lambda s: Routing(float(s["lambda"]), bool(s["dear"])),
    "cascade": lambda s: ThresholdCascade(tuple(map(int, s["chain"])), tuple(map(float, s["thresholds"]))),
    "refusal": lambda s: RefusalCascade(tuple(map(int, s["chain"]))),
    "vote": lambda s: VoteCascade(tuple(map(int, s["chain"])), tuple(map(float, s["accept"]))),
    "gain_cascade": lambda s: GainCascade(tuple(map(int, s["chain"])), tuple(map(float, s["thresholds"]))),
    "cascade_routing": lambda s: CascadeRouting(
        tuple(map(float, s["lambdas"])),
        float(s["kappa"]),
        int(s["max_depth"]),
        bool(s["greedy"]),
        bool(s["expect"]),
        bool(s["dear"]),
        int(s["draws"]),
    ),
    "optimal_cascade": lambda s: OptimalCascade(
        tuple(map(int, s["order"])),
        tuple(map(float, s["lambdas"])),
        float(s["kappa"]),
        int(s["max_depth"]),
        bool(s["dear"]),
        int(s["draws"]),
    ),
    "index": lambda s: Index(
        float(s["lambda"]),
        float(s["kappa"]),
        None if s["runs"] is None else int(s["runs"]),
        None if s["ceiling"] is None else float(s["ceiling"]),
        bool(s["dear"]),
    ),
    "lookahead": lambda s: Lookahead(
        float(s["lambda"]), int(s["first"]), int(s["then"]), None if s["runs"] is None else int(s["runs"])
    ),
    "mixture": lambda s: Mixture(from_spec(s["cheap"]), from_spec(s["dear"]), float(s["gamma"])),
}
