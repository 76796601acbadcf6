"""Help texts that name what is registered: looked up when help is shown, not when a verb is mounted."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperOption

_PLACES = {
    "{policies}": "policy",
    "{estimators}": "estimator",
    "{post_hoc}": "post_hoc",
    "{comparisons}": "comparison",
    "{scorers}": "scorer",
    "{stores}": "store",
}


class ListingCommand(TyperCommand):
    """A verb in whose options' help ``{policies}`` and the like stand for the names in that room."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Fill in what is registered, then show it."""
        for param in self.params:
            if isinstance(param, TyperOption) and param.help:
                param.help = _filled(param.help)
        super().format_help(ctx, formatter)


def _filled(text: str) -> str:
    from penstock import registry

    for place, room in _PLACES.items():
        if place in text:
            items = registry.registered(room).values()
            text = text.replace(place, ", ".join(i.name for i in items if _can_be_asked_for(i.target)))
    return text


def _can_be_asked_for(target: Any) -> bool:
    """All but policies that a fit has nothing to try of."""
    from penstock.policies.base import Policy

    return not (isinstance(target, type) and issubclass(target, Policy)) or target.tunable()


def listing(**settings: Any) -> dict[str, Any]:
    """What ``app.command`` takes for such a verb."""
    return {"cls": ListingCommand, **settings}
