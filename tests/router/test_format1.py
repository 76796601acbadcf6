"""Bundles of format 1: three that penstock 0.1 wrote decide as they did then, and go on to in format 2."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.belief import Answered, observe
from penstock.errors import BundleError
from penstock.outcomes.cost_unit import USD
from penstock.policies.base import policy_from
from penstock.policies.cascade_routing import CascadeRouting
from penstock.policies.fixed import Fixed
from penstock.policies.index import Index
from penstock.policies.lookahead import ValueOfInformation
from penstock.policies.mixture import Mixture
from penstock.policies.routing import Routing
from penstock.registry import entry_of, registered
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.format1 import policy_spec
from penstock.router.frontier import Frontier
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.types import Answer, Query, Usage

ASSETS = Path(__file__).parents[1] / "assets" / "format1"
BUNDLES = ("routing", "lookahead", "sequential")
NAMES = ("small", "middle", "large")
PROMPTS: list[dict[str, Any]] = json.loads((ASSETS / "queries.json").read_text())
DECISIONS: dict[str, Any] = json.loads((ASSETS / "decisions.json").read_text())


def answer_of(item: dict[str, Any], column: int) -> Answer:
    """What a candidate said to a prompt then."""
    said = item["answers"][column]
    return Answer(
        NAMES[column],
        said["text"],
        usage=Usage(20, 12),
        logprobs=tuple(said["logprobs"]),
        finish_reason="stop",
    )


def assert_decides(router: FittedRouter, expected: list[dict[str, Any]]) -> None:
    """Each prompt by itself, as a gateway would: estimates, calls and what is accepted."""
    policy = router.policy_for(None)
    for item, wanted in zip(PROMPTS, expected, strict=False):
        belief = router.believe([Query.from_prompt(item["id"], item["prompt"])])
        state, calls = belief.begin(), []
        np.testing.assert_allclose([state.quality[0], state.cost[0]], wanted["before"], rtol=0, atol=1e-12)
        while (column := int((step := policy.step(state)).call[0])) >= 0:
            calls.append(column)
            state = observe(belief, state, Answered.live(column, answer_of(item, column)))
        assert (calls, int(step.accept[0])) == (wanted["calls"], wanted["accept"]), item["id"]
        np.testing.assert_allclose(state.quality[0], wanted["after"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_decides_as_it_did(name: str) -> None:
    assert len(DECISIONS[name]) == len(PROMPTS) == 200
    assert len({(*d["calls"], d["accept"]) for d in DECISIONS[name]}) > 1, "all decisions are the same"
    assert_decides(load_bundle(ASSETS / f"{name}.penstock"), DECISIONS[name])


@pytest.mark.parametrize("name", BUNDLES)
def test_saved_again_it_decides_the_same(name: str, tmp_path: Path) -> None:
    router, path = load_bundle(ASSETS / f"{name}.penstock"), tmp_path / "again.penstock"
    save_bundle(router, path)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("manifest.json"))["version"] == 2
    again = load_bundle(path)
    assert (again.frontier, again.fixed_mixture, again.target, again.seed, again.provenance) == (
        router.frontier,
        router.fixed_mixture,
        router.target,
        router.seed,
        router.provenance,
    )
    assert_decides(again, DECISIONS[name])


def kinds_then() -> list[str]:
    return [str(spec["kind"]) for spec in DECISIONS["sequential specs"]]


@pytest.mark.parametrize("index", range(len(kinds_then())), ids=kinds_then())
def test_every_kind_of_policy_decides_as_it_did(index: int, tmp_path: Path) -> None:
    """The bundle's frontier holds one of each, and each is followed alone."""
    router = load_bundle(ASSETS / "sequential.penstock")
    point = router.frontier.points[index]
    assert entry_of(type(point.policy)).name == kinds_then()[index]
    alone = replace(
        router, frontier=Frontier((point,), router.frontier.best_fixed), target=Target.parse("budget=1")
    )
    expected = DECISIONS["sequential by policy"][index]
    assert len(expected) == 40
    assert_decides(alone, expected)
    save_bundle(alone, tmp_path / "again.penstock")
    assert_decides(load_bundle(tmp_path / "again.penstock"), expected)


def test_no_kind_of_policy_is_left_out() -> None:
    later = {"copula_cascade"}
    built_in = {name for name, item in registered("policy").items() if item.distribution == "penstock"}
    assert {*kinds_then(), "mixture"} == built_in - later


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"kind": "fixed", "candidate": 2}, Fixed(2)),
        ({"kind": "routing", "lambda": 2.0, "dear": True}, Routing(2.0, prefer_expensive=True)),
        (
            {"kind": "index", "lambda": 2.0, "kappa": 0.6, "runs": 3, "ceiling": None, "dear": True},
            Index(2.0, 0.6, max_calls=3, max_quality=None, prefer_expensive=True),
        ),
        (
            {"kind": "lookahead", "lambda": 2.0, "first": 1, "then": 0, "runs": None},
            ValueOfInformation(2.0, 1, 0),
        ),
        (
            {
                "kind": "mixture",
                "gamma": 0.25,
                "cheap": {"kind": "routing", "lambda": 9.0, "dear": False},
                "dear": {"kind": "routing", "lambda": 2.0, "dear": True},
            },
            Mixture(Routing(9.0), Routing(2.0, prefer_expensive=True), 0.25),
        ),
        (
            {
                "kind": "cascade_routing",
                "lambdas": [2.0, 3.0],
                "kappa": 0.6,
                "max_depth": 2,
                "greedy": True,
                "expect": False,
                "dear": True,
                "draws": 64,
            },
            CascadeRouting((2.0, 3.0), 0.6, 2, True, False, True, 64),
        ),
    ],
)
def test_settings_have_their_new_names(then: dict[str, Any], now: object) -> None:
    before = json.dumps(then)
    assert policy_from(policy_spec(then)) == now
    assert json.dumps(then) == before
    assert policy_spec(policy_spec(then)) == policy_spec(then), "new names are left as they are"


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Writes the routing bundle with other settings and honest checksums."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        with zipfile.ZipFile(ASSETS / "routing.penstock") as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        settings = json.loads(parts["router.json"])
        change(settings)
        parts["router.json"] = json.dumps(settings).encode()
        sums = {name: sha256(parts[name]).hexdigest() for name in ("router.json", "arrays.npz")}
        manifest = json.loads(parts["manifest.json"]) | {"sha256": sums}
        assert manifest["version"] == 1
        parts["manifest.json"] = json.dumps(manifest).encode()
        path = tmp_path / "changed.penstock"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in parts.items():
                archive.writestr(name, data)
        return path

    return write


Change = Callable[[dict[str, Any]], None]


def test_without_a_unit_costs_are_in_usd(changed: Callable[[Change], Path]) -> None:
    assert load_bundle(changed(lambda s: s.pop("cost_unit", None))).cost_unit == USD
    seconds = load_bundle(changed(lambda s: s.update(cost_unit="usd+0.5*latency")))
    assert str(seconds.cost_unit) == str(seconds.fixed_mixture.unit) == "usd+0.5*latency"


def test_whether_targets_are_mixed_is_kept(changed: Callable[[Change], Path]) -> None:
    assert not load_bundle(changed(lambda s: s.pop("deterministic", None))).frontier.deterministic
    assert load_bundle(changed(lambda s: s.update(deterministic=True))).frontier.deterministic


@pytest.mark.parametrize("kind", ["boosting", "guarded_knn"])
def test_a_kind_that_is_gone_names_the_last_version_that_had_it(
    kind: str, changed: Callable[[Change], Path]
) -> None:
    path = changed(lambda s: s["belief"]["fitted"].update(kind=kind))
    with pytest.raises(BundleError, match=rf"changed.penstock: .*{kind!r}, which penstock no longer.*0\.1"):
        load_bundle(path)
    path = changed(lambda s: s["belief"]["fitted"]["members"][0].update(kind=kind))
    with pytest.raises(BundleError, match=rf"changed.penstock: .*{kind!r}, which penstock no longer.*0\.1"):
        load_bundle(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("belief"),
        lambda s: s.pop("target"),
        lambda s: s.update(target="budget=-1"),
        lambda s: s.update(frontier=[]),
        lambda s: s.update(frontier=None),
        lambda s: s.update(mix=[{"policy": ["fixed"]}]),
        lambda s: s.update(candidates=["one"]),
        lambda s: s["belief"].pop("cost"),
        lambda s: s["belief"].pop("encoder"),
        lambda s: s["belief"]["fitted"].update(kind="magic"),
        lambda s: s["belief"].update(fitted=3),
        lambda s: s["frontier"][0]["policy"].update(kind="magic"),
    ],
)
def test_what_is_missing_or_strange_is_one_clear_error(
    change: Change, changed: Callable[[Change], Path]
) -> None:
    with pytest.raises(BundleError, match=r"changed\.penstock"):
        load_bundle(changed(change))
