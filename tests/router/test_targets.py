"""Targets and their texts."""

from __future__ import annotations

import pytest

from penstock.errors import InputError
from penstock.router.targets import Target


@pytest.mark.parametrize("value", [0.1234567890123, 1e-7 / 3, 2.0, 0.3, 1e22])
def test_a_target_s_text_is_the_target(value: float) -> None:
    target = Target.parse(f"budget={value!r}")
    assert target.value == value
    assert Target.parse(str(target)) == target


def test_texts_of_targets_are_short() -> None:
    assert [str(Target.parse(t)) for t in ("budget=0.0020", "quality=1.0", "strong-share=.3")] == [
        "budget=0.002",
        "quality=1",
        "strong_share=0.3",
    ]
    assert str(Target.parse("min-quality=0.95")) == "quality=0.95"


@pytest.mark.parametrize(
    "text",
    ["", "budget", "budget=", "budget=x", "cost=1", "budget=nan", "budget=inf", "budget=-1", "savings=1.5"],
)
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(InputError):
        Target.parse(text)
