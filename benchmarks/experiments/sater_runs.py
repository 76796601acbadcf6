"""Trains the small model once per seed and lets every model answer the items; restartable from its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.experiments import sater_answers as asked
from benchmarks.experiments.sater_answers import Answers, Items
from penstock.lab.problem import LEVELS, Problem
from penstock.lab.tasks import generate
from penstock.lab.verify import extract_answer, is_correct
from penstock.outcomes.hashing import uniform_of
from penstock.outcomes.scorers.verified import VerifierScorer
from penstock.runtime.model import LanguageModel
from penstock.training.sater.run import Run, train_sater
from penstock.training.sater.sampler import Sampler
from penstock.training.sater.samples import Question
from penstock.training.sater.sampling import sampler_for
from penstock.training.sater.settings import EMBEDDED, THRESHOLDS, Sater
from penstock.training.sater.trainee import open_trainee

EVALUATION, DEVELOPMENT, TRAINING = 31_000, 32_000, 33_000
"""Seeds of the problems. Evaluation problems come from the fifth no training ever sees; development ones,
which the recipe was chosen on, from a twentieth of the rest that fine-tuning does not see either."""
TEMPERATURE = EMBEDDED.sampling.temperature
"""Of every vote: the one the training samples were drawn at."""
FIXED = 0.5
"""FCV's threshold."""


@dataclass(frozen=True)
class Plan:
    """Sizes of one experiment.

    Attributes:
        model, large: the small model and the one it falls back on, by name.
        seeds: fine-tuning seeds 1..seeds; each draws its own questions, samples and order.
        questions: fine-tuning questions per seed.
        items: problems for the paired comparison of greedy answers.
        voted: the first so many of them are voted on.
        k: samples per vote.
        settings: of training.
        development: ask development problems instead of evaluation ones.
    """

    model: str = "small"
    large: str = "large"
    seeds: int = 3
    questions: int = 2400
    items: int = 6000
    voted: int = 1000
    k: int = 10
    settings: Sater = EMBEDDED
    development: bool = False

    def problems(self) -> list[Problem]:
        """The items."""
        if self.development:
            drawn = generate(24 * self.items, DEVELOPMENT, held_out=False)
            return [p for p in drawn if _development(p)][: self.items]
        return generate(self.items, EVALUATION)

    def training(self, seed: int) -> list[Question]:
        """Questions one seed is trained on."""
        drawn = generate(self.questions + self.questions // 10, TRAINING + seed, held_out=False)
        kept = [p for p in drawn if not _development(p)][: self.questions]
        return [Question(p.id, p.prompt, p.reference, p.skill) for p in kept]


def _development(problem: Problem) -> bool:
    return uniform_of(f"sater-development:{problem.prompt}") < 0.05


Tell = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What one seed gave: ``one``: Stage I, greedy (items); ``two``: Stage II, greedy, without a threshold
    and at every one (voted, 11); ``ranged`` and ``fixed``: its samples for RCV and FCV (voted, k)."""

    one: Answers
    two: Answers
    ranged: Answers
    fixed: Answers
    seconds: float


@dataclass(frozen=True)
class Found:
    """Everything that was measured. ``base`` is greedy (items), ``votes`` its samples (voted, k)."""

    plan: Plan
    items: Items
    base: Answers
    votes: Answers
    large: Answers
    trained: tuple[Trained, ...]
    tokens_per_second: float

    @cached_property
    def voted(self) -> Items:
        """The items that were voted on."""
        return self.items.first(self.plan.voted)


def measure(plan: Plan, folder: Path, tell: Tell) -> Found:
    """Train and ask; what is in ``folder`` already is not made again."""
    problems = tuple(plan.problems())
    base = open_trainee(plan.model)
    items = Items(problems, np.array([len(ids) for ids in base.prompt_ids([p.prompt for p in problems])]))
    voted = items.first(plan.voted)
    folder.mkdir(parents=True, exist_ok=True)
    tell(f"asking {plan.model} and {plan.large}")
    return Found(
        plan,
        items,
        _kept(folder, "base", plan.model, lambda s: asked.greedy(s, items)),
        _kept(
            folder,
            "votes",
            plan.model,
            lambda s: asked.sampled(s, voted, plan.k, temperature=TEMPERATURE, seed=1),
        ),
        _kept(folder, "large", plan.large, lambda s: asked.greedy(s, voted)),
        tuple(_trained(plan, items, voted, folder, seed, tell) for seed in range(1, plan.seeds + 1)),
        stream_speed(plan.model),
    )


def _trained(plan: Plan, items: Items, voted: Items, folder: Path, seed: int, tell: Tell) -> Trained:
    settings = replace(plan.settings, seed=seed, evaluation_share=0.0)
    out = folder / f"seed-{seed}"
    scorer = VerifierScorer(extract_answer, is_correct)
    run = Run(plan.model, plan.training(seed), scorer, "lab", settings, out, source="generated problems")
    tell(f"training, seed {seed}")
    started, last = perf_counter(), [""]

    def show(what: str, step: int, steps: int, loss: float) -> None:
        if what != last[0]:
            last[0] = what
            tell(f"seed {seed}: {what}")

    train_sater(run, show)
    seconds = perf_counter() - started
    tell(f"seed {seed}: answering")
    one, two = str(out / "2-stage-one"), str(out / "4-stage-two")
    draws = {"temperature": TEMPERATURE, "seed": seed + 1}
    return Trained(
        _kept(out, "one", one, lambda s: asked.greedy(s, items)),
        _kept(out, "two", two, lambda s: asked.greedy(s, voted, (None, *THRESHOLDS))),
        _kept(out, "ranged", two, lambda s: asked.spread(s, voted, **draws)),
        _kept(out, "fixed", two, lambda s: asked.sampled(s, voted, plan.k, threshold=FIXED, **draws)),
        seconds,
    )


def _kept(folder: Path, name: str, model: str, ask: Callable[[Sampler], Answers]) -> Answers:
    found = asked.load(folder, name)
    if found is None:
        found = ask(sampler_for(model))
        asked.save(folder, name, found)
    return found


def stream_speed(model: str, prompts: int = 24) -> float:
    """Tokens per second of one request at a time, on one thread, through the runtime that serves; the median
    over requests."""
    runtime = LanguageModel.load(model)
    problems = generate(prompts, 5, levels=LEVELS[2:6])
    speeds = []
    for problem in problems:
        started = perf_counter()
        tokens = sum(1 for _ in runtime.stream(problem.prompt))
        speeds.append((tokens + 1) / (perf_counter() - started))
    return float(np.median(speeds))
