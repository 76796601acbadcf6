"""The headline: what the chosen policy saves at 95, 99 and 100% of the best fixed candidate's quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.report.format import (
    Footnotes,
    defined,
    interval,
    number,
    pair_of,
    reason_for,
    share,
)
from penstock.report.markup import Markup, element, join

LEVELS = ("0.95", "0.99", "1.0")


def cards(evaluation: Mapping[str, Any], notes: Footnotes) -> Markup:
    """One card per level of quality, and one for the gain ratio, of the chosen policy."""
    chosen = evaluation.get("chosen")
    policy = evaluation["policies"].get(chosen)
    if policy is None:
        return element("p", "No policy is marked as chosen, so there is no headline.", class_="remark")
    shown = [_saving_card(level, policy, notes) for level in LEVELS]
    return element("div", *shown, _gain_card(policy, notes), class_="cards")


def saving_at(policy: Mapping[str, Any], level: str) -> Mapping[str, Any]:
    """The entry of one level of quality; an empty one, with the reason, where it is null."""
    savings = policy.get("saving") or {}
    entry = savings.get(level)
    return entry if isinstance(entry, Mapping) else {"reason": reason_for(savings, level)}


def _saving_card(level: str, policy: Mapping[str, Any], notes: Footnotes) -> Markup:
    entry, asked = saving_at(policy, level), float(level)
    saving, ratio = entry.get("saving"), entry.get("quality_ratio")
    clear = (pair_of(entry.get("ci95")) or (0.0, 0.0))[0] > 0
    return element(
        "div",
        element("p", f"Saved at {share(asked, 0)} quality", class_="label"),
        element(
            "p",
            share(saving) if defined(saving) else notes.missing(reason_for(entry, "saving")),
            class_="figure good" if clear else "figure",
        ),
        _bar(saving, entry.get("ci95")),
        element("p", _bounds(entry, "saving", "ci95", notes), class_="bounds"),
        element(
            "p",
            "quality achieved ",
            element("b", share(ratio))
            if defined(ratio)
            else notes.missing(reason_for(entry, "quality_ratio")),
            _parenthesis(interval(entry.get("quality_ratio_ci95"))),
            class_="achieved",
        ),
        _verdict(asked, entry),
        class_="card",
    )


def _gain_card(policy: Mapping[str, Any], notes: Footnotes) -> Markup:
    gain, bounds = policy.get("gain_ratio"), pair_of(policy.get("gain_ratio_ci95"))
    clear = bounds is not None and bounds[0] > 0
    return element(
        "div",
        element("p", "Gain ratio", class_="label"),
        element(
            "p",
            number(gain) if defined(gain) else notes.missing(reason_for(policy, "gain_ratio")),
            class_="figure good" if clear else "figure",
        ),
        _bar(gain, policy.get("gain_ratio_ci95")),
        element("p", _bounds(policy, "gain_ratio", "gain_ratio_ci95", notes, percent=False), class_="bounds"),
        element("p", "0 is the fitted mix of fixed candidates, 1 the per-query oracle", class_="achieved"),
        class_="card",
    )


def _bounds(entry: Mapping[str, Any], of: str, key: str, notes: Footnotes, *, percent: bool = True) -> Markup:
    """The interval of ``of``; where that is undefined, so is its interval, for the same reason."""
    told = interval(entry.get(key), percent)
    return join("95% interval ", told or notes.missing(reason_for(entry, key) or reason_for(entry, of)))


def _parenthesis(bounds: str | None) -> Markup | None:
    return None if bounds is None else join(" ", element("span", f"({bounds})"))


def _verdict(asked: float, entry: Mapping[str, Any]) -> Markup | None:
    """Says so where the quality asked for was clearly missed."""
    bounds = pair_of(entry.get("quality_ratio_ci95"))
    if bounds is None or bounds[1] >= asked:
        return None
    return element("p", f"below the {share(asked, 0)} that was asked", class_="missed")


def _bar(value: object, bounds: object) -> Markup | None:
    """The number and its interval on a line from 0 (or below) to 1."""
    pair = pair_of(bounds)
    if not defined(value):
        return None
    low, high = pair or (value, value)
    start = min(0.0, max(low, -1.0))

    def at(level: float) -> float:
        return 4 + 192 * (min(max(level, start), 1.0) - start) / (1 - start)

    return element(
        "svg",
        element("line", x1=4, x2=196, y1=6, y2=6, class_="track"),
        element("line", x1=at(0), x2=at(0), y1=2, y2=10, class_="zero"),
        element("line", x1=at(low), x2=at(high), y1=6, y2=6, class_="range"),
        element("circle", cx=at(value), cy=6, r=4),
        class_="bar",
        viewBox="0 0 200 12",
        aria_hidden="true",
    )
