"""What samples vote with: the final answer of a text, read as its name says."""

from __future__ import annotations

import pytest

from penstock.answers.final_answer import final_answer_named
from penstock.errors import InputError


@pytest.mark.parametrize(
    ("name", "same", "other", "silent"),
    [
        ("text", ("The  Mill\n", "the mill"), "a mill", " \n"),
        ("numeric", ("So we get 1,200.0.", "#### 1200", "the answer is $1200"), "1201", "no idea"),
        ("choice", ("The answer is (B).", "B) the second", "(b)"), "C", "a matter of taste"),
    ],
)
def test_the_same_answer_has_one_form(name: str, same: tuple[str, ...], other: str, silent: str) -> None:
    read = final_answer_named(name)
    (form,) = {read(text) for text in same}
    assert form is not None
    assert read(other) not in {form, None}
    assert read(silent) is None


def test_a_pattern_s_last_find_counts_its_first_group_where_it_has_one() -> None:
    text = "ID: Ab 1 \nID: aB  2 \n"
    assert final_answer_named("regex", r"ID:(.*)")(text) == "ab 2"
    assert final_answer_named("regex", r"ID: [^\n]*")(text) == "id: ab 2"
    assert final_answer_named("regex", r"(x)?$")(text) is None, "a group that took no part"
    assert final_answer_named("regex", r"KEY: .*")(text) is None


@pytest.mark.parametrize(
    ("name", "pattern", "says"),
    [
        ("magic", None, "text, numeric, choice, regex, not 'magic'"),
        ("regex", None, "regex needs one"),
        ("numeric", "x", "for regex, not for numeric"),
        ("regex", "(", "not a regular expression"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, pattern: str | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        final_answer_named(name, pattern)
