"""One problem of the laboratory, and the rule that keeps one in five out of training."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

Skill = Literal["chain", "string", "sort"]
Style = Literal["verbose", "equations", "brief", "states"]

SKILLS: tuple[Skill, ...] = ("chain", "string", "sort")
STYLES: tuple[Style, ...] = ("verbose", "equations", "brief", "states")
LEVELS: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)

HELD_OUT_ONE_IN = 5
"""One problem in this many is never trained on."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with one right answer and a worked solution in each of four styles.

    Attributes:
        skill: which generator drew it.
        level: difficulty, 1 (easiest) to 8: the number of operations, or what the number of letters grows
            with.
        prompt: the question as plain English words; also the canonical text that the held-out rule hashes.
        reference: the right answer: a number ("12") or letters separated by spaces ("a d k").
        solutions: full responses in the order of `STYLES`, each ending in "answer : <reference>".
    """

    skill: Skill
    level: int
    prompt: str
    reference: str
    solutions: tuple[str, str, str, str]

    @property
    def id(self) -> str:
        """A stable name: skill, level and a hash of the prompt."""
        return f"{self.skill}-{self.level}-{_digest(self.prompt).hex()[:12]}"

    def solution(self, style: Style) -> str:
        """The full response in one style."""
        return self.solutions[STYLES.index(style)]


def is_held_out(problem: Problem) -> bool:
    """Whether the problem belongs to the fifth that training never sees.

    Decided by blake2 of the prompt alone, so it is the same for every seed, process and machine.
    """
    return int.from_bytes(_digest(problem.prompt), "big") % HELD_OUT_ONE_IN == 0


def _digest(prompt: str) -> bytes:
    return blake2b(prompt.encode(), digest_size=8).digest()
