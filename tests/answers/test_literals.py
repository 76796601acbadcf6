"""The value of a literal, and the answer to the letter."""

from __future__ import annotations

import pytest

from penstock.answers.literals import exact_form, literal_form


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1,2, 'a']", '[1, 2, "a"]'),
        ("'usAR'", "usAR"),
        ("''", '""'),
        ("$x^2$", "x^2"),
        ("\\dfrac{1}{2}", "\\frac{1}{2}"),
        ("`12`", "12"),
        ("**Paris**", "paris."),
        ("156kgs", "156 kg"),
        ("Yes", "YES"),
    ],
)
def test_ways_of_writing_the_same(one: str, other: str) -> None:
    assert literal_form(one) == literal_form(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'usAR'", "'usar'"),
        ("[1, 2]", "[2, 1]"),
        ("[1]", "1"),
        ("4a", "4"),
        ("2, -10", "2"),
        ("'a_B'", "'a_b'"),
    ],
)
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert literal_form(one) != literal_form(other)


@pytest.mark.parametrize(
    ("one", "other", "loose"),
    [
        ("04/20/1969", "4/20/1969", True),
        ("'ABIXAAAILY'", "abixaaaily", True),
        ("    tab", "        tab", True),
        ("12.0", "12", True),
        (" [1, 2]", "[1, 2]", True),
        ("[1]", "[2]", False),
    ],
)
def test_spelling_counts_to_the_letter(one: str, other: str, loose: bool) -> None:
    assert exact_form(one) != exact_form(other)
    assert (literal_form(one) == literal_form(other)) is loose


def test_a_literal_is_read_by_its_value_up_to_a_length() -> None:
    ways = [(f"[{', '.join(['1'] * n)}]", f"[{','.join(['1'] * n)}]") for n in (5_000, 50_000)]
    assert [literal_form(one) == literal_form(other) for one, other in ways] == [True, False]
