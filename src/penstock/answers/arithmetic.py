"""Whether the sums an answer writes down hold: a check that needs no understanding of the question.

Weak models slip in arithmetic, and a slip stays in the text: ``12 * 7 = 74``. Read are sums of plain numbers
(``3 + 4 * 2 = 11``, ``<<16-7=9>>``, ``$9 \\times 2 = 18``); what holds letters or brackets is left alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from penstock.types import FloatArray

ARITHMETIC_FEATURES = ("sums_right", "has_wrong_sum", "ends_with_a_sum", "ends_with_a_fraction")

_LOOKED_AT = 8000
_LEFT = 120
"""Characters read before an equals sign."""
_NUMBER = r"[0-9][0-9,]*+(?:\.[0-9]++)?+%?"
_SUM_AT_END = re.compile(rf"(?<![\w.])({_NUMBER}(?:\s*+[-+*/]\s*+{_NUMBER})++)\s*$")
_STATED = re.compile(rf"\s*+(-?{_NUMBER})(\s*+[-+*/]\s*+[0-9])?")
_NUMBER_AT = re.compile(_NUMBER)
_TOKEN = re.compile(rf"{_NUMBER}|[-+*/]")
_NOT_BEFORE = frozenset("+-*/^)]}")
"""Before a sum these say that it is the end of a longer expression."""
_SPELLED = (("\\times", "*"), ("\\cdot", "*"), ("\\div", "/"), ("×", "*"), ("·", "*"), ("÷", "/"), ("−", "-"))
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9%]) ?[xX] ?(?=[0-9])")
_MONEY = re.compile(r"\\?[$€£]")


def arithmetic_features(text: str) -> FloatArray:
    """(4,) ``ARITHMETIC_FEATURES`` of a text; of a long one its last 8,000 characters are read.

    ``sums_right``: log(1 + how many sums hold). ``has_wrong_sum``: one does not, to the digits it states.
    ``ends_with_a_sum``: the last number of the text is what its last sum came to. ``ends_with_a_fraction``:
    that number has decimals.
    """
    plain = _plain(text[-_LOOKED_AT:])
    sums = list(_sums(plain))
    right = sum(holds(value, stated) for value, stated in sums)
    numbers = _NUMBER_AT.findall(plain)
    final = numbers[-1] if numbers else ""
    ends = bool(sums and final) and math.isclose(_number(final), _number(sums[-1][1]))
    return np.array([math.log1p(right), float(right < len(sums)), float(ends), float("." in final)])


def holds(value: float, stated: str) -> bool:
    """Whether the ``stated`` number is ``value`` to its decimals, rounded either way."""
    says = _number(stated)
    if math.isclose(value, says, rel_tol=1e-12, abs_tol=1e-9):
        return True
    if value.is_integer():
        return False
    return abs(value - says) < 10.0 ** -len(stated.partition(".")[2])


def _plain(text: str) -> str:
    for spelled, sign in _SPELLED:
        text = text.replace(spelled, sign)
    return _BETWEEN_DIGITS.sub("*", _MONEY.sub("", text))


def _sums(text: str) -> Iterator[tuple[float, str]]:
    """(what the left side comes to, the number that the right side says it is) of every sum."""
    for line in text.splitlines():
        sides = line.split("=")
        for left, right in pairwise(sides):
            ending = left[-_LEFT:]
            found, stated = _SUM_AT_END.search(ending), _STATED.match(right)
            if found is None or stated is None or ending[: found.start()].rstrip()[-1:] in _NOT_BEFORE:
                continue
            value = _value(found[1])
            # "5 * 12 = 60 * 2 = 120" says 60 first; "3 + 5 = 2 * 4" does not say 2
            if value is not None and not (stated[2] and not holds(value, stated[1])):
                yield value, stated[1]


def _value(expression: str) -> float | None:
    """What numbers joined by + - * / come to, products first; None where it divides by 0."""
    total, term, sign, operator = 0.0, None, 1.0, "*"
    for part in _TOKEN.findall(expression):
        if part in {"+", "-"}:
            total, term, sign = total + sign * (term or 0.0), None, 1.0 if part == "+" else -1.0
        elif part in {"*", "/"}:
            operator = part
        elif term is None:
            term = _number(part)
        elif operator == "*":
            term *= _number(part)
        elif by := _number(part):
            term /= by
        else:
            return None
    return total + sign * (term or 0.0)


def _number(token: str) -> float:
    plain = token.replace(",", "")
    return float(plain[:-1]) / 100.0 if plain.endswith("%") else float(plain)
