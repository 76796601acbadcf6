"""Markdown of an experiment's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.experiments.compare import Outcome, mean_of
from benchmarks.experiments.result import Claim


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def areas(found: Mapping[str, Mapping[str, Sequence[Outcome]]]) -> str:
    """``found``: setting -> method -> outcomes; AUC x 100, methods down, settings across, the best bold
    (the bound and the oracle do not compete)."""
    settings = list(found)
    methods = list(dict.fromkeys(m for s in settings for m in found[s]))
    score = {(s, m): 100 * mean_of(found[s][m], "auc") for s in settings for m in found[s]}
    best = {s: max(v for (t, m), v in score.items() if t == s and m != "oracle") for s in settings}
    rows = []
    for m in methods:
        cells = []
        for s in settings:
            value = score.get((s, m))
            text = "–" if value is None else f"{value:.2f}"
            cells.append(f"**{text}**" if value is not None and value == best[s] else text)
        rows.append([m, *cells])
    return table(["AUC x 100", *settings], rows)


def costs(found: Mapping[str, Sequence[Outcome]]) -> str:
    """Seconds to fit and to tune, microseconds to decide and the kappas chosen, of one setting's methods."""
    rows = [
        [
            name,
            f"{mean_of(o, 'fit_seconds'):.2f}",
            f"{mean_of(o, 'tune_seconds'):.2f}",
            f"{mean_of(o, 'decide_us'):.2f}",
            ", ".join(sorted({f"{x.kappa:g}" for x in o})),
        ]
        for name, o in found.items()
        if o[0].tune_seconds > 0
    ]
    return table(["method", "fit s", "tune s", "decide µs", "kappa"], rows)


def claims(found: Sequence[Claim]) -> str:
    """Every claim with whether it holds."""
    return "\n".join(
        f"- {'holds' if c.holds else '**does not hold**'}{'' if c.required else ' (not required)'}: {c.text}"
        for c in found
    )
