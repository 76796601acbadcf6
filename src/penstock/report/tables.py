"""The tables of a report: every policy, asked against achieved, and the points of the chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.report.cards import LEVELS, saving_at
from penstock.report.curves import CONTROLS, by_area, marks_of
from penstock.report.format import (
    Footnotes,
    Money,
    defined,
    duration,
    interval,
    number,
    reason_for,
    share,
    signed,
)
from penstock.report.markup import Markup, element, join


def policies(evaluation: Mapping[str, Any], notes: Footnotes) -> Markup:
    """Every policy, the chosen one first, and the controls they are measured against."""
    chosen, entries = evaluation.get("chosen"), evaluation["policies"]
    names = ([chosen] if chosen in entries else []) + by_area(entries, without=chosen)
    rows = [_policy_row(str(name), entries[name], name == chosen, notes) for name in names]
    controls = evaluation["controls"]
    rows += [
        _control_row(name, controls[key], notes) for key, _, name in reversed(CONTROLS) if controls.get(key)
    ]
    savings = [f"saving at {share(float(level), 0)}" for level in LEVELS]
    heads = ["policy / estimator", "gain ratio", "AUC", "AUC, published range", *savings, "time"]
    return table("All policies", heads, rows)


def asked_achieved(evaluation: Mapping[str, Any], money: Money, notes: Footnotes) -> Markup | None:
    """What was asked for, what fitting rows promised, and what test rows gave."""
    entries = evaluation.get("asked_achieved")
    if not entries:
        return None
    rows = [_asked_row(entry, money, notes) for entry in entries]
    heads = ["target", "asked", "expected cost", "expected quality", "achieved cost", "achieved quality"]
    heads += ["relative to the best fixed", "saving"]
    unit = element("p", f"Costs in {money.unit}; beside what was achieved, 95% intervals.", class_="remark")
    return join(unit, table("Asked and achieved", heads, rows))


def points(evaluation: Mapping[str, Any], money: Money) -> Markup | None:
    """The candidates by rising cost: the chart for those who do not see it."""
    marks = sorted(marks_of(evaluation), key=lambda mark: mark.cost)
    if not marks:
        return None
    role = {"best": "best fixed", "cheapest": "cheapest", "fixed": ""}
    rows = [
        element(
            "tr",
            element("th", mark.name, scope="row"),
            element("td", money.amount(mark.cost)),
            element("td", number(mark.quality)),
            element("td", role[mark.kind], class_="words"),
        )
        for mark in marks
    ]
    return table("Fixed candidates", ["candidate", money.unit, "mean quality", "role"], rows)


def table(caption: str, heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    """A table that scrolls by itself where the window is too narrow, with the keyboard too."""
    head = element("thead", element("tr", *(element("th", h, scope="col") for h in heads)))
    body = element("table", element("caption", caption), head, element("tbody", *rows))
    return element("div", body, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _policy_row(name: str, policy: Mapping[str, Any], chosen: bool, notes: Footnotes) -> Markup:
    label = join(name, " ", element("strong", "chosen")) if chosen else name
    return element(
        "tr",
        element("th", label, scope="row"),
        _cell(policy, "gain_ratio", notes, interval(policy.get("gain_ratio_ci95"), percent=False)),
        _area_cell(policy, notes),
        _cell(policy, "auc_published_range", notes),
        *(_saving_cell(saving_at(policy, level), notes) for level in LEVELS),
        _time_cell(policy.get("seconds") or {}, notes),
        class_="chosen" if chosen else None,
    )


def _control_row(name: str, control: Mapping[str, Any], notes: Footnotes) -> Markup:
    gain = {"fitted mix of fixed candidates": "0 by definition", "per-query oracle": "1 by definition"}.get(
        name
    )
    blank = element("td", gain or "", class_="quiet")
    rest = [element("td") for _ in range(len(LEVELS) + 2)]
    return element(
        "tr", element("th", name, scope="row"), blank, _cell(control, "auc", notes), *rest, class_="control"
    )


def _saving_cell(entry: Mapping[str, Any], notes: Footnotes) -> Markup:
    ratio = entry.get("quality_ratio")
    saving = entry.get("saving")
    if not defined(saving):
        return element("td", notes.missing(reason_for(entry, "saving")))
    small = [
        s for s in (interval(entry.get("ci95")), f"quality {share(ratio)}" if defined(ratio) else None) if s
    ]
    return element("td", share(saving), *(element("small", line) for line in small))


def _cell(owner: Mapping[str, Any], key: str, notes: Footnotes, small: str | None = None) -> Markup:
    value = owner.get(key)
    if not defined(value):
        return element("td", notes.missing(reason_for(owner, key)))
    return element("td", number(value), None if small is None else element("small", small))


def _time_cell(seconds: Mapping[str, Any], notes: Footnotes) -> Markup:
    lines = [(k, seconds.get(k)) for k in ("fit", "tune", "replay")]
    told = [f"{key} {duration(value)}" for key, value in lines if defined(value)]
    return element("td", *(element("small", line) for line in told), None if told else notes.missing(None))


def _area_cell(policy: Mapping[str, Any], notes: Footnotes) -> Markup:
    """The AUC, and how far it is above the fitted mix. Where there is none, there is no gain ratio either."""
    if not defined(policy.get("auc")):
        return element("td", notes.missing(reason_for(policy, "auc") or reason_for(policy, "gain_ratio")))
    over = policy.get("auc_over_mix") or {}
    difference, bounds = over.get("difference"), interval(over.get("ci95"), percent=False)
    small = f"{signed(difference)} over the mix" if defined(difference) else None
    lines = [element("small", line) for line in (small, bounds if small else None) if line]
    return element("td", number(policy["auc"]), *lines)


def _asked_row(entry: Mapping[str, Any], money: Money, notes: Footnotes) -> Markup:
    unmet = {"reason": entry.get("reason")}
    expected, achieved = entry.get("expected") or unmet, entry.get("achieved") or unmet
    asked, target = entry.get("asked"), str(entry.get("target")).partition("=")[0]
    if not defined(asked):
        shown: object = notes.missing(reason_for(entry, "asked"))
    else:
        shown = money.amount(asked) if "budget" in target else share(asked)
    return element(
        "tr",
        element("th", target.replace("_", " "), scope="row"),
        element("td", shown),
        _cost_cell(expected, money, notes),
        _cell(expected, "quality", notes),
        _cost_cell(achieved, money, notes),
        _cell(achieved, "quality", notes, interval(achieved.get("quality_ci95"), percent=False)),
        *(_share_cell(achieved, key, notes) for key in ("quality_ratio", "saving")),
    )


def _share_cell(owner: Mapping[str, Any], key: str, notes: Footnotes) -> Markup:
    value = owner.get(key)
    return element("td", share(value) if defined(value) else notes.missing(reason_for(owner, key)))


def _cost_cell(owner: Mapping[str, Any], money: Money, notes: Footnotes) -> Markup:
    cost = owner.get("cost")
    if not defined(cost):
        return element("td", notes.missing(reason_for(owner, "cost")))
    bounds = money.bounds(owner.get("cost_ci95"))
    return element("td", money.amount(cost), None if bounds is None else element("small", bounds))
