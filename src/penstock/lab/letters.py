"""The two letter skills: rearranging a row of letters step by step, and sorting distinct letters."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from string import ascii_lowercase

from penstock.lab.problem import Problem

Row = list[str]

OPERATIONS: dict[str, Callable[[Row], Row]] = {
    "reverse": lambda row: row[::-1],
    "left": lambda row: row[1:] + row[:1],
    "right": lambda row: row[-1:] + row[:-1],
    "ends": lambda row: [row[-1], *row[1:-1], row[0]],
    "sort": sorted,
}
"""What a string problem may ask: reverse; rotate left or right by one; exchange the two end letters; sort."""


def draw_string(rng: Random, level: int) -> Problem:
    """Draw 5 to 7 letters (repeats allowed) and `level` rearrangements of them."""
    row = [rng.choice(ascii_lowercase) for _ in range(rng.randint(5, 7))]
    start = " ".join(row)
    asked = [rng.choice(tuple(OPERATIONS)) for _ in range(level)]
    states: list[str] = []
    for operation in asked:
        row = OPERATIONS[operation](row)
        states.append(" ".join(row))
    end = f"answer : {states[-1]}"
    pairs = list(zip(asked, states, strict=True))
    return Problem(
        skill="string",
        level=level,
        prompt=f"take the letters {start} , {' , '.join(asked)} . what letters ?",
        reference=states[-1],
        solutions=(
            f"start with {start} . {' '.join(f'{op} gives {state} .' for op, state in pairs)} {end}",
            f"{' '.join(f'{op} = {state} .' for op, state in pairs)} {end}",
            f"{' '.join(f'{op} = {state}' for op, state in pairs)} . {end}",
            f"{' , '.join(states)} . {end}",
        ),
    )


def draw_sort(rng: Random, level: int) -> Problem:
    """Draw 2 + 2 level letters (repeats allowed: 4 at level 1, 18 at level 8) to be put in alphabetical
    order.
    """
    row = [rng.choice(ascii_lowercase) for _ in range(2 + 2 * level)]
    ordered = sorted(row)
    reference = " ".join(ordered)
    end = f"answer : {reference}"
    return Problem(
        skill="sort",
        level=level,
        prompt=f"put the letters {' '.join(row)} in order . what letters ?",
        reference=reference,
        solutions=(
            f"first is {ordered[0]} . {' '.join(f'next is {letter} .' for letter in ordered[1:])} {end}",
            f"{' < '.join(ordered)} . {end}",
            end,
            end,
        ),
    )
