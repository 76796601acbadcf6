"""The pre-training stream: problems that are not held out, as prompt and response texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from penstock.lab.problem import SKILLS, STYLES, Problem, Style
from penstock.lab.tasks import draw
from penstock.lab.words import BRIEF_HINT, STEPS_HINT, THRESHOLDS, confidence_sentence
from penstock.runtime.phrases import REFUSAL

SKILL_WEIGHTS = (0.45, 0.40, 0.15)
StyleWeights = tuple[float, float, float, float]

STYLE_WEIGHTS: StyleWeights = (0.5, 0.3, 0.0, 0.2)
"""Of the styles of solution, unless a recipe has its own."""

CONFIDENCE_SHARE = 0.05
"""Prompts that carry the confidence sentence with no effect. It puts the words in the embeddings, so that a
later fine-tuning (low-rank ones above all) finds them trained."""
HINT_SHARE = 0.05
"""Prompts that ask for the verbose style, and as many that ask for the shortest."""
UNANSWERABLE_SHARE = 0.01
"""Prompts that lack what they start from; the response is the refusal."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training text; the loss is taken on the response only."""

    prompt: str
    response: str


def examples(
    seed: int, level_weights: tuple[float, ...], style_weights: StyleWeights = STYLE_WEIGHTS
) -> Iterator[Example]:
    """An endless stream of training examples.

    Args:
        seed: the same seed and weights give the same stream.
        level_weights: relative frequency of levels 1, 2, ...; at most eight entries.
        style_weights: relative frequency of `STYLES`.
    """
    rng = Random(f"penstock-corpus-{seed}")  # noqa: S311 - reproducible draws, no secrets
    levels = range(1, len(level_weights) + 1)
    while True:
        skill = rng.choices(SKILLS, SKILL_WEIGHTS)[0]
        level = rng.choices(levels, level_weights)[0]
        yield _dress(rng, draw(rng, skill, level, held_out=False), style_weights)


def _dress(rng: Random, problem: Problem, style_weights: StyleWeights) -> Example:
    """Choose a style of solution and, seldom, an instruction around the question."""
    if rng.random() < UNANSWERABLE_SHARE:
        return Example(_without_start(problem), REFUSAL)
    style = rng.choices(STYLES, style_weights)[0]
    prompt = problem.prompt
    hint = rng.random()
    if hint < HINT_SHARE:
        prompt, style = f"{prompt} {STEPS_HINT}", "verbose"
    elif hint < 2 * HINT_SHARE:
        prompt, style = f"{prompt} {BRIEF_HINT}", _shortest(style_weights)
    if rng.random() < CONFIDENCE_SHARE:
        prompt = f"{prompt} {confidence_sentence(rng.choice(THRESHOLDS))}"
    return Example(prompt, problem.solution(style))


def _shortest(style_weights: StyleWeights) -> Style:
    """The shortest style that is taught at all."""
    return [style for style, weight in zip(STYLES, style_weights, strict=True) if weight][-1]


def _without_start(problem: Problem) -> str:
    """The question with its beginning removed, which nobody can answer."""
    if problem.skill == "sort":
        return "put the letters in order . what letters ?"
    _, _, rest = problem.prompt.partition(" , ")
    return rest
