"""RouterBench's published wide table: per model a column of scores, of costs and of responses.

Columns: ``sample_id, prompt, eval_name, MODEL, MODEL|total_cost, MODEL|model_response`` and
``oracle_model_to_route_to``. It has no token counts and no references.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from penstock.errors import TableError
from penstock.outcomes import schema
from penstock.outcomes.frames import pl
from penstock.outcomes.sources.long_format import long_frames
from penstock.outcomes.sources.rows import Rows

COST, RESPONSE, ORACLE = "|total_cost", "|model_response", "oracle_model_to_route_to"


def is_wide(rows: Rows) -> bool:
    """Whether the file is a wide table of this kind."""
    return ORACLE in rows.columns or any(name.endswith(COST) for name in rows.columns)


def wide_models(rows: Rows) -> tuple[str, ...]:
    """The models, in the file's order. Raises ``TableError`` where a model lacks its score column."""
    models = tuple(name.removesuffix(COST) for name in rows.columns if name.endswith(COST))
    if not models:
        raise TableError("no model has costs", file=rows.file, field=f"MODEL{COST}")
    for model in models:
        if model not in rows.columns:
            raise TableError("the model's score column is missing", file=rows.file, field=model)
    return models


def wide_frames(rows: Rows, mapping: Mapping[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ``queries`` and ``outcomes`` frames: a wide row becomes one outcome per model that has a score."""
    models = wide_models(rows)
    shared = {
        name: values
        for name, values in rows.columns.items()
        if name != ORACLE and not any(name == m or name.startswith(f"{m}|") for m in models)
    }
    prompt = mapping.get("prompt", "prompt")
    if prompt in shared:
        shared[prompt] = [_unwrapped(text) for text in shared[prompt]]
    _check_wide_rows(rows, shared)
    long: dict[str, list[Any]] = {name: [] for name in (*shared, "model", "quality", "cost_usd", "response")}
    for model in models:
        responses = rows.columns.get(f"{model}{RESPONSE}", [None] * len(rows))
        kept = [i for i, score in enumerate(rows.columns[model]) if score is not None]
        for name, values in shared.items():
            long[name] += [values[i] for i in kept]
        long["model"] += [model] * len(kept)
        long["quality"] += [rows.columns[model][i] for i in kept]
        long["cost_usd"] += [rows.columns[f"{model}{COST}"][i] for i in kept]
        long["response"] += [_unwrapped(responses[i]) for i in kept]
    queries, outcomes = long_frames(Rows(rows.file, long), mapping)
    known = {column.name for column in schema.OUTCOMES}
    return queries, outcomes.select(name for name in outcomes.columns if name in known)


def _check_wide_rows(rows: Rows, shared: Mapping[str, list[Any]]) -> None:
    """Errors about single cells, found here while rows still are the file's rows."""
    for model in wide_models(rows):
        for number, score in enumerate(rows.columns[model], start=1):
            try:
                valid = score is None or 0 <= float(score) <= 1
            except (TypeError, ValueError):
                valid = False
            if not valid:
                raise TableError(f"{score!r} is no score in [0, 1]", file=rows.file, row=number, field=model)
    ids = shared.get("sample_id", [])
    seen: dict[Any, int] = {}
    for number, name in enumerate(ids, start=1):
        if seen.setdefault(name, number) != number:
            message = f"sample_id {name!r} stands in row {seen[name]} already"
            raise TableError(message, file=rows.file, row=number, field="sample_id")


def _unwrapped(text: Any) -> Any:
    """The published texts are printed lists of one text (``"['B)']"``); others stay as they are."""
    if not isinstance(text, str) or not (text.startswith("[") and text.endswith("]")):
        return text
    try:
        value = ast.literal_eval(text)  # literals only: nothing is run
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "\n\n".join(value)
    return text
