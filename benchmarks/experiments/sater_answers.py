"""Answers of the small model before and after training, and of the large one, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from penstock.answers.marked import extract_answer, is_correct
from penstock.candidates import Confidence
from penstock.core.votes import NO_VOTE
from penstock.lab.problem import SKILLS, Problem
from penstock.providers.stream_reader import is_refusal
from penstock.training.sater.refusals import prompt_at
from penstock.training.sater.sampler import Decoding, Sampler
from penstock.training.sater.settings import THRESHOLDS
from penstock.types import BoolArray, FloatArray, IntArray

TOLD = Confidence()


@dataclass(frozen=True)
class Items:
    """The problems that are asked: ``skill`` (n,) as an index into SKILLS, ``level`` (n,), and ``prompt``
    (n,), the tokens of the plain question."""

    problems: tuple[Problem, ...]
    prompt: IntArray

    @property
    def skill(self) -> IntArray:
        return np.array([SKILLS.index(p.skill) for p in self.problems])

    @property
    def level(self) -> IntArray:
        return np.array([p.level for p in self.problems])

    def __len__(self) -> int:
        return len(self.problems)

    def first(self, n: int) -> Items:
        """The first n of them; problems come in random order."""
        return Items(self.problems[:n], self.prompt[:n])


@dataclass(frozen=True)
class Answers:
    """m answers to each of n items, all (n, m): ``correct``, ``refused``, ``tokens`` decoded, the end mark
    included, and ``ballot``: the answer's code among those of the item, ``NO_VOTE`` for none or a refusal."""

    correct: BoolArray
    refused: BoolArray
    tokens: IntArray
    ballot: IntArray


def greedy(
    sampler: Sampler, items: Items, thresholds: Sequence[float | None] = (None,), rows: int = 256
) -> Answers:
    """One greedy answer at every threshold; column j is ``thresholds[j]``."""
    return _asked(sampler, items, [(t, Decoding(rows=rows)) for t in thresholds])


def sampled(
    sampler: Sampler, items: Items, k: int, *, temperature: float, seed: int, threshold: float | None = None
) -> Answers:
    """``k`` samples at one threshold."""
    return _asked(sampler, items, [(threshold, Decoding(k=k, temperature=temperature, seed=seed))])


def spread(sampler: Sampler, items: Items, each: int, *, temperature: float, seed: int) -> Answers:
    """``each`` samples at each of the ten thresholds, by rising threshold."""
    return _asked(
        sampler,
        items,
        [
            (t, Decoding(k=each, temperature=temperature, seed=100 * seed + j))
            for j, t in enumerate(THRESHOLDS)
        ],
    )


def _asked(sampler: Sampler, items: Items, ways: Sequence[tuple[float | None, Decoding]]) -> Answers:
    columns: list[list[tuple[str, int]]] = [[] for _ in items.problems]
    for threshold, decoding in ways:
        prompts = [prompt_at(p.prompt, threshold, TOLD) for p in items.problems]
        for column, responses in zip(columns, sampler(prompts, decoding), strict=True):
            column += [(r.text, r.tokens) for r in responses]
    return answers_of(items, columns)


def answers_of(items: Items, columns: Sequence[Sequence[tuple[str, int]]]) -> Answers:
    """From texts with their tokens, m per item."""
    refused = np.array([[is_refusal(text, TOLD) for text, _ in column] for column in columns])
    correct = np.array(
        [
            [is_correct(text, p.reference) for text, _ in column]
            for p, column in zip(items.problems, columns, strict=True)
        ]
    )
    ballots = np.array([_ballots([extract_answer(text) for text, _ in column]) for column in columns])
    tokens = np.array([[n for _, n in column] for column in columns])
    return Answers(correct & ~refused, refused, tokens, np.where(refused, NO_VOTE, ballots))


def _ballots(answers: Sequence[str | None]) -> list[int]:
    """Codes in order of first appearance."""
    codes: dict[str, int] = {}
    return [NO_VOTE if a is None else codes.setdefault(a, len(codes)) for a in answers]


def right_ballot(answers: Answers, winner: IntArray) -> BoolArray:
    """(n,) whether the winning code is that of a correct answer."""
    hit = (answers.ballot == winner[:, None]) & (winner[:, None] != NO_VOTE)
    return np.asarray((hit & answers.correct).any(axis=1))


def save(folder: Path, name: str, answers: Answers) -> None:
    """Keep the arrays of one set of answers."""
    np.savez_compressed(
        folder / f"{name}.npz",
        correct=answers.correct,
        refused=answers.refused,
        tokens=answers.tokens,
        ballot=answers.ballot,
    )


def load(folder: Path, name: str) -> Answers | None:
    """What `save` kept, None where it is not there."""
    file = folder / f"{name}.npz"
    if not file.exists():
        return None
    with np.load(file) as kept:
        return Answers(kept["correct"], kept["refused"], kept["tokens"], kept["ballot"])


def mean(values: FloatArray | BoolArray | IntArray) -> float:
    """NaN of nothing."""
    return float(np.mean(values)) if len(values) else float("nan")
