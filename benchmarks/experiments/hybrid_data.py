"""What the Hybrid LLM experiment learns from: ten samples of each embedded candidate on fresh problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from penstock.answers.marked import extract_answer, is_correct
from penstock.lab.likelihood import EmbeddedLikelihood
from penstock.lab.problem import Problem
from penstock.lab.tasks import generate
from penstock.outcomes.likelihood import Case
from penstock.runtime.model import LanguageModel
from penstock.training.hybrid.samples import Samples
from penstock.types import FloatArray, Query

SAMPLES, VOTES, TEMPERATURE = 10, 3, 0.5
LEVELS = (5, 6, 7, 8)
"""Where the stronger model of each pair is the stronger one. Up to level 4 `small` is right nearly always and
`large` is not: there is no trade to make, whoever routes."""
JUDGE = "small"
"""The model whose likelihood of the reference is the quality."""
PROBLEM_SEED = 31_000

MODELS = ("tiny", "small", "large")
VOTED = "small x3"
CANDIDATES = (*MODELS, VOTED)


@dataclass(frozen=True)
class Collected:
    """``quality``: mean log-likelihood per token of the reference, at most 0; ``correct``: 0 or 1. Both hold
    (n, 4, 10) samples of ``CANDIDATES``."""

    problems: tuple[Problem, ...]
    quality: Samples
    correct: Samples


def sampling_jobs(n: int) -> list[tuple[str, int]]:
    """One job per candidate, the longest first."""
    return [(name, n) for name in ("large", VOTED, "small", "tiny")]


def work_job(job: tuple[str, int]) -> tuple[FloatArray, FloatArray]:
    """(n, 10) likelihoods of the reference, and right or wrong, of one candidate's samples."""
    name, n = job
    problems = generate(n, PROBLEM_SEED, levels=LEVELS)
    if name == VOTED:
        ballots = _texts("small", problems, SAMPLES * VOTES, seed=9)
        texts = [[winner(row[s * VOTES : (s + 1) * VOTES]) for s in range(SAMPLES)] for row in ballots]
    else:
        texts = _texts(name, problems, SAMPLES, seed=MODELS.index(name))
    right = [[is_correct(t, p.reference) for t in row] for p, row in zip(problems, texts, strict=True)]
    judge = EmbeddedLikelihood(LanguageModel.load(JUDGE))
    return _likelihoods(judge, problems, texts), np.array(right, dtype=np.float64)


def assemble(n: int, made: Sequence[tuple[FloatArray, FloatArray]]) -> Collected:
    """What the jobs of ``sampling_jobs`` gave, in the order of ``CANDIDATES``."""
    by_name = dict(zip((name for name, _ in sampling_jobs(n)), made, strict=True))
    problems = tuple(generate(n, PROBLEM_SEED, levels=LEVELS))
    queries = tuple(Query.from_prompt(f"lab-{i}", p.prompt) for i, p in enumerate(problems))
    quality, correct = (np.stack([by_name[name][k] for name in CANDIDATES], axis=1) for k in (0, 1))
    return Collected(problems, Samples(queries, CANDIDATES, quality), Samples(queries, CANDIDATES, correct))


def winner(ballots: Sequence[str]) -> str:
    """A response with the most frequent final answer, the earliest of equals; none counts only where all
    have none."""
    answers = [extract_answer(text) for text in ballots]
    votes = Counter(a for a in answers if a is not None)
    if not votes:
        return ballots[0]
    return ballots[answers.index(votes.most_common(1)[0][0])]


def seconds_per_query(name: str, problems: Sequence[Problem]) -> FloatArray:
    """Seconds of one response each, one at a time."""
    model = LanguageModel.load(name)
    model.generate([problems[0].prompt])  # the first is slower
    times = []
    for i, problem in enumerate(problems):
        started = perf_counter()
        model.generate([problem.prompt], temperature=TEMPERATURE, seeds=[i])
        times.append(perf_counter() - started)
    return np.array(times)


def _texts(name: str, problems: Sequence[Problem], samples: int, *, seed: int) -> list[list[str]]:
    model = LanguageModel.load(name)
    prompts = [p.prompt for p in problems for _ in range(samples)]
    seeds = [seed * 1_000_000 + i for i in range(len(prompts))]
    found = [g.text for g in model.generate(prompts, temperature=TEMPERATURE, seeds=seeds)]
    return [found[i * samples : (i + 1) * samples] for i in range(len(problems))]


def _likelihoods(
    judge: EmbeddedLikelihood, problems: Sequence[Problem], texts: Sequence[Sequence[str]]
) -> FloatArray:
    """(n, samples), every distinct case once."""
    cases = [Case(p.prompt, t, p.reference) for p, row in zip(problems, texts, strict=True) for t in row]
    distinct = list(dict.fromkeys(cases))
    value = dict(zip(distinct, judge.log_likelihoods(distinct).tolist(), strict=True))
    return np.array([value[c] for c in cases]).reshape(len(problems), -1)
