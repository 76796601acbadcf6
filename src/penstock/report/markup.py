"""Markup built from elements, so that everything is escaped unless it was built here."""

from __future__ import annotations

import re
from html import escape

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What neither XML nor HTML may contain, however escaped."""


class Markup(str):
    """Text that is markup already. Only ``element``, ``join`` and ``raw`` make it."""

    __slots__ = ()


def raw(trusted: str) -> Markup:
    """Our own constant text (a style sheet) as it is; never text from data."""
    return Markup(trusted)


def text(value: object) -> Markup:
    """Data as text: escaped, and without characters that no document may hold."""
    if isinstance(value, Markup):
        return value
    return Markup(escape(_FORBIDDEN.sub("\ufffd", str(value)), quote=True))


def join(*parts: object) -> Markup:
    """Parts after each other; None is nothing."""
    return Markup("".join(text(part) for part in parts if part is not None))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """``<name attribute="...">children</name>``.

    Attribute names are written with ``_`` for ``-`` and may end in ``_`` (``class_``); None and False leave
    an attribute out, True writes ``name="name"``. Void elements and bare shapes close themselves.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        written.append(f' {label}="{label if value is True else text(_number(value))}"')
    head = name + "".join(written)
    if not children and name in _EMPTY:
        return Markup(f"<{head}/>")
    return Markup(f"<{head}>{join(*children)}</{name}>")


_EMPTY = frozenset({"meta", "input", "br", "hr", "path", "line", "rect", "circle", "polyline", "polygon"})


def _number(value: object) -> object:
    """Coordinates to a hundredth of a pixel: what can be seen, in a third of the bytes."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
