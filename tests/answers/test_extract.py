"""The final answer found in any response."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.answers.extract import stated_answer, stated_exactly
from penstock.answers.literals import literal_form
from penstock.outcomes.io import read_table
from penstock.outcomes.to_matrix import to_matrix
from penstock.types import Answer

LONG = "The boat needs three trips to bring everybody over, and each of them takes a while. "
STATED = [
    ('{"reasoning": "3 * 4 = 12", "answer": "12"}', "12"),
    ('```json\n{\n  "reasoning": "x",\n  "answer": 12.0\n}\n```', "12"),
    ('{"reasoning": "so \\"answer\\": 9", "answer": "12 apples"\n', "12"),
    ('{"reasoning": "a "quoted" word", "answer": "Each child got 12 books."}\n```', "12"),
    ('{"answer": "7"}\nI mean:\n{"answer": "12"}', "12"),
    ('{"answer": "12"}\nThe format was {"reasoning": "___", "answer": "___"}', "12"),
    (LONG + "So \\boxed{12}.", "12"),
    (LONG + "The answer is $\\boxed{12}$.", "12"),
    (LONG + "3 * 4 = <<3*4=12>>12\n#### 12", "12"),
    (LONG + "The final answer is 12. I am sure of it.", "12"),
    (LONG + "**Answer:** 12", "12"),
    (LONG + "Therefore 3 * 4 = $12.00 are left.", "12"),
    (LONG + "\nA: 07/08/1971", "7/8/1971"),
    ("Paris.", "paris"),
    (LONG + "The answer is Paris.", "paris"),
    (LONG + "The closest option is (G).", "g"),
    (LONG + "The correct answer is G. The gauge is broken", "g"),
    ("G", "g"),
    ("(g)\n", "g"),
    ("G. The gauge is broken", "g"),
    ("**G)** " + LONG, "g"),
    ("[PLAN]\npick up the red block\nstack the red block on the blue one\n[PLAN END]", None),
]
SILENT = [
    LONG,
    LONG * 20,
    "",
    "def answer():\n    # The answer is\n    total = sum(range(12))\n    return total  # 12",
    "Sure, here is how to do it in Python:\n```python\nprint(3 * 4)\n```\nIt prints 3 * 4 = 12.",
]


@pytest.mark.parametrize(("text", "form"), STATED)
def test_an_answer_is_found_however_it_is_stated(text: str, form: str | None) -> None:
    expected = form or "pick up red block | stack red block blue one"
    assert stated_answer(Answer("m", text=text)) == expected


@pytest.mark.parametrize("text", SILENT)
def test_open_text_and_code_state_nothing(text: str) -> None:
    assert stated_answer(Answer("m", text=text)) is None


def test_where_a_table_kept_no_text_its_answer_counts() -> None:
    assert stated_answer(Answer("m", extracted="(G)")) == "g"
    assert stated_answer(Answer("m", text="F", extracted="G")) == "f"


def test_quotes_and_markup_do_not_count_to_the_letter() -> None:
    texts = (
        '{"answer": "\'a b\'"}',
        '{"answer": "\\"a b\\""}',
        LONG + "\\boxed{a b}",
        LONG + "The answer is `a b`.",
    )
    assert {stated_exactly(Answer("m", text=text)) for text in texts} == {"a b"}
    assert stated_exactly(Answer("m", text=LONG + "\nA: 04/20/1969")) == "04/20/1969"
    assert stated_exactly(Answer("m", text="(g)\n")) == "g"


@pytest.mark.parametrize(
    ("table", "agreeing"), [("zeroeval_gsm", 0.99), ("zeroeval_crux", 0.97), ("gsm8k_openai2021", 0.98)]
)
def test_it_finds_what_the_tables_extracted(real_tables: Path, table: str, agreeing: float) -> None:
    grid = to_matrix(read_table(real_tables / table))
    cells = [grid.answer_of(i, j) for i in range(0, len(grid), 10) for j in range(len(grid.candidates))]
    known = [a for a in cells if a.extracted is not None and a.text]
    same = [stated_answer(a) == literal_form(a.extracted or "") for a in known]
    assert sum(same) >= agreeing * len(same) > 100
