"""A router for people: everything it can do, one call each, and short to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.api.decision import Decision
from penstock.api.frames import Outcomes, matrix_of
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.types import Query

if TYPE_CHECKING:
    from penstock.api.evaluation import Evaluation
    from penstock.api.serving import Serving
    from penstock.candidates import Pool


class Router:
    """A thin facade over ``fitted``, the pure router that bundles hold and the gateway drives.

    Made by ``penstock.fit`` and ``penstock.load``.
    """

    def __init__(self, fitted: FittedRouter) -> None:
        self.fitted = fitted

    @property
    def candidates(self) -> tuple[str, ...]:
        """The models it chooses among, by rising mean cost."""
        return self.fitted.candidates

    @property
    def target(self) -> Target:
        """What it was fitted for."""
        return self.fitted.target

    def route(
        self,
        prompt: str | Query,
        *,
        target: Target | str | None = None,
        task: str | None = None,
        id: str | None = None,  # noqa: A002 - the field's name
    ) -> Decision:
        """What would be done with a prompt, without calling anything.

        ``target`` (like ``"quality=0.95"``; None: its own). ``id`` fixes the draw of a router that mixes two
        policies; without one it is the prompt's hash, so that a prompt is always decided alike. Raises
        ``TargetError`` for a target out of reach.
        """
        from penstock.router.describe import first_step

        query = prompt if isinstance(prompt, Query) else _query(prompt, task, id)
        asked = Target.parse(target) if isinstance(target, str) else target
        return Decision.of(self.fitted, first_step(self.fitted, query, asked))

    def route_all(
        self, prompts: Iterable[str | Query], *, target: Target | str | None = None
    ) -> list[Decision]:
        """The same for each of many prompts: a column of a data frame will do."""
        return [self.route(prompt, target=target) for prompt in prompts]

    def evaluate(
        self,
        outcomes: Outcomes,
        *,
        columns: Mapping[str, str] | None = None,
        prices: Path | str | None = None,
        draws: int = 1000,
    ) -> Evaluation:
        """How it does on outcomes it has not seen, beside the controls, with 95% intervals from ``draws``
        bootstrap draws; ``outcomes`` as for ``penstock.fit``. Raises ``TableError``."""
        from penstock.api.evaluation import Evaluation
        from penstock.evaluation.evaluate import evaluate_router

        unit = str(self.fitted.cost_unit)
        matrix = matrix_of(outcomes, columns=columns, prices=prices, cost=unit, seed=self.fitted.seed)
        name = Path(outcomes).name if isinstance(outcomes, str | Path) else "test rows"
        return Evaluation(evaluate_router(self.fitted, matrix, dataset=name, draws=draws))

    def save(self, path: Path | str) -> None:
        """Write a bundle, which ``penstock.load`` and ``penstock serve`` read. Raises ``BundleError``."""
        from penstock.router.bundle import save_bundle

        save_bundle(self.fitted, Path(path))

    @staticmethod
    def load(path: Path | str, *, embeddings: str | None = None) -> Router:
        """The same as ``penstock.load``."""
        return load(path, embeddings=embeddings)

    def serve(self, pool: Pool | Path | str, *, port: int = 0) -> Serving:
        """Serve it on loopback in a thread of this process, for notebooks; ``pool`` says how candidates are
        asked. Gives the address to point an OpenAI client at; ``stop()`` it, or use it in a ``with``."""
        from penstock.api.serving import serve

        return serve(self.fitted, pool, port=port)

    def frame(self, library: str = "polars") -> Any:
        """The frontier as a data frame: cost and quality of each point, and how it decides."""
        from penstock.api.frames import frame_of

        return frame_of(self._points(), library)

    def _points(self) -> list[dict[str, Any]]:
        unit = self.fitted.cost_unit.label
        return [
            {"cost": p.cost, "quality": p.quality, "policy": p.policy.describe(self.candidates, unit)}
            for p in self.fitted.frontier.points
        ]

    def __repr__(self) -> str:
        return str(self.fitted)

    def _repr_html_(self) -> str:
        from html import escape

        from penstock.api.html import frontier

        router = self.fitted
        picture = frontier(
            router.frontier, router.fixed_mixture, router.operating_point(), router.cost_unit.label
        )
        return f"<pre>{escape(str(router))}</pre>{picture}"


def load(path: Path | str, *, embeddings: str | None = None) -> Router:
    """A router from a bundle. ``embeddings`` as given to ``fit``: without it nothing is ever sent to an
    address that a bundle names. Raises ``BundleError``."""
    from penstock.collection.open_router import load_router

    return Router(load_router(Path(path), embeddings))


def _query(prompt: str, task: str | None, identity: str | None) -> Query:
    name = identity or blake2b(prompt.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return Query.from_prompt(name, prompt, task=task)
