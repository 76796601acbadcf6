"""From an outcome table to an encoder that is trained, exported and calibrated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from penstock.errors import InputError, TableError
from penstock.estimators.ex_ante.encoder import TextModel
from penstock.outcomes.splits import split_by_group
from penstock.outcomes.table import OutcomeTable
from penstock.training.hybrid import checkpoints
from penstock.training.hybrid.export import export
from penstock.training.hybrid.labels import Labelled, label
from penstock.training.hybrid.loop import Progress, Rows, Trained, tokenise, train
from penstock.training.hybrid.network import load_parts, new_network
from penstock.training.hybrid.samples import Samples, samples_of
from penstock.training.hybrid.score_routing import CalibratedThreshold, calibrate, sweep_scores
from penstock.training.hybrid.settings import HybridSettings

REPORT = "hybrid.json"
LEAST_ROWS = 20

_PART_SEED, _VALIDATION_SEED = 101, 102


@dataclass(frozen=True)
class Parts:
    """Three parts that share no question: what is fitted on, what chooses the epoch, what sets thresholds."""

    training: Samples
    validation: Samples
    calibration: Samples


@dataclass(frozen=True)
class TrainedRouter:
    """What a run gave: ``t`` and ``easy_share`` (mean label) by weaker model in order, thresholds by name.

    ``separation``: how far apart the mean gaps are where half of the calibration queries are sent to the
    weaker model; None where scores cannot be told apart there. ``model`` is what the gateway would run, and
    ``calibration`` the queries it has not seen.
    """

    weaker: tuple[str, ...]
    strongest: str
    t: tuple[float, ...]
    easy_share: tuple[float, ...]
    rows: dict[str, int]
    trained: Trained
    calibrated: dict[str, CalibratedThreshold]
    separation: dict[str, float | None]
    model: TextModel
    calibration: Samples


def train_hybrid(
    table: OutcomeTable,
    folder: Path,
    settings: HybridSettings,
    *,
    weaker: Sequence[str] | None = None,
    strongest: str | None = None,
    shares: tuple[float, float] = (0.15, 0.25),
    drop_limit: float = 1.0,
    resume: bool = False,
    progress: Progress | None = None,
) -> TrainedRouter:
    """Train an encoder on a table of samples and write what serving it takes into ``folder``.

    ``strongest`` defaults to the model of highest mean quality, ``weaker`` to all others; each weaker one is
    held against the strongest. ``shares`` are the parts of the questions that choose the epoch (validation)
    and set thresholds (calibration). ``drop_limit``: percent of the strongest model's quality that may be
    lost on the calibration part.

    Raises TableError for too few rows or unknown models, InputError for settings, MissingExtra.
    """
    tell = progress or (lambda what, step, steps, loss: None)
    samples, weaker, strongest, left_out = _pool(table, weaker, strongest)
    parts = _split(samples, shares)
    _check_sizes(parts)
    learned = label(parts.training, weaker, strongest, settings.labels)
    checked = label(parts.validation, weaker, strongest, settings.labels, learned.t)
    tell("load encoder", 0, 1, 0.0)
    encoder = load_parts(settings, parts.training.prompts)
    network = new_network(encoder, len(weaker), settings)
    training, validation = (
        _rows(part, marks, weaker, strongest, encoder.tokenizer, settings)
        for part, marks in ((parts.training, learned), (parts.validation, checked))
    )
    trained = train(
        network,
        training,
        validation,
        settings,
        pad_id=encoder.pad_id,
        folder=folder,
        resume=resume,
        progress=tell,
    )
    tell("export", 0, 1, 0.0)
    model = export(
        network,
        encoder.tokenizer,
        folder,
        pad_id=encoder.pad_id,
        max_length=settings.max_length,
        outputs=weaker,
        prompts=parts.validation.prompts,
    )
    tell("calibrate", 0, 1, 0.0)
    calibrated, separation = _calibrated(model, parts.calibration, weaker, strongest, drop_limit)
    outcome = TrainedRouter(
        weaker=tuple(weaker),
        strongest=strongest,
        t=learned.t,
        easy_share=tuple(learned.values.mean(axis=0).tolist()),
        rows={
            "training": len(parts.training),
            "validation": len(parts.validation),
            "calibration": len(parts.calibration),
            "left_out": left_out,
        },
        trained=trained,
        calibrated=calibrated,
        separation=separation,
        model=model,
        calibration=parts.calibration,
    )
    report = json.dumps(document(outcome, settings, drop_limit), indent=1, allow_nan=False)
    (folder / REPORT).write_text(report + "\n", encoding="utf-8")
    checkpoints.remove(folder)
    return outcome


def document(outcome: TrainedRouter, settings: HybridSettings, drop_limit: float) -> dict[str, Any]:
    """The run as plain JSON."""
    return {
        "weaker": list(outcome.weaker),
        "strongest": outcome.strongest,
        "settings": asdict(settings),
        "t": list(outcome.t),
        "easy_share": list(outcome.easy_share),
        "rows": outcome.rows,
        "training": asdict(outcome.trained),
        "drop_limit": drop_limit,
        "calibrated": {name: _plain(found) for name, found in outcome.calibrated.items()},
        "separation_at_half": outcome.separation,
    }


def _plain(found: CalibratedThreshold) -> dict[str, float | None]:
    """Infinite thresholds have no JSON: None sends every query to the weaker model."""
    threshold = found.threshold if np.isfinite(found.threshold) else None
    return {"threshold": threshold, "advantage": found.advantage, "drop": found.drop}


def _pool(
    table: OutcomeTable, weaker: Sequence[str] | None, strongest: str | None
) -> tuple[Samples, tuple[str, ...], str, int]:
    if strongest is not None and strongest in (weaker or ()):
        raise InputError(f"{strongest!r} cannot be both the weaker and the stronger model", field="--large")
    named = None if weaker is None or strongest is None else (*weaker, strongest)
    samples, left_out = samples_of(table, named)
    if strongest is None:
        among = [m for m in samples.models if weaker is None or m not in weaker]
        means = dict(zip(samples.models, samples.mean.mean(axis=0).tolist(), strict=True))
        if not among:
            raise InputError("no model is left to be the strongest", field="--small")
        strongest = max(among, key=means.__getitem__)
    others = tuple(weaker) if weaker is not None else tuple(m for m in samples.models if m != strongest)
    if named is None:  # only now is it known which models count, and whose missing rows matter
        samples, left_out = samples_of(table, (*others, strongest))
    return samples, others, strongest, left_out


def _split(samples: Samples, shares: tuple[float, float]) -> Parts:
    validation, calibration = shares
    if not (validation > 0 and calibration > 0 and validation + calibration < 1):
        raise InputError(
            f"validation and calibration shares must be above 0 and together below 1, not {shares}",
            field="--shares",
        )
    held, rest = split_by_group(samples.queries, calibration, _PART_SEED)
    kept = samples.rows(rest)
    chosen, fitted = split_by_group(kept.queries, validation / (1 - calibration), _VALIDATION_SEED)
    return Parts(kept.rows(fitted), kept.rows(chosen), samples.rows(held))


def _check_sizes(parts: Parts) -> None:
    for name in ("training", "validation", "calibration"):
        count = len(getattr(parts, name))
        if count < LEAST_ROWS:
            raise TableError(
                f"only {count} queries are left for {name}; at least {LEAST_ROWS} are needed",
                hint="Collect more queries, or change --shares",
            )


def _rows(
    samples: Samples,
    marks: Labelled,
    weaker: Sequence[str],
    strongest: str,
    tokenizer: Any,
    settings: HybridSettings,
) -> Rows:
    columns = [samples.models.index(name) for name in weaker]
    mean = samples.mean
    gap = mean[:, columns] - mean[:, [samples.models.index(strongest)]]
    return Rows(tokenise(tokenizer, samples.prompts, settings.max_length), marks.values, gap)


def _calibrated(
    model: TextModel, samples: Samples, weaker: Sequence[str], strongest: str, limit: float
) -> tuple[dict[str, CalibratedThreshold], dict[str, float | None]]:
    """The threshold of each pair, and how far apart the gaps are when half of the queries are sent."""
    scores, mean = model.scores(samples.prompts), samples.mean
    large = mean[:, samples.models.index(strongest)]
    found, apart = {}, {}
    for j, name in enumerate(weaker):
        small = mean[:, samples.models.index(name)]
        found[name] = calibrate(scores[:, j], small, large, limit=limit)
        sweep = sweep_scores(scores[:, j], small, large)
        at_half = float(sweep.separation[int(np.abs(sweep.advantage - 0.5).argmin())])
        apart[name] = at_half if np.isfinite(at_half) else None
    return found, apart
