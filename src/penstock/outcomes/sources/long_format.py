"""One row per query, model and sample, under the names people use for the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from penstock.errors import TableError
from penstock.outcomes import schema
from penstock.outcomes.frames import pl
from penstock.outcomes.schema import Column
from penstock.outcomes.sources.rows import Rows
from penstock.outcomes.sources.values import as_kind

ALIASES: Mapping[str, tuple[str, ...]] = {
    "query_id": ("id", "qid", "question_id", "prompt_id", "example_id", "sample_id"),
    "split": (),
    "task": ("task_name", "category", "dataset", "benchmark", "eval_name", "subject"),
    "prompt": ("query", "question", "input", "instruction", "text"),
    "reference": ("ground_truth", "gold", "target", "label", "expected", "reference_answer", "answer_key"),
    "group": (),
    "messages": ("conversation",),
    "model": ("model_name", "llm", "candidate"),
    "sample_index": ("sample", "run", "trial"),
    "quality": ("score", "correct", "is_correct", "performance", "accuracy", "reward"),
    "cost_usd": ("cost", "total_cost"),
    "input_tokens": ("prompt_tokens", "tokens_in"),
    "output_tokens": ("completion_tokens", "tokens_out"),
    "latency_s": ("latency", "response_time", "seconds"),
    "answer": ("extracted_answer", "parsed_answer", "prediction"),
    "response": ("output", "completion", "model_response", "generation"),
    "status": (),
    "logprobs": ("token_logprobs",),
    "propensity": (),
    "error": (),
    "cached_tokens": (),
    "finish_reason": (),
}
"""Our column and the other names it is found under, in order of preference; case does not matter."""

_KIND = {column.name: column for column in (*schema.QUERIES, *schema.OUTCOMES)}


def match_columns(rows: Rows, mapping: Mapping[str, str]) -> dict[str, str]:
    """Our column -> the file's column. ``mapping`` (ours -> theirs) goes before the aliases. Raises
    ``TableError``."""
    for ours, theirs in mapping.items():
        if ours not in ALIASES:
            raise TableError(
                f"no column is called {ours!r}", field="--map", hint=f"known: {', '.join(ALIASES)}"
            )
        if theirs not in rows.columns:
            raise TableError(
                f"the file has no column {theirs!r} (it has {', '.join(rows.columns)})",
                file=rows.file,
                field="--map",
            )
    lowered = {name.lower(): name for name in rows.columns if name not in mapping.values()}
    found = dict(mapping)
    for ours, others in ALIASES.items():
        names = [lowered[name] for name in (ours, *others) if name in lowered]
        if names and ours not in found:
            found[ours] = names[0]
    return found


def long_frames(rows: Rows, mapping: Mapping[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ``queries`` and ``outcomes`` frames; one outcome per row of the file, in its order."""
    found = match_columns(rows, mapping)
    if "model" not in found:
        raise _lacking(rows, "model", "which model answered")
    queries = query_frame(rows, found)
    outcomes = {"query_id": _query_ids(rows, found)}
    for column in schema.OUTCOMES[1:]:
        if column.name in found:
            outcomes[column.name] = _converted(rows, found[column.name], column)
        elif column.name == "sample_index":
            outcomes[column.name] = [0] * len(rows)
        elif column.required:
            outcomes[column.name] = [None] * len(rows)
    frame = pl.DataFrame(outcomes, schema={name: _KIND[name].dtype for name in outcomes})
    return queries, frame.with_columns(_others(rows, set(found.values()) | set(outcomes)))


def query_frame(rows: Rows, found: Mapping[str, str]) -> pl.DataFrame:
    """The ``queries`` frame: one row per query id, in order of first appearance.

    Raises ``TableError`` where two rows of one query disagree.
    """
    ids = _query_ids(rows, found)
    first: dict[str, int] = {}
    for i, name in enumerate(ids):
        first.setdefault(name, i)
    data: dict[str, list[Any]] = {"query_id": list(first)}
    for column in schema.QUERIES[1:]:
        if column.name in found:
            values = _converted(rows, found[column.name], column)
            _check_agreement(rows, ids, values, first, found[column.name])
            data[column.name] = [values[i] for i in first.values()]
        elif column.required:
            data[column.name] = [None] * len(first)
    return pl.DataFrame(data, schema={name: _KIND[name].dtype for name in data})


def _query_ids(rows: Rows, found: Mapping[str, str]) -> list[Any]:
    """The ids of the file; where it has none, a hash of the prompt."""
    if "query_id" in found:
        ids = _converted(rows, found["query_id"], _KIND["query_id"])
        empty = next((i for i, name in enumerate(ids) if not name), None)
        if empty is not None:
            raise TableError("the value is empty", file=rows.file, row=empty + 1, field=found["query_id"])
        return ids
    source = found.get("prompt", found.get("messages"))
    if source is None:
        raise _lacking(rows, "prompt", "what was asked; or query_id, which question it was")
    texts = _converted(rows, source, _KIND["prompt"])
    nothing = next((i for i, text in enumerate(texts) if text is None), None)
    if nothing is not None:
        raise TableError("a row without an id needs a prompt", file=rows.file, row=nothing + 1, field=source)
    return [f"q-{blake2b(text.encode(), digest_size=6).hexdigest()}" for text in texts]


def _lacking(rows: Rows, ours: str, meaning: str) -> TableError:
    return TableError(
        f"no column says {meaning} (the file has {', '.join(rows.columns)})",
        file=rows.file,
        field=ours,
        hint=f"name it with --map {ours}=COLUMN",
    )


def _converted(rows: Rows, theirs: str, column: Column) -> list[Any]:
    values = []
    for number, value in enumerate(rows.columns[theirs], start=1):
        try:
            values.append(as_kind(value, column.kind))
        except ValueError as error:
            raise TableError(str(error), file=rows.file, row=number, field=theirs) from error
    return values


def _check_agreement(
    rows: Rows, ids: Sequence[str], values: Sequence[Any], first: Mapping[str, int], theirs: str
) -> None:
    for i, (name, value) in enumerate(zip(ids, values, strict=True)):
        if value != values[first[name]]:
            raise TableError(
                f"query {name!r} has another value here than in row {first[name] + 1}",
                file=rows.file,
                row=i + 1,
                field=theirs,
                hint="rows of one query agree on everything but the outcome; is the id unique?",
            )


def _others(rows: Rows, taken: set[str]) -> list[pl.Series]:
    """The remaining columns as they are; values of mixed types as JSON text."""
    series = []
    for name, values in rows.columns.items():
        if name in taken:
            continue
        kinds = {type(v) for v in values if v is not None}
        if not (kinds <= {int, float} or kinds in ({str}, {bool})):
            values = [as_kind(v, "text") for v in values]  # noqa: PLW2901
        series.append(pl.Series(name, values, strict=False))
    return series
