"""The final answer any response states, found without knowing which question or benchmark it belongs to.

A live answer is text and nothing else (``Answer.extracted`` is a scorer's), so this is what agreement rests
on in the gateway, and on tables alike.
"""

from __future__ import annotations

import json
import re

from penstock.answers.canonical import canonical, listed_steps
from penstock.answers.literals import NUMBER, OPTION, Form, content, exact_form, literal_form
from penstock.types import Answer

_SHORT = 40
_STATEMENT = 300
_STEP_WORDS = 12
_STEPS = 2
FUNCTION_WORDS = frozenset(("the", "of", "on", "top", "to", "from", "in", "into", "onto"))

_FIELD = re.compile(r'(?<!\\)"?\b(?:final[_ ]?)?answer"\s*:\s*', re.IGNORECASE)
_BROKEN_STRING = re.compile(r'"(.*?)"?\s*(?:[,}]\s*)*(?:```\s*)?$', re.DOTALL)
_BARE_VALUE = re.compile(r"[^,}\n]+")
_PLACEHOLDER = re.compile(r"^\s*(?:_+|\.{3}|…|<.*>)\s*$")
_SAYS = re.compile(
    r"\b(?:answer|choice|option)\b[*_]*"
    r"(?:\s*[:=]|(?:\s+(?:choice|option|to\b[^.\n]{0,80}))?\s+(?:is|would be|should be|must be)\b\s*:?)[*_]*",
    re.IGNORECASE,
)
_LAST_LINE = re.compile(r"^\W*a(?:ns)?\W*:\W*(?=\S)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z]|\s*$)|\n")
_LETTER_LIKE = re.compile(r"^\W*([A-Ja-j])\W*$")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_BRACKETED = re.compile(r"\(([A-J])\)")
_CALCULATION = re.compile(r"<<[^<>]*>>|[*$`\\]")

_CODE = re.compile(
    r"^\s*(?:def \w+\(|class \w+[(:]|import \w+|from \w+ import|return\b|print\(|#include)"
    r"|^\s*[a-z_]\w+ = (?:\w+\.)*[a-z_]\w+\(",
    re.MULTILINE,
)
_SUM = re.compile(r"\d\s*[=+×÷*/]|[=×÷]\s*\\?[$€£]?\s*\d|\\frac|\\boxed|<<")

_steps = listed_steps(FUNCTION_WORDS)


def stated_answer(answer: Answer) -> str | None:
    """The final answer a response states, in a normal form; None where it states none: open text.

    In this order: a JSON field ``answer`` (broken JSON too); the last of ``\\boxed{}``, ``#### x`` and "the
    answer is x"; a last line ``A: x``; a response of at most 40 characters, or one that starts with an option
    letter; the last number of a calculation; a ``[PLAN]`` block or a list of short steps. Code states
    nothing. Where a table kept no text, the final answer it kept.
    """
    return _stated(answer, literal_form)


def stated_exactly(answer: Answer) -> str | None:
    """The same answer to the letter (``exact_form``), for scorers that count spelling."""
    return _stated(answer, exact_form)


def _stated(answer: Answer, form: Form) -> str | None:
    text = answer.text
    if not text.strip():
        return None if answer.extracted is None else form(answer.extracted)
    field = _json_field(text) if 'nswer"' in text else None
    said = _said(text, form) if field is None else content(field, form)
    if said is not None:
        return said
    return _from_short(text, form) if len(text) <= _SHORT else _implied(text)


def _from_short(text: str, form: Form) -> str | None:
    letter = _LETTER_LIKE.match(text)
    return letter[1].casefold() if letter else form(text)


def _implied(text: str) -> str | None:
    """What a longer text comes down to without saying so."""
    if _is_code(text):
        return None
    option = OPTION.match(text)
    letters = {option[1]} if option else set(_BRACKETED.findall(text))
    if len(letters) == 1:
        return letters.pop().casefold()
    return _last_number(text) if _SUM.search(text) else _plan(text)


def _json_field(text: str) -> str | None:
    """The last field called answer that was filled in; JSON that is not quite JSON is read as far as it
    goes."""
    for found in reversed(list(_FIELD.finditer(text))):
        value = _json_value(text[found.end() :])
        if value is not None and not _PLACEHOLDER.match(value):
            return value
    return None


def _json_value(rest: str) -> str | None:
    try:
        value = json.JSONDecoder(strict=False).raw_decode(rest)[0]
    except json.JSONDecodeError:
        broken = _BROKEN_STRING.match(rest) or _BARE_VALUE.match(rest)
        return None if broken is None else broken[broken.lastindex or 0].strip()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _said(text: str, form: Form) -> str | None:
    """What the text says in so many words, the last time it does."""
    places = [
        (place, kind)
        for place, kind in (
            (text.rfind("\\boxed{"), "boxed"),
            (text.rfind("####"), "mark"),
            (-1 if _is_program(text) else _last_saying(text), "says"),
        )
        if place >= 0
    ]
    for place, kind in sorted(places, key=lambda p: (p[0], p[1] == "boxed"), reverse=True):
        if kind == "boxed":
            found = form(_braced(text, place + 6))
        elif kind == "mark":
            found = _statement(text[place + 4 : place + 4 + _STATEMENT].strip(), form, whole_line=True)
        else:
            found = _statement(text[place : place + _STATEMENT].lstrip(" \n*_:"), form)
        if found is not None:
            return found
    lines = text.rstrip().rpartition("\n")
    marked = _LAST_LINE.match(lines[2])
    return None if marked is None else form(lines[2][marked.end() :])


def _last_saying(text: str) -> int:
    end = -1
    for found in _SAYS.finditer(text):
        if text[found.end() :].strip():
            end = found.end()
    return end


def _statement(rest: str, form: Form, *, whole_line: bool = False) -> str | None:
    """The answer at the start of ``rest``: an option, a box, a number, or a few words up to the sentence's
    end. None where it goes on as prose."""
    option = OPTION.match(rest.split("\n", maxsplit=1)[0]) or re.match(r"^[*_$\s]*\(([A-J])\)", rest)
    if option is not None:
        return option[1].casefold()
    end = rest.find("\n") if whole_line else -1
    if not whole_line:
        stop = _SENTENCE_END.search(rest)
        end = stop.start() if stop else -1
    said = rest if end < 0 else rest[:end]
    if len(said) <= 2 * _SHORT and len(said.split()) <= 8:
        return form(said)
    leading = NUMBER.match(said.lstrip(" $*\\("))
    return None if leading is None else form(leading[0])


def _braced(text: str, start: int) -> str:
    """What stands in the braces that open at ``start``; to the end where they never close."""
    depth = 0
    for at in range(start, min(len(text), start + _STATEMENT)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start + 1 : at]
    return text[start + 1 : start + _STATEMENT]


def _is_code(text: str) -> bool:
    return "```" in text or _CODE.search(text) is not None


def _is_program(text: str) -> bool:
    """Code outside fences: what its comments say is no statement."""
    return _CODE.search(_FENCED.sub("", text) if "```" in text else text) is not None


def _plan(text: str) -> str | None:
    """The steps of a marked plan, or of a text whose list is one of short steps."""
    steps = _steps(Answer("", text=text))
    marked = "[plan" in text.casefold()
    return steps if steps and (marked or _brief(steps.split(" | "))) else None


def _brief(steps: list[str]) -> bool:
    return len(steps) >= _STEPS and sum(len(step.split()) for step in steps) <= _STEP_WORDS * len(steps)


def _last_number(text: str) -> str | None:
    numbers = NUMBER.findall(_CALCULATION.sub("", text[-_STATEMENT:]))
    return canonical(numbers[-1]) if numbers else None
