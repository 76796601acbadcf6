"""The HTML report: one file without anything to load, readable on paper, in light and in dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.errors import InputError
from penstock.outcomes.cost_unit import CostUnit
from penstock.report import tables
from penstock.report.calibration import reliability
from penstock.report.cards import cards
from penstock.report.chart import chart
from penstock.report.curves import curves_of, marks_of
from penstock.report.format import Footnotes, Money
from penstock.report.legend import toggle_rules
from penstock.report.markup import Markup, element, join, raw, text
from penstock.report.style import STYLE
from penstock.report.terms import terms


def render_report(evaluations: Sequence[Mapping[str, Any]], *, title: str) -> str:
    """A whole HTML document from the JSON objects that ``penstock evaluate --json`` prints, one section each.

    Null numbers are shown as a dash with their reason: ``<key>_reason`` beside the number, or the key's entry
    in ``reasons``. The same input gives the same document. Raises ``InputError`` where there is nothing to
    report or an evaluation lacks what every evaluation has.
    """
    if not evaluations:
        raise InputError("there is no evaluation to report", hint="Run `penstock evaluate` first")
    for place, evaluation in enumerate(evaluations):
        absent = [key for key in ("dataset", "controls", "policies") if key not in evaluation]
        if absent:
            raise InputError("is not there", field=absent[0], file=f"evaluation {place}")
    sections = [_section(evaluation, f"e{place}") for place, evaluation in enumerate(evaluations)]
    rules = toggle_rules(max(len(curves_of(evaluation)) for evaluation in evaluations))
    document = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", raw(f"{STYLE}{rules}\n")),
        ),
        element(
            "body",
            element("header", element("h1", title), _contents(evaluations)),
            element(
                "main", *sections, element("section", element("h2", "Terms"), terms(), class_="evaluation")
            ),
            element(
                "footer", "Made by penstock. Every number comes from replaying policies on held-out queries."
            ),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"


def _contents(evaluations: Sequence[Mapping[str, Any]]) -> Markup | None:
    if len(evaluations) == 1:
        return None
    links = (element("a", e["dataset"], href=f"#e{place}") for place, e in enumerate(evaluations))
    return element("nav", element("ul", *(element("li", link) for link in links)), aria_label="Evaluations")


def _section(evaluation: Mapping[str, Any], prefix: str) -> Markup:
    notes, money = Footnotes(prefix), _money(evaluation)
    points = tables.points(evaluation, money)
    parts = [
        element("h2", evaluation["dataset"]),
        _lead(evaluation),
        _facts(evaluation),
        cards(evaluation, notes),
        element("h3", "Quality against cost"),
        chart(evaluation, money, prefix),
        None
        if points is None
        else element("details", element("summary", "The candidates as a table"), points),
        _left_out(evaluation),
        element("h3", "All policies"),
        tables.policies(evaluation, notes),
        *_titled("Asked and achieved", tables.asked_achieved(evaluation, money, notes)),
        *_titled("Reliability", reliability(evaluation.get("calibration") or {}, notes, prefix)),
        notes.render(),
    ]
    return element("section", *parts, class_="evaluation", id=prefix)


def _titled(title: str, part: Markup | None) -> tuple[Markup, ...]:
    return () if part is None else (element("h3", title), part)


def _lead(evaluation: Mapping[str, Any]) -> Markup | None:
    chosen = evaluation.get("chosen")
    if chosen is None:
        return None
    best = evaluation.get("best_fixed")
    against = join(", measured against the best fixed candidate, ", element("b", best)) if best else None
    return element("p", "Chosen on fitting rows: ", element("b", chosen), against, ".", class_="lead")


def _facts(evaluation: Mapping[str, Any]) -> Markup:
    by_side = evaluation.get("dropped_rows") or {"": evaluation.get("dropped")}
    counts = [("fitted on", evaluation.get("fit_queries")), ("tested on", evaluation.get("test_queries"))]
    counts += [(f"dropped {side and f'({side})'}".strip(), count) for side, count in by_side.items()]
    facts = [
        join(f"{label} ", element("b", f"{count:,}"), " queries")
        for label, count in counts
        if isinstance(count, int)
    ]
    if parts := evaluation.get("task_out_parts"):
        facts.append(join("in ", element("b", parts), " parts, each with its tasks left out of fitting"))
    names = [str(name) for name in evaluation.get("candidates") or ()]
    if names:
        facts.append(join(element("b", len(names)), f" candidates: {', '.join(names)}"))
    facts += [text(note) for note in evaluation.get("notes") or ()]
    return element("ul", *(element("li", fact) for fact in facts), class_="facts")


def _left_out(evaluation: Mapping[str, Any]) -> Markup | None:
    reasons = evaluation.get("left_out")
    if not reasons:
        return None
    items = (element("li", element("b", name), f": {why}") for name, why in reasons.items())
    summary = element("summary", f"Candidates left out ({len(reasons)})")
    return element("details", summary, element("ul", *items, class_="remark"))


def _money(evaluation: Mapping[str, Any]) -> Money:
    """One unit for all costs of an evaluation, from the dearest candidate."""
    costs = [mark.cost for mark in marks_of(evaluation)]
    costs += [cost for curve in curves_of(evaluation) for cost, _ in curve.points]
    unit = CostUnit.parse(str(evaluation.get("cost_unit", "usd")))
    return Money.fit(max(costs, default=0.0), unit.label)
