"""``penstock demo``: the whole main job on the embedded models, offline, by the verbs a user would type."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli import _demo_refusal
from penstock.cli._console import out
from penstock.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from penstock.storage.base import Decision

POOL = """\
# Three language models that come with penstock. Prices are made up, in the proportions of real ones.
candidates:
  - name: tiny
    provider: embedded
    model: tiny
    price: {input: 0.02, output: 0.08}    # USD per million tokens
  - name: small
    provider: embedded
    model: small
    price: {input: 0.10, output: 0.40}
  - name: large
    provider: embedded
    model: large
    price: {input: 1.00, output: 4.00}
"""
MARK = ".penstock-demo"
"""A file in the demo's folder that says it may be thrown away and written again."""


@dataclass(frozen=True)
class Places:
    """Where the demo keeps its files."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        return self.folder / _FILES[name]


_FILES = {
    "pool": "penstock.yaml",
    "questions": "questions.jsonl",
    "outcomes": "outcomes",
    "fit": "fit",
    "test": "test",
    "router": "router.penstock",
    "report": "report.html",
    "log": "decisions.sqlite",
    "refusing": "refusing.yaml",
}


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder for everything the demo writes.")] = Path(
        "demo"
    ),
    budget: Annotated[float, typer.Option(help="USD per query to spend on average.")] = 0.0001,
    tasks: Annotated[int, typer.Option(min=100, help="How many generated tasks to collect.")] = 960,
    requests: Annotated[int, typer.Option(min=1, help="How many chat requests to send.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the tasks and the fit.")] = 0,
    serve: Annotated[bool, typer.Option("--serve", help="Leave the gateway up at the end.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve; 0 takes a free one.")] = 8080,
) -> None:
    """Collect, fit, evaluate, serve and ask: the main job on three embedded language models.

    Needs no key and no network, and less than a minute. Example: penstock demo --serve
    """
    _need_extras()
    places = Places(folder)
    _prepare(places, tasks, seed)
    _title(1, f"Ask three small language models {tasks} generated tasks, and score the answers")
    _collect(places)
    _title(2, "Keep some tasks apart; fit a router for a budget on the others")
    _fit(places, budget, seed)
    _title(3, "Replay the router on the tasks that were kept apart")
    _evaluate(places)
    _title(4, "Serve it, and send it chat requests with the openai client")
    _ask(places, requests, seed)
    if _demo_refusal.shipped():
        _title(5, "Ask a small model that refuses what it is not sure of, and one whose samples vote")
        _demo_refusal.show(places.refusing, _unseen(places, requests))
    _title(_steps(), "What to type next")
    _next(places, serve=serve)
    if serve:
        from penstock.cli.serve import serve as serve_verb

        serve_verb(places.router, pool=places.pool, port=port, log=str(places.log), log_text=True)


def _need_extras() -> None:
    from importlib.util import find_spec

    for module in ("polars", "sklearn", "onnxruntime", "tokenizers", "openai"):
        if find_spec(module) is None:
            raise MissingExtra("demo", f"the demo ({module})")


def _prepare(places: Places, tasks: int, seed: int) -> None:
    """A fresh folder with a pool file and questions. Never removes a folder the demo did not make."""
    from penstock.lab.tasks import generate

    if places.folder.exists():
        if not (places.folder / MARK).exists() and any(places.folder.iterdir()):
            raise InputError("the folder holds other things", file=places.folder, field="--out")
        shutil.rmtree(places.folder)
    places.folder.mkdir(parents=True)
    (places.folder / MARK).write_text("made by penstock demo; it may be removed\n", encoding="utf-8")
    places.pool.write_text(POOL, encoding="utf-8")
    rows = [
        {"query_id": p.id, "prompt": p.prompt, "task": p.skill, "reference": p.reference}
        for p in generate(tasks, seed)
    ]
    places.questions.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")


def _collect(places: Places) -> None:
    from penstock.cli.collect import collect

    _typed(
        "collect",
        "--pool",
        places.pool,
        "--queries",
        places.questions,
        "--out",
        places.outcomes,
        "--scorer lab",
    )
    collect(
        queries=places.questions,
        out_dir=places.outcomes,
        pool=places.pool,
        concurrency=64,
        scorer="lab",
    )


def _fit(places: Places, budget: float, seed: int) -> None:
    from penstock.cli.data import split
    from penstock.cli.fit import fit

    _typed("data split", places.outcomes, "--out-fit", places.fit, "--out-test", places.test)
    split(table=places.outcomes, out_fit=places.fit, out_test=places.test)
    _typed("fit", places.fit, "--budget", f"{budget:g}", "-o", places.router)
    fit(table=places.fit, output=places.router, budget=budget, seed=seed)


def _evaluate(places: Places) -> None:
    from penstock.cli.evaluate import evaluate

    _typed("evaluate", places.router, "--test", places.test, "--report", places.report)
    evaluate(places.router, test=places.test, report=places.report)


def _ask(places: Places, requests: int, seed: int) -> None:
    """Real requests over HTTP; what is printed comes from the response headers and the decision log."""
    import openai

    from penstock.config.pool_file import load_pool
    from penstock.gateway.app import create_app
    from penstock.gateway.background import serve_in_background
    from penstock.gateway.settings import Settings
    from penstock.providers.make import make_provider
    from penstock.router.bundle import load_bundle
    from penstock.storage.sql import SqlDecisionLog

    pool = load_pool(places.pool)
    app = create_app(
        load_bundle(places.router),
        {candidate.name: make_provider(candidate) for candidate in pool},
        SqlDecisionLog.open(places.log),
        Settings(log_text=True),
        pool=pool,
    )
    questions = _unseen(places, requests)
    served = []
    with serve_in_background(app) as url:
        out.print(f'[dim]gateway on {url}; model="auto"[/]\n')
        with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            for question in questions:
                raw = client.chat.completions.with_raw_response.create(
                    model="auto", messages=[{"role": "user", "content": question["prompt"]}]
                )
                text = raw.parse().choices[0].message.content or ""
                served.append((question, text, raw.headers["x-penstock-decision-id"]))
    _print_served(served, asyncio.run(_decisions(places.log, [s[2] for s in served])))


def _unseen(places: Places, count: int) -> list[dict[str, Any]]:
    """Test tasks from easy to hard."""
    from penstock.outcomes.io import read_table

    rows = read_table(places.test).queries.to_dicts()
    rows.sort(key=lambda r: (int(r["query_id"].split("-")[1]), r["query_id"]))
    step = max(len(rows) / count, 1.0)
    return [rows[int(i * step)] for i in range(min(count, len(rows)))]


async def _decisions(path: Path, ids: Sequence[str]) -> list[Decision]:
    from penstock.storage.sql import SqlDecisionLog

    log = SqlDecisionLog.open(path, must_exist=True)
    try:
        found = [await log.get(decision_id) for decision_id in ids]
    finally:
        await log.aclose()
    return [decision for decision in found if decision is not None]


def _print_served(served: Sequence[tuple[dict[str, Any], str, str]], decisions: Sequence[Decision]) -> None:
    from rich.table import Table

    from penstock.answers.marked import extract_answer, is_correct

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("task", "answer", "", "asked (estimate → once answered)", "USD"):
        table.add_column(heading, justify="right" if heading == "USD" else "left")
    for (question, text, _), decision in zip(served, decisions, strict=True):
        skill, level, _ = question["query_id"].split("-")
        before = {r.candidate: r.quality for r in decision.ranking}
        steps = [_step(r.candidate, before[r.candidate], r.quality) for r in decision.runs]
        right = is_correct(text, question["reference"])
        table.add_row(
            f"{skill}, level {level}",
            extract_answer(text) or "[dim]none[/]",
            "[green]right[/]" if right else "[red]wrong[/]",
            ", then ".join(steps),
            f"{decision.cost_usd:.2g}",
        )
    out.print(table)
    overhead = sorted(decision.overhead_ms for decision in decisions)[len(decisions) // 2]
    out.print(f"[dim]The gateway itself took {overhead:.1f} ms per request (median).[/]")


def _step(candidate: str, before: float | None, after: float | None) -> str:
    if before is None or after is None or round(before, 2) == round(after, 2):
        return f"{candidate} {before or 0.0:.2f}"
    return f"{candidate} {before:.2f} → {after:.2f}"


def _next(places: Places, *, serve: bool) -> None:
    prompt = '"start at 7 , forward 3 , double . what number ?"'
    lines = [
        ("open the report", f"{places.report}"),
        ("the last decision, explained", f"penstock explain last --log {places.log}"),
        ("any prompt, without calling anything", f"penstock route {places.router} {prompt}"),
        ("another target", f"penstock route {places.router} {prompt} --min-quality 0.95"),
    ]
    if not serve:
        lines.append(
            ("leave it running", f"penstock serve {places.router} --pool {places.pool} --log {places.log}")
        )
    lines.append(("your own models and questions", "penstock collect --help"))
    for what, line in lines:
        out.print(f"  [dim]{what}:[/]\n    {line}", soft_wrap=True, highlight=False)


def _steps() -> int:
    return 6 if _demo_refusal.shipped() else 5


def _title(number: int, text: str) -> None:
    out.print(f"\n[bold]{number}/{_steps()}  {text}[/]")


def _typed(*words: object) -> None:
    out.print(f"[dim]$ penstock {' '.join(map(str, words))}[/]", soft_wrap=True)
