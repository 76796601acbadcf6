"""How often a model is right, by level and by skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.answers.marked import is_correct
from penstock.lab.problem import LEVELS, SKILLS, Problem, Skill
from penstock.runtime.model import LanguageModel


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of right answers; None where no problem of the kind was asked.

    Attributes:
        problems: how many were asked.
        overall: over all of them.
        by_level: level -> share.
        by_skill: skill -> share.
        cells: "skill-level" -> share.
        mean_tokens: mean length of a response in tokens.
    """

    problems: int
    overall: float | None
    by_level: dict[str, float | None]
    by_skill: dict[str, float | None]
    cells: dict[str, float | None]
    mean_tokens: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One greedy response to one problem."""

    problem: Problem
    text: str
    tokens: int

    @property
    def correct(self) -> bool:
        """Whether it ends in the reference answer."""
        return is_correct(self.text, self.problem.reference)


def answer(model: LanguageModel, problems: Sequence[Problem]) -> list[Trial]:
    """Greedy responses of one model."""
    generations = model.generate([problem.prompt for problem in problems])
    return [
        Trial(problem, generation.text, len(generation.tokens))
        for problem, generation in zip(problems, generations, strict=True)
    ]


def accuracy(trials: Sequence[Trial]) -> Accuracy:
    """Count right answers."""
    by_cell = {(skill, level): list[bool]() for skill in SKILLS for level in LEVELS}
    for trial in trials:
        by_cell[trial.problem.skill, trial.problem.level].append(trial.correct)

    def share(skills: Sequence[Skill], levels: Sequence[int]) -> float | None:
        return _mean([right for skill in skills for level in levels for right in by_cell[skill, level]])

    return Accuracy(
        problems=len(trials),
        overall=share(SKILLS, LEVELS),
        by_level={str(level): share(SKILLS, [level]) for level in LEVELS},
        by_skill={skill: share([skill], LEVELS) for skill in SKILLS},
        cells={f"{skill}-{level}": share([skill], [level]) for skill, level in by_cell},
        mean_tokens=_mean([trial.tokens for trial in trials]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
