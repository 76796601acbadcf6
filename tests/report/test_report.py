"""The HTML report: well formed, complete, and safe with whatever a name holds."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from penstock.errors import InputError
from penstock.report.curves import Scene
from penstock.report.report import render_report

from .samples import bare, full

SVG = "{http://www.w3.org/2000/svg}"


def parse(document: str) -> ElementTree.Element:
    """The document as XML: fails where any element is not closed or any text is not escaped."""
    start = "<!DOCTYPE html>\n"
    assert document.startswith(start)
    return ElementTree.fromstring(document[len(start) :])


def words(part: ElementTree.Element) -> str:
    return " ".join("".join(part.itertext()).split())


def by_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [node for node in root.iter() if name in node.get("class", "").split()]


def test_a_full_evaluation_shows_every_control_policy_and_headline() -> None:
    root = parse(render_report([full()], title="Spring report"))
    assert words(root.find("./body/header/h1")) == "Spring report"  # type: ignore[arg-type]
    cards = [words(card) for card in by_class(root, "card")]
    assert [re.search(r"Saved at (\d+)%", card).group(1) for card in cards[:3]] == ["95", "99", "100"]  # type: ignore[union-attr]
    assert "62.0%" in cards[0]
    assert "58.0 to 65.5%" in cards[0]
    assert "quality achieved 95.7% (94.6 to 96.7%)" in cards[0]
    assert "0.210" in cards[3]
    wide = by_class(root, "wide")[0]
    labels = [words(node) for node in by_class(wide, "label")]
    assert "gpt-4-1106-preview (best fixed)" in labels
    assert "llama-3-8b (cheapest)" in labels
    assert set(full()["candidates"]) == {label.split(" (")[0] for label in labels}
    legend = [words(node) for node in by_class(root, "legend")[0]]
    assert legend[0] == "routing/ridge chosen"
    assert {"per-query oracle", "hindsight mix", "fitted mix of fixed candidates"} <= set(legend)
    assert set(full()["policies"]) - {"routing/ridge"} <= set(legend)
    tables = {node.get("aria-label"): words(node) for node in by_class(root, "scroll")}
    assert set(tables) == {"Fixed candidates", "All policies", "Asked and achieved"}
    assert "$2.06$1.94 to $2.18" in tables["Asked and achieved"]
    assert len(by_class(root, "diagram")) == 2


def test_every_drawing_is_named_and_described() -> None:
    root = parse(render_report([full(), bare()], title="t"))
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    drawings = [node for node in root.iter(f"{SVG}svg") if node.get("role") == "img"]
    assert len(drawings) == 6  # two layouts of two charts, two diagrams
    for drawing in drawings:
        named = drawing.get("aria-labelledby", "").split()
        assert len(named) == 2
        assert set(named) <= set(ids)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    document = render_report([full()], title="t")
    assert "<script" not in document
    assert not re.search(r"""\b(src|href)="(?!#)""", document)
    assert "url(" not in document.replace("url(#", "")
    assert "@import" not in document
    assert "prefers-color-scheme: dark" in document
    assert "@media print" in document


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror='x'>",
        "a & b </title></svg>",
        "nul\x00\x1b[31m",
        "{x} %s",
        "模型" * 30,
    ],
)
def test_names_are_text_wherever_they_stand(hostile: str) -> None:
    evaluation = full()
    evaluation["dataset"] = evaluation["best_fixed"] = hostile
    evaluation["controls"]["fixed"][0]["name"] = hostile
    evaluation["candidates"][0] = hostile
    evaluation["policies"][hostile] = evaluation["policies"].pop("routing/ridge")
    evaluation["chosen"] = hostile
    evaluation["calibration"] = {hostile: evaluation["calibration"]["ridge"]}
    evaluation["asked_achieved"][0]["target"] = hostile
    evaluation["policies"][hostile]["gain_ratio"] = None
    evaluation["policies"][hostile]["gain_ratio_reason"] = hostile
    root = parse(render_report([evaluation], title=hostile))
    assert not list(root.iter("script"))
    assert not list(root.iter("img"))
    shown = re.sub("[\x00\x1b]", "\ufffd", hostile)
    assert words(root.find("./head/title")) == shown  # type: ignore[arg-type]
    assert words(root.find("./body/main/section/h2")) == shown  # type: ignore[arg-type]
    assert words(by_class(root, "notes")[0]) == shown


def test_what_is_undefined_is_a_dash_with_its_reason() -> None:
    root = parse(render_report([bare()], title="t"))
    reason = bare()["policies"]["fixed/mean"]["reasons"]["auc"]
    notes = by_class(root, "notes")
    assert [words(item) for item in notes[0]] == [reason]
    gain = by_class(root, "card")[3]
    dash = next(node for node in gain.iter("span") if node.get("title") == reason)
    assert words(dash) == "–1"
    link = next(dash.iter("a"))
    assert link.get("href") == f"#{notes[0][0].get('id')}"


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_numbers_that_are_none_never_reach_the_page(value: float | None) -> None:
    evaluation = full()
    chosen = evaluation["policies"]["routing/ridge"]
    chosen.update(auc=value, gain_ratio=value, gain_ratio_ci95=[value, value])
    chosen["saving"]["0.95"]["saving"] = value
    chosen["frontier"].append({"cost": value, "quality": value, "lambda": value})
    evaluation["controls"]["fixed"].append({"name": "broken", "cost": value, "quality": 0.5})
    evaluation["calibration"]["ridge"]["ece"] = value
    document = render_report([evaluation], title="t")
    parse(document)
    assert not re.search(r"\b(nan|inf|None)\b", re.sub("<style>.*</style>", "", document, flags=re.DOTALL))


def test_one_candidate_without_any_curve_is_drawn_as_a_point() -> None:
    root = parse(render_report([bare()], title="t"))
    wide = by_class(root, "wide")[0]
    assert [words(node) for node in by_class(wide, "label")] == ["only (best fixed)"]
    assert not by_class(wide, "curve")


def test_no_point_at_all_is_said_in_words() -> None:
    evaluation = bare()
    evaluation["controls"] = {
        "cheapest": None,
        "best_fixed": None,
        "mix": {},
        "hindsight_mix": {},
        "oracle": {},
    }
    evaluation["chosen"] = None
    root = parse(render_report([evaluation], title="t"))
    assert not by_class(root, "plot")
    assert "nothing to draw" in words(root)
    assert "No policy is marked as chosen" in words(root)


def test_a_missed_quality_is_called_one() -> None:
    evaluation = full()
    evaluation["policies"]["routing/ridge"]["saving"]["0.99"]["quality_ratio_ci95"] = [0.95, 0.98]
    cards = by_class(parse(render_report([evaluation], title="t")), "card")
    assert ["below the" in words(card) for card in cards] == [False, True, False, False]


def test_dear_candidates_do_not_squash_the_chart_and_are_named() -> None:
    evaluation = full()
    evaluation["controls"]["fixed"].append({"name": "gold", "cost": 3.0, "quality": 0.9})
    scene = Scene.of(evaluation)
    assert scene is not None
    assert scene.limit == pytest.approx(2.5 * 0.00985)
    assert [mark.name for mark in scene.beyond] == ["gold"]
    remark = words(by_class(parse(render_report([evaluation], title="t")), "remark")[0])
    assert "gold" in remark


def test_a_curve_is_drawn_flat_to_the_best_fixed_candidate_as_its_area_is_measured() -> None:
    evaluation = full()
    oracle = evaluation["controls"]["oracle"]["frontier"] = [
        {"cost": 0.0002, "quality": 0.7},
        {"cost": 0.0005, "quality": 0.9},
    ]
    root = parse(render_report([evaluation], title="t"))
    line = next(by_class(by_class(root, "wide")[0], "oracle")[0].iter(f"{SVG}polyline"))
    corners = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    best = next(by_class(root, "best")[0].iter(f"{SVG}polygon")).get("points", "").split(",")[0]
    assert len(corners) == len(oracle) + 1
    assert corners[-1] == (pytest.approx(float(best), abs=0.1), corners[-2][1])


def test_what_evaluations_say_beside_their_numbers_is_shown() -> None:
    evaluation = full()
    evaluation["dropped_rows"] = {"fit": 5, "test": 2}
    evaluation["left_out"] = {"gpt-5": "dearer than the best fixed candidate"}
    evaluation["notes"] = ["costs are <estimates>"]
    evaluation["task_out_parts"] = 4
    evaluation["asked_achieved"][0] |= {
        "expected": None,
        "achieved": None,
        "reason": "no policy costs so little",
    }
    evaluation["policies"]["routing/ridge"]["auc_over_mix"] = {"difference": 0.022, "ci95": [0.01, 0.03]}
    root = parse(render_report([evaluation], title="t"))
    facts = words(by_class(root, "facts")[0])
    assert "dropped (fit) 5 queries" in facts
    assert "costs are <estimates>" in facts
    assert "in 4 parts" in facts
    told = words(root)
    assert "gpt-5: dearer than the best fixed candidate" in told
    assert "+0.022 over the mix" in told
    assert [words(item) for item in by_class(root, "notes")[0]] == ["no policy costs so little"]


def test_the_same_input_gives_the_same_document() -> None:
    assert render_report([full()], title="t") == render_report([full()], title="t")


def test_what_cannot_be_reported_is_an_error_of_ours() -> None:
    with pytest.raises(InputError, match="no evaluation"):
        render_report([], title="t")
    broken = {key: value for key, value in full().items() if key != "policies"}
    with pytest.raises(InputError, match="evaluation 1, field policies"):
        render_report([full(), broken], title="t")
