"""Scorers that ask a model: a likelihood of the reference, or a judge."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli._console import err, progress
from penstock.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from penstock.outcomes.likelihood import Likelihood
    from penstock.outcomes.table import OutcomeTable

METRICS = ("bartscore", "likelihood", "judge")


def asks_a_model(scorer: str) -> bool:
    """Whether a scorer of that name is one of these."""
    return scorer.partition(":")[0] in METRICS


def score_with_model(
    table: OutcomeTable, scorer: str, *, pool: Path | None, only_unscored: bool
) -> OutcomeTable:
    """The table scored by ``bartscore[:CHECKPOINT]``, ``likelihood[:MODEL]`` or ``judge:CANDIDATE``.

    Raises InputError where the model cannot be loaded, MissingExtra where torch is needed and absent.
    """
    kind, _, name = scorer.partition(":")
    if kind == "judge":
        return _judged(table, name, pool, only_unscored=only_unscored)
    from penstock.outcomes.likelihood import score_by_likelihood

    model = _bartscore(name) if kind == "bartscore" else _embedded(name)
    with progress() as display:
        bar = display.add_task("scoring", total=None)
        return score_by_likelihood(
            table,
            model,
            only_unscored=only_unscored,
            progress=lambda done, total: display.update(bar, completed=done, total=total),
        )


def _bartscore(checkpoint: str) -> Likelihood:
    try:
        from penstock.training.hybrid.bartscore import CHECKPOINT, BartScore
    except ImportError as error:
        raise MissingExtra("train", "BARTScore") from error
    return BartScore.load(checkpoint or CHECKPOINT)


def _embedded(name: str) -> Likelihood:
    from penstock.lab.likelihood import EmbeddedLikelihood
    from penstock.runtime.model import LanguageModel

    return EmbeddedLikelihood(LanguageModel.load(name or "large"))


def _judged(table: OutcomeTable, name: str, pool: Path | None, *, only_unscored: bool) -> OutcomeTable:
    from penstock.collection.judging import judge_table
    from penstock.config.pool_file import load_pool
    from penstock.providers.judge_client import Judge, JudgeStatus
    from penstock.providers.make import make_provider

    if pool is None or not name:
        hint = "penstock score TABLE --scorer judge:gpt --pool penstock.yaml"
        raise InputError("a judge is a candidate of a pool file", field="--scorer", hint=hint)
    candidate = load_pool(pool)[name]

    async def run() -> OutcomeTable:
        provider = make_provider(candidate)
        try:
            with progress() as display:
                bar = display.add_task("judging", total=None)
                judged = await judge_table(
                    table,
                    Judge(provider),
                    only_unscored=only_unscored,
                    progress=lambda done, total: display.update(bar, completed=done, total=total),
                )
        finally:
            await provider.aclose()
        ended = ", ".join(f"{judged.ended.get(s, 0):,} {s.value}" for s in JudgeStatus)
        spent = f"${judged.cost_usd:.4f}" + (
            f" and {judged.unpriced:,} calls unpriced" if judged.unpriced else ""
        )
        err.print(f"judge {name}: {ended}; spent {spent}", soft_wrap=True)
        return judged.table

    return asyncio.run(run())
