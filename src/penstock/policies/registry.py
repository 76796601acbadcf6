"""Policies from their specifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.errors import BundleError
from penstock.policies.base import Policy
from penstock.policies.cascade import ThresholdCascade
from penstock.policies.fixed import Fixed
from penstock.policies.mixture import Mixture
from penstock.policies.routing import Routing


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
    "mixture": lambda s: Mixture(from_spec(s["cheap"]), from_spec(s["dear"]), float(s["gamma"])),
}
