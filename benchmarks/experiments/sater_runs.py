"""Trains the small model once per seed and lets every model answer the items; restartable from its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.experiments import sater_answers as asked
from benchmarks.experiments.sater_answers import Answers, Items
from benchmarks.experiments.sater_jobs import run_jobs
from penstock.answers.marked import extract_answer, is_correct
from penstock.core.hashing import uniform_of
from penstock.lab.problem import LEVELS, Problem
from penstock.lab.tasks import generate
from penstock.outcomes.scorers.verified import VerifierScorer
from penstock.runtime.model import LanguageModel
from penstock.training.sater.run import Run, train_sater
from penstock.training.sater.sampler import Sampler
from penstock.training.sater.samples import Question
from penstock.training.sater.sampling import sampler_for
from penstock.training.sater.settings import EMBEDDED, THRESHOLDS, Sater
from penstock.training.sater.trainee import open_trainee

EVALUATION, DEVELOPMENT, TRAINING = 52_000, 32_000, 33_000
"""Seeds of the problems. Evaluation problems come from the fifth no training ever sees; development ones,
which the recipe was chosen on, from a twentieth of the rest that fine-tuning does not see either."""
TEMPERATURE = EMBEDDED.second_sampling.temperature
"""Of every vote: the one confidence was measured at."""


@dataclass(frozen=True, slots=True)
class Way:
    """A vote of the trained model: ``k`` samples, all asked at one ``threshold`` and of equal weight (FCV),
    or with None spread evenly over the ten thresholds and weighted by them (RCV; ``k`` a multiple of ten)."""

    k: int
    threshold: float | None = None

    @property
    def name(self) -> str:
        """As tables and files call it."""
        return f"RCV x{self.k}" if self.threshold is None else f"FCV x{self.k} at {self.threshold:g}"


RCV, FCV = Way(10), Way(10, 0.5)
"""The paper's two, with our number of samples and FCV's threshold."""
OPERATING: Mapping[float, Way] = {
    13.75: Way(5, 0.5),
    25.0: Way(5, 0.5),
    50.0: Way(10, 0.1),
    100.0: Way(10, 0.1),
}
"""Price ratio -> the vote that saved most there on development problems (``--development`` prints all)."""
CONSIDERED = (
    RCV,
    FCV,
    Way(20),
    *(Way(k, threshold) for threshold in (0.1, 0.5) for k in (2, 3, 5, 10, 20)),
)
"""What the operating votes were chosen from."""


@dataclass(frozen=True)
class Plan:
    """Sizes of one experiment.

    Attributes:
        model, large: the small model and the one it falls back on, by name.
        seeds: fine-tuning seeds 1..seeds; each draws its own questions, samples and order.
        questions: fine-tuning questions per seed.
        items: problems for the paired comparison of greedy answers.
        voted: the first so many of them are voted on.
        k: samples per vote of self-consistency.
        operating: price ratio -> the trained model's vote whose total cost is reported there.
        settings: of training.
        development: ask development problems instead of evaluation ones, and every vote considered.
        workers: processes of one thread each; 1: everything in this one.
    """

    model: str = "small"
    large: str = "large"
    seeds: int = 3
    questions: int = 2400
    items: int = 6000
    voted: int = 1000
    k: int = 10
    operating: Mapping[float, Way] = field(default_factory=lambda: dict(OPERATING))
    settings: Sater = EMBEDDED
    development: bool = False
    workers: int = 1

    @property
    def ways(self) -> tuple[Way, ...]:
        """Every vote the trained model casts, RCV and FCV first."""
        others = CONSIDERED if self.development else self.operating.values()
        return tuple(dict.fromkeys((RCV, FCV, *others)))

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
    """What one seed gave: ``one``: Stage I, greedy (items, 1); ``two``: Stage II, greedy, without a threshold
    and at every one (voted, 11); ``votes``: its samples for every vote (voted, way.k); ``seconds`` of one
    thread that its training took."""

    one: Answers
    two: Answers
    votes: Mapping[Way, Answers]
    seconds: float


@dataclass(frozen=True)
class Found:
    """Everything that was measured. ``base`` is greedy (items, 1), ``votes`` its samples (voted, k)."""

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
    """Train and ask; what is in ``folder`` already is not made again. ``tell`` must be picklable."""
    folder.mkdir(parents=True, exist_ok=True)
    run_jobs(
        [partial(train, plan, folder, seed, tell) for seed in range(1, plan.seeds + 1)],
        [partial(ask_seed, plan, folder, seed, tell) for seed in range(1, plan.seeds + 1)],
        [partial(ask_untrained, plan, folder, tell)],
        workers=plan.workers,
    )
    items, base, votes, large = ask_untrained(plan, folder, tell)
    trained = tuple(ask_seed(plan, folder, seed, tell) for seed in range(1, plan.seeds + 1))
    return Found(plan, items, base, votes, large, trained, stream_speed(plan.model))


def ask_untrained(plan: Plan, folder: Path, tell: Tell) -> tuple[Items, Answers, Answers, Answers]:
    """The items, and the small model's greedy answers and samples and the large one's greedy answers."""
    items = items_of(plan)
    voted = items.first(plan.voted)

    def samples(sampler: Sampler) -> Answers:
        tell(f"{plan.k} samples of {plan.model}")
        return asked.sampled(sampler, voted, plan.k, temperature=TEMPERATURE, seed=1)

    def greedy(sampler: Sampler) -> Answers:
        tell(f"answers of {plan.model}")
        return asked.greedy(sampler, items)

    return (
        items,
        _kept(folder, "base", plan.model, greedy),
        _kept(folder, "votes", plan.model, samples),
        _kept(folder, "large", plan.large, lambda s: asked.greedy(s, voted)),
    )


def items_of(plan: Plan) -> Items:
    """The problems with the length of their prompts."""
    problems = tuple(plan.problems())
    ids = open_trainee(plan.model).prompt_ids([p.prompt for p in problems])
    return Items(problems, np.array([len(row) for row in ids]))


def run_of(plan: Plan, folder: Path, seed: int) -> Run:
    """The training run of one seed."""
    settings = replace(plan.settings, seed=seed, evaluation_share=0.0)
    scorer = VerifierScorer(extract_answer, is_correct)
    out = folder / f"seed-{seed}"
    return Run(plan.model, plan.training(seed), scorer, "lab", settings, out, source="generated problems")


def train(plan: Plan, folder: Path, seed: int, tell: Tell) -> None:
    """Both stages of one seed; writes ``seconds`` beside them when it made them from the beginning."""
    run = run_of(plan, folder, seed)
    started, last, begun = perf_counter(), [""], not run.out.exists()

    def show(what: str, step: int, steps: int, loss: float) -> None:
        if what != last[0]:
            last[0] = what
            tell(f"seed {seed}: {what}")

    train_sater(run, show)
    if begun:
        (run.out / _SECONDS).write_text(f"{perf_counter() - started:.1f}\n", encoding="utf-8")
    tell(f"seed {seed}: trained")


def seconds_of(out: Path) -> float:
    """What a run in this folder took; NaN where it was interrupted."""
    file = out / _SECONDS
    return float(file.read_text(encoding="utf-8")) if file.exists() else float("nan")


_SECONDS = "seconds.txt"


def ask_seed(plan: Plan, folder: Path, seed: int, tell: Tell) -> Trained:
    """The answers of one seed's models."""
    items, out = items_of(plan), folder / f"seed-{seed}"
    voted = items.first(plan.voted)
    one, two = str(out / "2-stage-one"), str(out / "4-stage-two")

    def first(sampler: Sampler) -> Answers:
        tell(f"seed {seed}: answers")
        return asked.greedy(sampler, items)

    def vote(way: Way) -> Callable[[Sampler], Answers]:
        draw = partial(asked.sampled, threshold=way.threshold) if way.threshold else asked.spread
        each = way.k if way.threshold else way.k // len(THRESHOLDS)
        return lambda sampler: draw(sampler, voted, each, temperature=TEMPERATURE, seed=seed + 1)

    return Trained(
        _kept(out, "one", one, first),
        _kept(out, "two", two, lambda s: asked.greedy(s, voted, (None, *THRESHOLDS))),
        {way: _kept(out, way.name.replace(" ", "-"), two, vote(way)) for way in plan.ways},
        seconds_of(out),
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
