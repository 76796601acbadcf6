"""The dimensions of one model, as its file states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.lab.recipe import CONTEXT, Recipe

ROPE_BASE = 10_000.0
NORM_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of a Llama model with tied embeddings.

    Attributes:
        vocabulary: number of token ids.
        width, layers, heads, hidden: as in `Recipe`.
        context: most positions, prompt and response together.
    """

    name: str
    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    context: int = CONTEXT
    rope_base: float = ROPE_BASE
    norm_epsilon: float = NORM_EPSILON

    @classmethod
    def of(cls, recipe: Recipe, vocabulary: int) -> Shape:
        """The shape a recipe trains."""
        return cls(recipe.name, vocabulary, recipe.width, recipe.layers, recipe.heads, recipe.hidden)

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> Shape:
        """The shape a model file states in its metadata."""
        return cls(
            name=properties["name"],
            rope_base=float(properties["rope_base"]),
            norm_epsilon=float(properties["norm_epsilon"]),
            **{
                field: int(properties[field])
                for field in ("vocabulary", "width", "layers", "heads", "hidden", "context")
            },
        )

    def properties(self) -> dict[str, str]:
        """The metadata of a model file."""
        return {field: str(getattr(self, field)) for field in self.__slots__}

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads
