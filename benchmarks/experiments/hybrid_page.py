"""The page of the Hybrid LLM experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.experiments.hybrid_data import LEVELS, TEMPERATURE, Collected
from benchmarks.experiments.page import table
from penstock.training.hybrid.alignment import Alignment
from penstock.training.hybrid.pairs import win_share
from penstock.training.hybrid.settings import Labels
from penstock.types import FloatArray

if TYPE_CHECKING:
    from benchmarks.experiments.hybrid import Found

Pairs = Mapping[str, tuple[str, str]]


def pairs(data: Collected, chosen: Pairs, routers: Mapping[tuple[str, Labels], Sequence[object]]) -> str:
    """Quality, correctness and labels of every pair."""
    rows = []
    for pair, (small, large) in chosen.items():
        prob = win_share(data.quality.of(small), data.quality.of(large))
        t = routers[pair, "trans"][0].t  # type: ignore[attr-defined]
        trans = win_share(data.quality.of(small), data.quality.of(large), t)
        quality = [data.quality.of(name).mean() for name in (small, large)]
        correct = [data.correct.of(name).mean() for name in (small, large)]
        rows.append(
            [
                f"{pair}: {small} → {large}",
                f"{quality[0]:.2f} → {quality[1]:.2f}",
                f"{correct[0]:.2f} → {correct[1]:.2f}",
                f"{prob.mean():.2f}",
                f"{(prob < 0.05).mean():.0%}",
                f"{t:.2f}",
                f"{trans.mean():.2f}",
            ]
        )
    head = ["pair", "log-likelihood", "correct", "mean y_prob", "y_prob < 0.05", "t*", "mean y_trans"]
    return table(head, rows)


def drops(
    found: Mapping[tuple[str, Labels], Found],
    random: Mapping[str, Found],
    chosen: Pairs,
    kinds: Sequence[Labels],
    levels: Sequence[float],
) -> str:
    """Drop at every cost advantage with intervals; all at large drops 0."""
    rows = []
    for pair in chosen:
        for i, level in enumerate(levels):
            cells = [_cell(found[pair, kind], i) for kind in kinds]
            rows.append([f"{pair}, {level:.0%}", *cells, _cell(random[pair], i)])
        everything = random[pair].value[-1] / levels[-1]
        rows.append([f"{pair}, all at small", *["" for _ in kinds], f"{everything:.1f}"])
    return table(["drop %", *(f"r_{k}" for k in kinds), "random"], rows)


def calibrated(
    found: Mapping[tuple[str, Labels], tuple[float, float, float, float]],
    chosen: Pairs,
    kinds: Sequence[Labels],
) -> str:
    """Drop / advantage, validation -> test."""
    rows = []
    for kind in kinds:
        cells = []
        for pair in chosen:
            a, b, c, d = found[pair, kind]
            cells.append(f"{a:.2f} / {b:.1f} → {c:.2f} / {d:.1f}")
        rows.append([f"r_{kind}", *cells])
    return table(["drop % / advantage %", *chosen], rows)


def separations(
    found: Mapping[tuple[str, Labels], Mapping[float, float]], chosen: Pairs, kinds: Sequence[Labels]
) -> str:
    """Gap of the queries sent minus gap of the others, by level."""
    levels = list(next(iter(found.values())))
    rows = [
        [f"{pair}, r_{kind}", *(f"{found[pair, kind][level]:.2f}" for level in levels)]
        for pair in chosen
        for kind in kinds
    ]
    return table(["cost advantage", *(f"{level:.0%}" for level in levels)], rows)


def latency(found: Mapping[str, FloatArray]) -> str:
    """Milliseconds per query, with the standard error."""
    rows = [
        [
            name,
            f"{1e3 * t.mean():.2f} ± {1e3 * t.std(ddof=1) / np.sqrt(len(t)):.2f}",
            f"{t.mean() / found['router'].mean():.1f}",
        ]
        for name, t in found.items()
    ]
    return table(["one query at a time", "ms", "times the router"], rows)


def metrics(
    found: Mapping[str, Alignment],
    lost: Mapping[str, tuple[list[float], list[float], list[float]]],
    levels: Sequence[float],
) -> str:
    """Do likelihood gaps and correctness gaps agree, and what is lost in correctness."""
    rows = [
        [pair, *_alignment(found[pair]), *("  /  ".join(f"{v:.1f}" for v in values) for values in lost[pair])]
        for pair in found
    ]
    at = " / ".join(f"{v:.0%}" for v in levels)
    learned = [f"trained on {what}, at {at}" for what in ("likelihood", "correctness")]
    return table(["drop in correctness %", "r", "rho", "go", *learned, f"random, at {at}"], rows)


def transfer(found: Mapping[tuple[str, str], tuple[Alignment, list[float]]], levels: Sequence[float]) -> str:
    """A router of one pair on another."""
    rows = [
        [f"{source} → {target}", *_alignment(alignment), *(f"{v:.1f}" for v in lost)]
        for (source, target), (alignment, lost) in found.items()
    ]
    return table(["trained on → used on", "r", "rho", "go", *(f"drop at {v:.0%}" for v in levels)], rows)


def why(
    ceilings: Mapping[tuple[str, Labels], tuple[float, list[float]]],
    few: Mapping[tuple[int, str], Found],
    found: Mapping[tuple[str, Labels], Found],
    kinds: Sequence[Labels],
    levels: Sequence[float],
) -> str:
    """The labels themselves as routers, and routers on few queries."""
    rows = [
        [f"{pair}, y_{kind}", f"{rho:.2f}", *(f"{v:.1f}" for v in lost)]
        for (pair, kind), (rho, lost) in ceilings.items()
    ]
    first = table(["labels as router", "rho with the gap", *(f"drop at {v:.0%}" for v in levels)], rows)
    sizes = list(dict.fromkeys(n for n, _ in few))
    rows = [
        [f"{n} training queries", *(_cell(few[n, kind], len(levels) - 1) for kind in kinds)] for n in sizes
    ]
    rows.append(["all", *(_cell(found["large gap", kind], len(levels) - 1) for kind in kinds)])
    second = table([f"large gap, drop at {levels[-1]:.0%}", *(f"r_{k}" for k in kinds)], rows)
    return f"{first}\n\n{second}"


def body(*, seconds: tuple[float, float, float], **parts: object) -> str:
    """The whole page; ``seconds`` of sampling, of training, and of the processor."""
    sampled, trained, processor = seconds
    return _PAGE.format(
        **parts,
        temperature=TEMPERATURE,
        levels=f"{LEVELS[0]} to {LEVELS[-1]}",
        sampled=f"{sampled:.0f}",
        trained=f"{trained:.0f}",
        processor=f"{processor:.0f}",
    )


def _cell(found: Found, i: int) -> str:
    low, high = found.interval(i)
    return f"{found.value[i]:.1f} ({low:.1f} to {high:.1f})"


def _alignment(found: Alignment) -> list[str]:
    verdict = "go" if found.go else "no-go"
    return [f"{found.pearson:.2f}", f"{found.spearman:.2f}", verdict + ("" if found.certain else " (unsure)")]


_PAGE = """The protocol of *Hybrid LLM* (Ding et al., ICLR 2024) on the models that come with penstock. A
router reads the prompt and sends it to the weaker or to the stronger model of a pair, one call each. It was
trained on ten samples of each candidate at temperature {temperature}, with three kinds of label: `det` (did
the weaker model's first sample do at least as well), `prob` (in which share of the 100 pairs of samples),
`trans` (in which share was it at most t* worse). See [the guide](../hybrid-llm.md).

Problems are of levels {levels}, because the protocol asks for pairs of a weaker and a stronger model. Up to
level 4 the small model is right nearly always and the large one is not, the more so the higher the
temperature: on all levels, at temperature 1, the small model is the better of the two.

Quality is graded, as in the paper: there BARTScore, here the mean log-probability per token that the small
model gives the reference after reading the response's reasoning. The drop is in percent of the stronger
model's, `100 (q_L - q_mix) / |q_L|`. Queries: {parts} for training, validation and test. Samples took
{sampled} s, all routers {trained} s; of processor time {processor} s went into both. A router is the small
model's hidden states, fine-tuned; figures are means over {seeds} training seeds, intervals resample the test
queries.

## Pairs

`small x3` draws three samples of the small model and returns the most frequent answer: a candidate of three
times the price, and the small gap.

{pairs}

## Drop against cost advantage

All at large drops 0. The paper's three columns of this table are, at 40%: 0.2 / 0.1 / 0.0 (small gap), 3.5 /
3.4 / 2.9 (medium), 13.8 / 13.1 / 10.3 (large).

{drops}

![drop against cost advantage](hybrid.svg)

## Thresholds: at most 1% drop on validation queries, then on test queries

{calibrated}

## Does it know which queries are easy?

Mean gap `q_small - q_large` of the queries sent to the weaker model minus that of the others, first training
seed: 0 for random routing.

{separations}

## Latency

{latency}

## Another metric

Do the gaps in likelihood agree with the gaps in correctness (validation queries)? And what is lost in
correctness on test queries by routers trained on likelihood (r_trans), by routers trained on correctness, and
at random?

{metrics}

## Another pair

{transfer}

## When does the kind of label matter?

Above: the labels themselves as routers, made of one half of each test query's samples and judged by the other
half. Below: routers trained on fewer queries.

{why}
"""
