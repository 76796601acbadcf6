"""Markup: what is not markup is escaped."""

from __future__ import annotations

from typing import Any

from penstock.report.markup import element, join, text


def test_markup_escapes_everything_that_is_not_markup() -> None:
    built: Any = element("p", "<&>\"'", element("b", 1), title='"', hidden=True, id=None)
    assert built == '<p title="&quot;" hidden="hidden">&lt;&amp;&gt;&quot;&#x27;<b>1</b></p>'
    assert text(built) is built
    assert join("<", built, None) == f"&lt;{built}"
