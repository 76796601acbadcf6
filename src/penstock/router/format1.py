"""Bundles of format 1, which penstock 0.1 wrote: their settings and arrays, as format 2 has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.codec import missing_kind
from penstock.core.ngrams import FEATURES_VERSION
from penstock.outcomes.cost_unit import CostUnit
from penstock.registry import Room
from penstock.router.targets import Target

Settings = Mapping[str, Any]
Arrays = dict[str, NDArray[Any]]
Part = tuple[dict[str, Any], Arrays]
"""Settings and arrays of one part, arrays by path."""


def upgraded(settings: Settings, arrays: Mapping[str, NDArray[Any]]) -> Part:
    """The settings and arrays of format 2 that decide the same. BundleError for a kind that is gone."""
    parts: dict[str, Part] = {name: (dict(own), {}) for name, own in settings["belief"].items()}
    for path, value in arrays.items():
        name, _, inner = path.partition("/")
        parts[name][1][inner] = value
    target = Target.parse(settings["target"])
    unit = CostUnit.parse(settings.get("cost_unit", "usd"))  # bundles without it were all in USD
    best = _point(settings["best_fixed"])
    model, found = _model(parts)
    return {
        "candidates": settings["candidates"],
        "model": model,
        "frontier": {
            "points": [_point(p) for p in settings["frontier"]],
            "best_fixed": best,
            "unit": {"usd": unit.usd, "latency": unit.latency},
            "deterministic": bool(settings.get("deterministic", False)),
        },
        "fixed_mixture": {
            "points": [_point(p) for p in settings["mix"]],
            "best_fixed": best,
            "unit": {"usd": unit.usd, "latency": unit.latency},
        },
        "target": {"kind": target.kind.value, "value": target.value},
        "seed": settings["seed"],
        "provenance": settings["provenance"],
    }, _under("model", found)


def policy_spec(spec: Settings) -> dict[str, Any]:
    """A policy's specification in the words of format 2; those are left as they are."""
    kind = str(spec.get("kind"))
    renamed = {_RENAMED.get((kind, k), _RENAMED.get(("", k), k)): value for k, value in spec.items()}
    if spec.get("kind") == "mixture":
        renamed |= {branch: policy_spec(renamed[branch]) for branch in ("cheap", "expensive")}
    return renamed


_RENAMED: Mapping[tuple[str, str], str] = {
    ("mixture", "dear"): "expensive",
    ("", "dear"): "prefer_expensive",
    ("", "runs"): "max_calls",
    ("", "ceiling"): "max_quality",
}


def _point(item: Settings) -> dict[str, Any]:
    return {**item, "policy": policy_spec(item["policy"])}


def _model(parts: Mapping[str, Part]) -> Part:
    encoder, encoder_arrays = parts["encoder"]
    fitted, fitted_arrays = _fitted(*parts["fitted"])
    shrinkage, means = parts["shrinkage"]
    cost, cost_arrays = parts["cost"]
    arrays = {
        **_under("encoder", _embedding(encoder_arrays)),
        **_under("fitted", fitted_arrays),
        **_under("shrinkage", means),
        "cost/mean_cost": cost_arrays["mean_cost"],
        "cost/linear/intercept": cost_arrays["intercept"],
        "cost/linear/coefficients": cost_arrays["coefficients"],
        "cost/shrinkage/means": cost_arrays["shrink_to"],
    }
    settings: dict[str, Any] = {
        "encoder": _encoder(encoder),
        "fitted": fitted,
        "shrinkage": shrinkage,
        "cost": {
            "linear": {"kind": "linear", "logistic": False},
            "shrinkage": {"common": cost["common"], "contrast": cost["contrast"]},
            "mean_chars": cost["mean_chars"],
        },
        "post_hoc": None,
    }
    own = _logistic(*parts["post_hoc"]) if "post_hoc" in parts else None
    if "consensus" in parts:
        settings["post_hoc"], found = _agreement(*parts["consensus"], own)
        arrays |= _under("post_hoc", found)
    elif own is not None:
        settings["post_hoc"] = own[0]
        arrays |= _under("post_hoc", own[1])
    return settings, arrays


def _encoder(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {name: settings[name] for name in ("use_task", "use_prompt")}
    found["features_version"] = FEATURES_VERSION
    if "text_model" in settings:
        found["model"] = settings["text_model"]
    if "embedder" in settings:
        found |= {"embedder": settings["embedder"], "weight": settings["embedding_weight"]}
    return found


def _embedding(arrays: Arrays) -> Arrays:
    plain = {name.removeprefix("embedding."): value for name, value in arrays.items()}
    return {name.replace("text_model.", "model/"): value for name, value in plain.items()}


def _logistic(settings: Settings, arrays: Arrays) -> Part:
    found = {k: v for k, v in arrays.items() if not k.startswith("reader_")}
    found["information_share"] = found.pop("look")
    own: dict[str, Any] = {
        "kind": "logistic",
        "features": settings["signals"],
        "features_version": FEATURES_VERSION,
        "verifier": None,
    }
    if "reader_words" in arrays:
        own["verifier"] = {}
        found |= {f"verifier/{name}": arrays[f"reader_{name}"] for name in ("words", "level")}
    return own, found


def _agreement(settings: Settings, arrays: Arrays, own: Part | None) -> Part:
    form = str(settings["form"])
    comparison = (
        {"kind": "meaning", "cosine": settings["cosine"], "embedder": settings["embedder"]}
        if form == "meaning"
        else {"kind": "text", "normal_form": form}
    )
    found = {f"params/{name}": arrays[name] for name in ("level", "weight", "wrong", "right")}
    found["slope"] = arrays["slope"]
    if own is not None:
        found |= _under("own", own[1])
    return {
        "kind": "agreement",
        "params": {},
        "comparison": comparison,
        "feature_weight": settings.get("own", 1.0),
        "own": None if own is None else own[0],
    }, found


def _fitted(settings: Settings, arrays: Arrays) -> Part:
    kind = str(settings["kind"])
    if kind not in _FITTED:
        raise missing_kind(Room.FITTED_ESTIMATOR, kind)
    found, own = _FITTED[kind](settings, arrays)
    return {"kind": kind, **found}, own


def _as_it_was(settings: Settings, arrays: Arrays) -> Part:
    return {k: v for k, v in settings.items() if k != "kind"}, arrays


def _means(settings: Settings, arrays: Arrays) -> Part:
    return {}, {**arrays, "tasks": np.array(settings["tasks"], dtype=np.str_)}


def _kernel(settings: Settings, arrays: Arrays) -> Part:
    mapped = {f"map/{name}": arrays[name] for name in ("landmarks", "project")}
    own = {name: arrays[name] for name in ("intercept", "slopes")}
    return {"map": {"variance": settings["variance"]}}, {**mapped, **own}


def _encoder_scores(settings: Settings, arrays: Arrays) -> Part:
    linear = {f"regression/{name}": arrays[name] for name in ("intercept", "coefficients")}
    own = {name: arrays[name] for name in ("centre", "scale")}
    return {"regression": {"kind": "linear", "logistic": settings["logistic"]}}, {**linear, **own}


def _members(settings: Settings, arrays: Arrays) -> Part:
    """The members' settings in order, and their arrays from ``0.``, ``1.``, ... to ``members/0/`` and so
    on."""
    found, own = [], {k: v for k, v in arrays.items() if not k.partition(".")[0].isdigit()}
    for i, member in enumerate(settings["members"]):
        prefix = f"{i}."
        parts = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        plain, moved = _fitted(member, parts)
        found.append(plain)
        own |= _under(f"members/{i}", moved)
    return {"members": found}, own


def _ensemble(settings: Settings, arrays: Arrays) -> Part:
    found, own = _members(settings, arrays)
    means, common, contrast = (own.pop(name) for name in ("means", "common", "contrast"))
    told = zip(common.tolist(), contrast.tolist(), strict=True)
    found["shrinkages"] = [{"common": a, "contrast": b} for a, b in told]
    return found, own | {f"shrinkages/{i}/means": row for i, row in enumerate(means)}


def _calibrated(settings: Settings, arrays: Arrays) -> Part:
    found, own = _members(settings, arrays)
    count = len(own["shift"])
    curves = {f"curves/{j}/{name}": own.pop(f"{name}.{j}") for j in range(count) for name in ("at", "value")}
    member = {k.replace("members/0/", "member/", 1): v for k, v in own.items()}
    return {"member": found["members"][0], "curves": [{}] * count}, member | curves


_FITTED: Mapping[str, Callable[[Settings, Arrays], Part]] = {
    "means": _means,
    "knn": _as_it_was,
    "clusters": _as_it_was,
    "linear": _as_it_was,
    "latent": _as_it_was,
    "encoder": _encoder_scores,
    "kernel": _kernel,
    "stack": _members,
    "blend": _members,
    "ensemble": _ensemble,
    "calibrated": _calibrated,
}


def _under(name: str, arrays: Arrays) -> Arrays:
    return {f"{name}/{key}": value for key, value in arrays.items()}
