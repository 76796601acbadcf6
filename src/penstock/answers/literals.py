"""What a stated answer comes down to: its normal form, loose or strict."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable

from penstock.answers.canonical import canonical

Form = Callable[[str], str | None]
"""From the words of an answer to its normal form; None where nothing is left of it."""

_LONG = 300
_LONGEST = 20_000
"""Characters of a literal that is still read by its value."""
_SENTENCE_WORDS = 3
_UNIT = re.compile(r"^([-−+]?[$€£]?\s?[-−]?\d[\d,]*(?:\.\d+)?%?)\s+[^\W\d_]+(?:\s[^\W\d_]+){0,3}$")
_GLUED = re.compile(r"(?<=\d)(?:kgs?|km|cm|mm|lbs?|ft|oz|mph|hrs?|mins?)$")
_DRESS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"^\*\*(.+)\*\*$",
        r"^`+([^`]+)`+$",
        r"^\\[(\[](.+)\\[)\]]$",
        r"^\$([^$]+)\$$",
        r"^\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}$",
    )
)
_PLAIN = re.compile(r"[A-Za-z\d\s,.;:!?'/()&%$-]*")
_WORD = re.compile(r"[A-Za-z]+")
_LATEX_SPACE = re.compile(r"\s|\\(?:left|right)|\\[,;!]")
_LITERAL = re.compile(r"""^(?:[\[({].*[\])}]|b?(['"]).*\1)$""", re.DOTALL)
_QUOTED = re.compile(r"""^(['"])(.*)\1$""", re.DOTALL)
OPTION = re.compile(
    r"^[\s(\[*{$]*(?:\\text(?:bf)?\{|option\s+)?\(?([A-J])(?:[)\].:}*$]+(?=\s|$)|\s*$)", re.DOTALL
)
NUMBER = re.compile(r"(?<![\w.])[-−]?[$€£]?\s?[-−]?\d(?:[\d,]*\d)?(?:\.\d+)?")


def literal_form(text: str) -> str | None:
    """The normal form of an answer that stands alone: an option by its letter, a number without its unit,
    words as ``canonical`` has them, a literal of a programming language by its value, anything else to the
    letter: ``usAR`` is not ``usar``."""
    bare = text.strip()
    option = OPTION.match(bare)
    if option is not None:
        return str(option[1].casefold())
    value = _literal(bare) if _LITERAL.match(bare) else None
    if value is not None:
        return value
    for dressed in _DRESS:
        bare = dressed.sub(r"\1", bare).strip()
    unit = _UNIT.match(bare.rstrip("."))
    if unit is not None:
        return canonical(unit[1])
    bare = _GLUED.sub("", bare)
    return _of_prose(bare) if _is_prose(bare) else _exact(bare)


def _of_prose(text: str) -> str | None:
    """Of a sentence with one number the number: "each child got 5 books"."""
    numbers = NUMBER.findall(text)
    sentence = len(numbers) == 1 and len(_WORD.findall(text)) >= _SENTENCE_WORDS
    return canonical(numbers[0] if sentence else text)


def _is_prose(text: str) -> bool:
    """Whether case is mere spelling: words in lower case, capitalised or in capitals; plain punctuation."""
    if len(text) > _LONG:
        return True
    words = _WORD.findall(text)
    return bool(_PLAIN.fullmatch(text)) and all(w.islower() or w.istitle() or w.isupper() for w in words)


def _exact(text: str) -> str | None:
    """A formula or a string: spacing of a formula does not count, of a string it does."""
    if "\\" in text:
        text = _LATEX_SPACE.sub("", text.replace("\\n", "\n").replace("dfrac", "frac"))
    return _number(text) or text or None


def _number(text: str) -> str | None:
    return canonical(text) if text[-1:].isdigit() and text[:1] in "$-−+." else None


def _literal(text: str) -> str | None:
    """A list, tuple, set or mapping by its value, in one way of writing; of a quoted string its content."""
    if len(text) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None  # it only looks like one
    if isinstance(value, str):
        return content(value, literal_form)
    return None if isinstance(value, int | float | complex) else repr(value)


def content(value: str, form: Form) -> str:
    """What stands between quotes, as it would be said without them; blank strings are answers too."""
    return (form(value) if value.strip() else None) or repr(value)


def exact_form(text: str) -> str | None:
    """To the letter, but for markup and one pair of quotes around it; an option by its letter.

    Where a scorer counts ``4/20/1969`` as wrong and ``04/20/1969`` as right, answers that ``literal_form``
    calls equal are not equally good, and their agreement misleads.
    """
    option = OPTION.match(text.strip())
    if option is not None:
        return str(option[1].casefold())
    for dressed in _DRESS:
        text = dressed.sub(r"\1", text)
    quoted = _QUOTED.match(text)
    if quoted:
        return quoted[2] or repr("")
    return text or None
