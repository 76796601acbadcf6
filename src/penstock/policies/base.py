"""What a policy is: a pure step function over a batch of queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from penstock.state import NOBODY, State, Step
from penstock.types import IntArray


class Policy(Protocol):
    """A decision rule. Frozen, comparable, and written to a bundle as ``spec()``."""

    def step(self, state: State) -> Step:
        """The next step for every query of the batch."""
        ...

    def spec(self) -> Mapping[str, Any]:
        """``{"kind": ..., settings}``: plain JSON from which ``policies.registry.from_spec`` rebuilds it."""
        ...


def call_or_accept(choice: IntArray, state: State) -> Step:
    """The one-shot shape: run ``choice`` (or abstain at -1), then accept it."""
    rows = np.arange(len(choice))
    done = (choice >= 0) & state.executed[rows, np.maximum(choice, 0)]
    nobody = np.full_like(choice, NOBODY)
    return Step(call=np.where(done, nobody, choice), accept=np.where(done, choice, nobody))
