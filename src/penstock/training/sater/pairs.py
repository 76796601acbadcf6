"""Stage I data: which correct response to prefer over which incorrect one. Pure: no model, no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from penstock.training.sater.samples import Asked, Sample
from penstock.training.sater.settings import StageOne

Kind = Literal["over incorrect", "over longer"]


@dataclass(frozen=True, slots=True)
class Pair:
    """`chosen` is to be preferred; `kind` says what `rejected` is: an incorrect response, or (where all were
    correct) a longer correct one."""

    asked: Asked
    chosen: Sample
    rejected: Sample
    kind: Kind


@dataclass(frozen=True, slots=True)
class Selection:
    """The pairs, and how many questions gave none for which reason."""

    pairs: tuple[Pair, ...]
    dropped: dict[str, int]


def select_pairs(asked: Sequence[Asked], settings: StageOne) -> Selection:
    """The shortest correct over the longest incorrect response of every question that has both.

    Length is in tokens; equal lengths go by sample number. A question whose samples are all correct gives the
    shortest over the longest where that is `settings.longer_by` times as long (None: never). With
    `settings.per_question` above 1 the second shortest goes over the second longest, and so on, as long as
    there are different texts of both.
    """
    pairs: list[Pair] = []
    dropped = {"no correct sample": 0, "all correct, none much longer": 0, "too few correct": 0}
    for question in asked:
        correct = [sample for sample in question.samples if sample.correct]
        wrong = [sample for sample in question.samples if not sample.correct]
        if not correct:
            dropped["no correct sample"] += 1
        elif wrong and len(correct) < settings.least_correct:
            dropped["too few correct"] += 1
        elif wrong:
            pairs += _matched(question, correct, wrong, settings.per_question)
        elif settings.longer_by is not None and _much_longer(correct, settings.longer_by):
            matched = zip(_by_length(correct), _by_length(correct, -1), strict=True)
            pairs += [
                Pair(question, short, long, "over longer")
                for short, long in list(matched)[: settings.per_question]
                if long.tokens >= settings.longer_by * short.tokens
            ]
        else:
            dropped["all correct, none much longer"] += 1
    return Selection(tuple(pairs), dropped)


def _matched(question: Asked, correct: Sequence[Sample], wrong: Sequence[Sample], most: int) -> list[Pair]:
    matched = zip(_by_length(correct), _by_length(wrong, -1), strict=False)
    return [Pair(question, short, long, "over incorrect") for short, long in list(matched)[:most]]


def _by_length(samples: Sequence[Sample], sign: int = 1) -> list[Sample]:
    """One sample of every different text, by rising (`sign` -1: falling) tokens and then by sample number."""
    ordered = sorted(samples, key=lambda sample: (sign * sample.tokens, sample.index))
    return list({sample.text: sample for sample in reversed(ordered)}.values())[::-1]


def shortest(samples: Sequence[Sample]) -> Sample:
    """The one of fewest tokens; the first of equals."""
    return min(samples, key=lambda sample: (sample.tokens, sample.index))


def _much_longer(correct: Sequence[Sample], factor: float) -> bool:
    lengths = [sample.tokens for sample in correct]
    return max(lengths) >= factor * min(lengths)
