"""Which question a query belongs to: the unit that splits and the bootstrap never take apart."""

from __future__ import annotations

import re

_COPY_OR_TURN = re.compile(r"(?:-dup\d+|-t\d+)+$")
_VARIANT = re.compile(r"-(?:zero|one|two|three|four|five|few|many|\d+)[_-]?shot(?=-|$)")


def group_of(query_id: str, group: str | None = None) -> str:
    """The query's group: ``group`` where one is stated, else its id without copy, turn and variant parts.

    ``-dup2`` (the same text again) and ``-t1`` (a turn) stand at the end of an id; a prompt variant such as
    ``-one_shot`` is a part of its own anywhere in it: ``plan-blocksworld-one_shot-10`` and
    ``plan-blocksworld-zero_shot-10`` are the group ``plan-blocksworld-10``.

    PlanBench's *mystery* problems are the plain ones with every word replaced. They stay groups of their
    own: they are tasks of their own (else no task could be left out whole), share no text with the plain
    ones, and whether a model solves one says next to nothing about the other (correlation -0.06 to 0.24
    over ten models).
    """
    if group is not None:
        return group
    stem = _VARIANT.sub("", _COPY_OR_TURN.sub("", query_id))
    return stem or query_id
