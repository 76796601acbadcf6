"""Stage I data: which correct response to prefer over which incorrect one. Pure: no model, no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
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

    Length is in tokens; equal lengths go by sample number. With `settings.longer_by` the rejected response
    must be that many times as long, so that a pair differs in manner and not in a slip. With
    `settings.all_correct`, questions whose samples are all correct give the shortest over the longest. With
    `settings.per_question` above 1 the next shortest correct texts are chosen too.
    """
    pairs: list[Pair] = []
    dropped = dict.fromkeys(("no correct sample", "all correct", "too few correct", "none much longer"), 0)
    for question in asked:
        correct = [sample for sample in question.samples if sample.correct]
        wrong = [sample for sample in question.samples if not sample.correct]
        if not correct:
            dropped["no correct sample"] += 1
        elif not wrong and not settings.all_correct:
            dropped["all correct"] += 1
        elif wrong and len(correct) < settings.least_correct:
            dropped["too few correct"] += 1
        elif found := _matched(question, correct, wrong, settings):
            pairs += found
        else:
            dropped["none much longer"] += 1
    return Selection(tuple(pairs), dropped)


def _matched(
    question: Asked, correct: Sequence[Sample], wrong: Sequence[Sample], settings: StageOne
) -> list[Pair]:
    """Short over long; where there are fewer different long ones, they serve again."""
    kind: Kind = "over incorrect" if wrong else "over longer"
    long = cycle(_by_length(wrong or correct, -1))
    short = _by_length(correct)[: settings.per_question]
    return [
        Pair(question, chosen, rejected, kind)
        for chosen, rejected in zip(short, long, strict=False)
        if rejected.tokens >= settings.longer_by * chosen.tokens
        and (wrong or rejected.tokens > chosen.tokens)
    ]


def shortest(samples: Sequence[Sample]) -> Sample:
    """The one of fewest tokens; the first of equals."""
    return min(samples, key=lambda sample: (sample.tokens, sample.index))


def _by_length(samples: Sequence[Sample], sign: int = 1) -> list[Sample]:
    """One sample of every different text, by rising (`sign` -1: falling) tokens and then by sample number."""
    ordered = sorted(samples, key=lambda sample: (sign * sample.tokens, sample.index))
    return list({sample.text: sample for sample in reversed(ordered)}.values())[::-1]
