"""What a router would do with one prompt, in a form that prints well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.router.describe import FirstStep
    from penstock.router.router import FittedRouter


@dataclass(frozen=True, repr=False)
class Decision:
    """``model``: the candidate asked first, None for nobody; ``how``: the policy in a sentence; ``expected``:
    cost and quality per query over many queries like the fitting rows; ``step``: all there is to know."""

    step: FirstStep
    candidates: tuple[str, ...]
    unit: str

    @classmethod
    def of(cls, router: FittedRouter, step: FirstStep) -> Decision:
        """Of a router's first step."""
        return cls(step, router.candidates, router.cost_unit.label)

    @property
    def model(self) -> str | None:
        """The candidate that is asked first."""
        return self.step.call

    @property
    def how(self) -> str:
        """The policy in force for this prompt."""
        return self.step.policy.describe(self.candidates, self.unit)

    @property
    def expected(self) -> dict[str, float]:
        """``quality`` and ``cost`` of the operating point."""
        return {"quality": self.step.point.quality, "cost": self.step.point.cost}

    def rows(self) -> list[dict[str, Any]]:
        """Every candidate's estimates, best first."""
        return [
            {
                "candidate": item.name,
                "quality": item.quality,
                "cost": item.cost,
                "score": item.score,
                "asked_first": item.name == self.model,
            }
            for item in self.step.ranking
        ]

    def frame(self, library: str = "polars") -> Any:
        """The same as a data frame."""
        from penstock.api.frames import frame_of

        return frame_of(self.rows(), library)

    def __str__(self) -> str:
        width = max(len(name) for name in self.candidates)
        lines = [f"{'':2}{'candidate':<{width}}  quality  {self.unit}"]
        for row in self.rows():
            mark = "→ " if row["asked_first"] else "  "
            lines.append(f"{mark}{row['candidate']:<{width}}  {row['quality']:7.3f}  {row['cost']:.3g}")
        lines.append(f"asked first: {self.model or 'nobody'} ({self.how})")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Decision({self.model!r}: {self.how})"

    def _repr_html_(self) -> str:
        from penstock.api.html import table

        return table(self.rows(), f"asked first: {self.model or 'nobody'} ({self.how})")
