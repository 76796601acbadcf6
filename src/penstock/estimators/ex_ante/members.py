"""The state of an estimator made of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.estimators.base import Arrays, Fitted, Settings

Restore = Callable[[str, Settings, Arrays], Fitted]
"""Rebuilds one estimator from its kind, settings and arrays."""


def members_state(members: Sequence[Fitted]) -> tuple[list[dict[str, Any]], dict[str, NDArray[Any]]]:
    """The members' settings in order, and their arrays under ``0.``, ``1.``, ..."""
    settings: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for i, member in enumerate(members):
        own, parts = member.state()
        settings.append({"kind": member.kind, **own})
        arrays.update({f"{i}.{key}": value for key, value in parts.items()})
    return settings, arrays


def members_from_state(settings: Sequence[Settings], arrays: Arrays, restore: Restore) -> tuple[Fitted, ...]:
    """The members again."""
    found = []
    for i, own in enumerate(settings):
        parts = {k.removeprefix(f"{i}."): np.asarray(v) for k, v in arrays.items() if k.startswith(f"{i}.")}
        found.append(restore(str(own["kind"]), own, parts))
    return tuple(found)
