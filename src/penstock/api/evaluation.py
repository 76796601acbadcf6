"""How a router did on rows it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, repr=False)
class Evaluation:
    """``document``: everything that ``penstock evaluate --json`` prints."""

    document: Mapping[str, Any]

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What is served, as measured."""
        found: Mapping[str, Any] = self.document["policies"][self.document["chosen"]]
        return found

    @property
    def achieved(self) -> Mapping[str, Any] | None:
        """At the router's own target: cost, quality, ``saving`` and ``quality_ratio`` of the best fixed
        candidate's; None where the target is out of reach."""
        found: Mapping[str, Any] | None = self.document["asked_achieved"][0]["achieved"]
        return found

    def rows(self) -> list[dict[str, Any]]:
        """One row per policy and control."""
        controls, found = self.document["controls"], []
        for name in ("oracle", "mix", "hindsight_mix"):
            found.append({"policy": name, "auc": controls[name]["auc"]})
        for name, item in self.document["policies"].items():
            savings = {f"saving_at_{key}": at["saving"] for key, at in item["saving"].items()}
            found.append({"policy": name, "auc": item["auc"], "gain_ratio": item["gain_ratio"], **savings})
        keys = list(dict.fromkeys(key for row in found for key in row))
        return [{key: row.get(key) for key in keys} for row in found]

    def frame(self, library: str = "polars") -> Any:
        """The same as a data frame."""
        from penstock.api.frames import frame_of

        return frame_of(self.rows(), library)

    def report(self, path: Path | str) -> None:
        """Write it as an HTML page. Raises ``InputError`` where that cannot be written."""
        from penstock.errors import InputError
        from penstock.report.report import render_report

        page = render_report([dict(self.document)], title=f"penstock: {self.document['dataset']}")
        try:
            Path(path).write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", file=path) from error

    def __str__(self) -> str:
        done, best = self.achieved, self.document["best_fixed"]
        lines = [f"{self.document['dataset']}: {self.document['test_queries']:,} queries"]
        asked = self.document["asked_achieved"][0]
        if done is None:
            lines.append(f"asked {asked['target']}: {asked['reason']}")
        else:
            low, high = done["quality_ci95"]
            lines.append(
                f"asked {asked['target']}: quality {done['quality']:.3f} (95% interval {low:.3f} to "
                f"{high:.3f}), {done['quality_ratio']:.1%} of {best}'s, at {done['saving']:.0%} less cost"
            )
        return "\n".join([*lines, *self.document["notes"]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from penstock.api.html import table

        return table(self.rows(), str(self))
