"""Draws problems: any number, any mix of skills and levels, from either side of the held-out rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from penstock.errors import InputError
from penstock.lab.chain import draw_chain
from penstock.lab.letters import draw_sort, draw_string
from penstock.lab.problem import LEVELS, SKILLS, Problem, Skill, is_held_out

__all__ = ["draw", "generate"]

DRAW: dict[Skill, Callable[[Random, int], Problem]] = {
    "chain": draw_chain,
    "string": draw_string,
    "sort": draw_sort,
}

_MISSES = 400
"""A cell counts as exhausted after this many draws in a row brought nothing new (an unseen one in 80 is then
overlooked with probability 0.007)."""


def draw(rng: Random, skill: Skill, level: int, *, held_out: bool) -> Problem:
    """Draw one problem of a skill and level from the wanted side of the held-out rule."""
    while True:
        problem = DRAW[skill](rng, level)
        if is_held_out(problem) == held_out:
            return problem


def generate(
    n: int,
    seed: int,
    *,
    held_out: bool = True,
    levels: Sequence[int] = LEVELS,
    skills: Sequence[Skill] = SKILLS,
) -> list[Problem]:
    """Draw `n` distinct problems, spread evenly over the cells (skill, level), in random order.

    Some cells are small: chain level 1 has 203 held-out problems. A cell that
    has no more to give is left out and the others go on, so that a large request holds fewer of the easiest
    chains than of the rest; the list is shorter than `n` only when every requested cell is exhausted.

    Args:
        n: how many problems.
        seed: the same seed, n, levels and skills give the same list.
        held_out: True draws only what training never sees, False only from what it may see.
        levels: difficulties, 1 to 8.
        skills: which generators.

    Raises:
        InputError: a negative n, or an unknown level or skill, or none.
    """
    _check(n, levels, skills)
    rng = Random(f"penstock-lab-{seed}")  # noqa: S311 - reproducible draws, no secrets
    cells = [(skill, level) for level in dict.fromkeys(levels) for skill in dict.fromkeys(skills)]
    found: dict[str, Problem] = {}
    while len(found) < n and cells:
        for cell in list(cells):
            if len(found) == n:
                break
            problem = _draw_new(rng, cell, found, held_out)
            if problem is None:
                cells.remove(cell)
            else:
                found[problem.prompt] = problem
    problems = list(found.values())
    rng.shuffle(problems)
    return problems


def _draw_new(
    rng: Random, cell: tuple[Skill, int], found: dict[str, Problem], held_out: bool
) -> Problem | None:
    for _ in range(_MISSES):
        problem = draw(rng, *cell, held_out=held_out)
        if problem.prompt not in found:
            return problem
    return None


def _check(n: int, levels: Sequence[int], skills: Sequence[Skill]) -> None:
    if n < 0:
        raise InputError(f"the number of problems must not be negative, got {n}", field="n")
    unknown_levels = sorted(set(levels) - set(LEVELS))
    if unknown_levels or not levels:
        raise InputError(f"levels are 1 to 8, got {list(levels)}", field="levels")
    unknown_skills = sorted(set(skills) - set(SKILLS))
    if unknown_skills or not skills:
        raise InputError(f"skills are {', '.join(SKILLS)}, got {list(skills)}", field="skills")
