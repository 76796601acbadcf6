"""The settings of each model, complete: what is here and the seed determine the training run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from penstock.errors import InputError
from penstock.lab.corpus import STYLE_WEIGHTS, StyleWeights

CONTEXT = 256
"""Positions per request, prompt and response together. The longest training text has about 200 tokens."""

EASY = tuple(0.72**level for level in range(8))
"""Mostly the first levels."""
NEAR = tuple(0.85**level for level in range(5))
"""The first five levels and nothing beyond."""
BROAD = tuple(0.95**level for level in range(8))
"""All eight levels, nearly flat."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of training on one mixture of levels."""

    steps: int
    level_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model and how it is trained. Llama architecture with tied embeddings.

    Attributes:
        width, layers, heads, hidden: model dimensions; `hidden` is the feed-forward width.
        phases: run one after the other under a single learning-rate schedule.
        batch_tokens: tokens per step, padding included, about.
        muon_rate: peak learning rate of Muon, for the hidden matrices.
        adam_rate: peak learning rate of AdamW, for the embedding and the norms.
        warmup: share of all steps with a rising rate; then a cosine down to 2%.
        hold: share of all steps, warm-up included, before that cosine begins; the rate stays at its peak.
        style_weights: relative frequency of the styles of solution, in the order of `STYLES`.
    """

    name: str
    width: int
    layers: int
    heads: int
    hidden: int
    phases: tuple[Phase, ...]
    batch_tokens: int
    muon_rate: float
    adam_rate: float
    muon_momentum: float = 0.95
    weight_decay: float = 0.01
    adam_betas: tuple[float, float] = (0.9, 0.98)
    warmup: float = 0.03
    clip: float = 1.0
    hold: float = 0.0
    style_weights: StyleWeights = STYLE_WEIGHTS

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("tiny", 64, 2, 4, 176, (Phase(800, EASY),), 3500, 0.02, 4e-3),
        Recipe(
            "small",
            128,
            3,
            4,
            344,
            (Phase(1600, NEAR),),
            3500,
            0.02,
            4e-3,
            hold=0.3,
            style_weights=(0.58, 0.0, 0.42, 0.0),
        ),
        Recipe("large", 320, 4, 5, 864, (Phase(500, EASY), Phase(1200, BROAD)), 3500, 0.02, 2e-3),
    )
}


def recipe_for(name: str, *, quick: bool = False) -> Recipe:
    """The recipe of a model; `quick` keeps its shape and cuts training to a few steps, for tests.

    Raises:
        InputError: no model of that name.
    """
    if name not in RECIPES:
        raise InputError(f"no model named {name!r}; there are {', '.join(RECIPES)}", field="models")
    recipe = RECIPES[name]
    if not quick:
        return recipe
    return replace(recipe, phases=tuple(replace(phase, steps=4) for phase in recipe.phases), batch_tokens=800)
