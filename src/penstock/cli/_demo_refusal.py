"""The demo's last step: a small model that refuses what it is not sure of, and lets its samples vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli._console import out
from penstock.types import Status

if TYPE_CHECKING:
    from rich.table import Table

    from penstock.storage.base import Decision

TRAINED = "small-sater"
"""The shipped model that was trained to answer briefly and to refuse."""

POOL = """\
# A small model that was trained to refuse (docs/voting.md). Prices are made up, as in the other pool.
candidates:
  - name: when sure
    provider: embedded
    model: {model}
    price: {{input: 0.10, output: 0.40, cached_input: 0}}
    confidence: 0.7
  - name: x5 voted
    provider: embedded
    model: {model}
    price: {{input: 0.10, output: 0.40, cached_input: 0}}
    vote:
      samples: 5
      weights: rcv
      accept: 0.4
      answer: regex
      pattern: 'answer : (.+?) *\\.?$'
      repeats_cached: true
  - name: large
    provider: embedded
    model: large
    price: {{input: 1.00, output: 4.00}}
policy: {{refusal: [{first}, large]}}
"""


MODES = ("when sure", "x5 voted")


@dataclass(frozen=True)
class Outcome:
    """What one way of asking did with one question."""

    said: str
    right: bool
    cost: float


def shipped() -> bool:
    """Whether the package holds the model this step is about."""
    from penstock.runtime.shipped import shipped_models

    return TRAINED in shipped_models()


def show(file: Path, questions: Sequence[Mapping[str, Any]], model: str = TRAINED) -> None:
    """Ask ``questions`` of the small model first, in both modes, and of the large one alone; print a table.

    ``file`` becomes the pool file; it is left with the voting policy.
    """
    found: dict[str, list[Outcome]] = {}
    for first in MODES:
        file.write_text(POOL.format(model=model, first=first), encoding="utf-8")
        found["large alone"] = found.get("large alone") or _asked(file, questions, "large")
        found[first] = _asked(file, questions, "auto")
    out.print(_table(questions, found))
    out.print(f"[dim]the same with: penstock serve --pool {file}[/]", soft_wrap=True)


def _asked(file: Path, questions: Sequence[Mapping[str, Any]], model: str) -> list[Outcome]:
    """Real requests to a gateway that serves the pool file's own policy."""
    import openai

    from penstock.answers.marked import is_correct
    from penstock.config.pool_file import load_pool
    from penstock.config.stated_policy import static_router
    from penstock.gateway.app import create_app
    from penstock.gateway.background import serve_in_background
    from penstock.providers.make import make_provider
    from penstock.storage.memory import MemoryDecisionLog

    pool, log = load_pool(file), MemoryDecisionLog()
    router = static_router(file, pool)
    assert router is not None, "the demo's pool states a policy"
    app = create_app(router, {c.name: make_provider(c) for c in pool}, log, pool=pool)
    texts = []
    with serve_in_background(app) as url:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            for question in questions:
                message: Any = {"role": "user", "content": question["prompt"]}
                made = client.chat.completions.create(model=model, messages=[message])
                texts.append(made.choices[0].message.content or "")
        decisions = _decisions(log, len(texts))
    return [
        Outcome(_said(decision), is_correct(text, question["reference"]), float(decision.cost_usd or 0))
        for question, text, decision in zip(questions, texts, decisions, strict=True)
    ]


def _decisions(log: Any, count: int) -> list[Decision]:
    import asyncio

    return list(reversed(asyncio.run(log.recent(count))))


def _said(decision: Decision) -> str:
    """Who refused, and who answered in the end."""
    refused = [run for run in decision.runs if run.status is Status.REFUSED]
    return f"refuses → {decision.accepted}" if refused else "answers"


def _table(questions: Sequence[Mapping[str, Any]], found: Mapping[str, Sequence[Outcome]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=True)
    total = len(questions)
    table.add_column("task", footer="right, USD per question")
    for name, outcomes in found.items():
        right = sum(outcome.right for outcome in outcomes)
        cost = sum(outcome.cost for outcome in outcomes) / max(total, 1)
        table.add_column(name, footer=f"{right} of {total}, {cost:.2g}")
    for i, question in enumerate(questions):
        skill, level, _ = str(question["query_id"]).split("-")
        table.add_row(f"{skill}, level {level}", *(_cell(outcomes[i]) for outcomes in found.values()))
    return table


def _cell(outcome: Outcome) -> str:
    return f"{outcome.said} {'[green]right[/]' if outcome.right else '[red]wrong[/]'}"
