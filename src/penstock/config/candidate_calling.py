"""Pool-file entries that say how a model is called: at a confidence, or voted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from penstock.answers.final_answer import final_answer_named
from penstock.candidates import Candidate, Confidence, Vote, Weighting
from penstock.config.pool_schema import CandidateEntry, VoteEntry
from penstock.errors import InputError, PoolError


def called_as(plain: Candidate, entry: CandidateEntry, *, file: Path, field: str) -> list[Candidate]:
    """``plain`` called as its entry says: several confidences make several candidates, "NAME at 0.7".

    Raises ``PoolError`` that names the field.
    """
    section = "vote"
    try:
        vote = None if entry.vote is None else _vote(entry.vote)
        section = "confidence"
        confidences: list[Confidence | None] = [Confidence(**e.model_dump()) for e in entry.confidence]
        if vote is not None and vote.weights is Weighting.RCV and not confidences:
            confidences = [Confidence()]
        section = ""
        return [
            replace(
                plain,
                name=_name(plain.name, confidence) if len(confidences) > 1 else plain.name,
                vote=vote,
                confidence=confidence,
            )
            for confidence in confidences or [None]
        ]
    except InputError as error:
        path = ".".join(part for part in (field, section, error.field) if part)
        raise PoolError(error.message, file=file, field=path, hint=error.hint) from error


def _vote(entry: VoteEntry) -> Vote:
    vote = Vote(**entry.model_dump())
    final_answer_named(vote.answer, vote.pattern)
    return vote


def _name(name: str, confidence: Confidence | None) -> str:
    return f"{name} at {confidence.threshold}" if confidence is not None else name
