"""The chain skill: follow a number through additions, subtractions and doublings.

Values stay within 0..59 without wrapping around: modular arithmetic is far harder for a small transformer
(grokking), and at this training budget it is not learned at all.
"""

from __future__ import annotations

from random import Random

from penstock.lab.problem import Problem

LARGEST = 59
"""The largest value; every number 0..59 is one word of the vocabulary."""


def draw_chain(rng: Random, level: int) -> Problem:
    """Draw a chain of `level` operations, each uniform among the kinds that keep the value within 0..59."""
    value = start = rng.randrange(LARGEST + 1)
    asked: list[str] = []
    verbose: list[str] = []
    equations: list[str] = []
    brief: list[str] = []
    states: list[str] = []
    for _ in range(level):
        operation, words, symbols, result = _draw_step(rng, value)
        asked.append(operation)
        verbose.append(f"{operation} : {words} is {result} .")
        equations.append(f"{symbols} = {result} .")
        brief.append(f"{operation} = {result}")
        states.append(str(result))
        value = result
    end = f"answer : {value}"
    return Problem(
        skill="chain",
        level=level,
        prompt=f"start at {start} , {' , '.join(asked)} . what number ?",
        reference=str(value),
        solutions=(
            f"start at {start} . {' '.join(verbose)} {end}",
            f"{' '.join(equations)} {end}",
            f"{start} . {' '.join(brief)} . {end}",
            f"{' , '.join(states)} . {end}",
        ),
    )


def _draw_step(rng: Random, value: int) -> tuple[str, str, str, int]:
    """One operation on `value`: (as asked, in words, in symbols, result)."""
    kinds = [
        kind
        for kind, possible in (
            ("forward", value < LARGEST),
            ("back", value > 0),
            ("double", 2 * value <= LARGEST),
        )
        if possible
    ]
    kind = rng.choice(kinds)
    if kind == "forward":
        n = rng.randint(1, min(9, LARGEST - value))
        return f"forward {n}", f"{value} plus {n}", f"{value} + {n}", value + n
    if kind == "back":
        n = rng.randint(1, min(9, value))
        return f"back {n}", f"{value} minus {n}", f"{value} - {n}", value - n
    return "double", f"{value} plus {value}", f"{value} + {value}", 2 * value
