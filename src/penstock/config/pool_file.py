"""A pool from a YAML file: penstock's own, or LiteLLM's ``model_list`` as it is.

::

    prices: prices.json                     # LiteLLM's price map; optional, relative to this file
    candidates:
      - name: small
        provider: openai_compatible         # or embedded, recorded, scripted
        model: gpt-4o-mini
        base_url: https://api.openai.com/v1
        api_key: ${OPENAI_API_KEY}
        price: {input: 0.15, output: 0.60, cached_input: 0.075}   # USD per million tokens
        params: {temperature: 0}
      - name: small when sure               # one generation, told to refuse below a confidence
        model: my-small-model
        base_url: http://localhost:8000/v1
        confidence: 0.7                     # a list, [0.5, 0.7], makes "small when sure at 0.5" and so on
      - name: small x10                     # ten samples, one voted answer
        model: my-small-model
        base_url: http://localhost:8000/v1
        vote: {samples: 10, weights: rcv, accept: 0.6, answer: numeric}
      - name: checked                       # each answer is rated by another candidate of this file
        model: my-small-model
        base_url: http://localhost:8000/v1
        judge: small
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from penstock import registry
from penstock.candidates import Candidate, Pool
from penstock.config.candidate_calling import called_as
from penstock.config.litellm import candidate_of
from penstock.config.pool_schema import (
    CandidateEntry,
    LiteLLMDocument,
    PolicyEntry,
    PoolDocument,
    PriceEntry,
    nearest,
    parse,
)
from penstock.config.price_map import PriceMap
from penstock.errors import PoolError
from penstock.pricing import Price
from penstock.providers.endpoint import check_url
from penstock.providers.secrets import Secret, expand
from penstock.registry import Room

_PLAIN_OPTIONS = ("timeout_s", "connect_timeout_s", "max_retries", "replies", "delay_s")


def load_pool(path: Path, *, prices: Path | None = None, environ: Mapping[str, str] = os.environ) -> Pool:
    """The pool a file describes; ``prices`` is a price map that counts before the file's own.

    Keys stay references (``penstock.providers.secrets``) until a provider is built. Raises ``PoolError`` that
    names the file and the field.
    """
    data = _read(path)
    if "model_list" in data and "candidates" not in data:
        listed = parse(LiteLLMDocument, data, path)
        price_map = _price_map(listed.prices, path, prices)
        candidates = tuple(
            candidate_of(entry, price_map, file=path, field=f"model_list[{i}]", environ=environ)
            for i, entry in enumerate(listed.model_list)
        )
        fields = [f"model_list[{i}]" for i in range(len(candidates))]
    else:
        document = parse(PoolDocument, data, path)
        price_map = _price_map(document.prices, path, prices)
        called = [
            (candidate, f"candidates[{i}]")
            for i, entry in enumerate(document.candidates)
            for candidate in _candidates(
                entry, price_map, file=path, field=f"candidates[{i}]", environ=environ
            )
        ]
        fields = [field for _, field in called]
        judges = {f"candidates[{i}]": e.judge for i, e in enumerate(document.candidates) if e.judge}
        candidates = _judged([c for c, _ in called], fields, judges, path)
    _check(candidates, fields, path)
    return Pool(candidates)


def stated_policy(path: Path) -> PolicyEntry | None:
    """The policy under ``policy:``; None where there is none."""
    data = _read(path)
    return parse(PoolDocument, data, path).policy if "candidates" in data else None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "A pool file lists candidates: name, provider, model, base_url, api_key, price"
        raise PoolError("there is no such file", file=path, hint=hint) from None
    except OSError as error:
        raise PoolError(f"cannot be read ({error.strerror})", file=path) from error
    except UnicodeDecodeError as error:
        raise PoolError("is no text file", file=path) from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        problem = getattr(error, "problem", None) or "malformed"
        where = "" if line is None else f" in line {line}"
        raise PoolError(f"not YAML: {problem}{where}", file=path) from None
    if not isinstance(data, dict) or not ("candidates" in data or "model_list" in data):
        raise PoolError(
            "has no candidates", file=path, hint="A pool file has a list under 'candidates:' or 'model_list:'"
        )
    return data


def _price_map(named: str | list[str], path: Path, given: Path | None) -> PriceMap:
    names = [named] if isinstance(named, str) else named
    paths = [path.parent / name for name in names]
    return PriceMap.read(*paths, *(() if given is None else (given,)))


def _candidates(
    entry: CandidateEntry, prices: PriceMap, *, file: Path, field: str, environ: Mapping[str, str]
) -> list[Candidate]:
    """What an entry stands for: one candidate, or one for each of its confidences."""
    plain = _candidate(entry, prices, file=file, field=field, environ=environ)
    return called_as(plain, entry, file=file, field=field)


def _judged(
    candidates: list[Candidate], fields: list[str], judges: Mapping[str, str], file: Path
) -> tuple[Candidate, ...]:
    """Each candidate with the judge its entry names: another candidate of the file."""
    by_name = {c.name: c for c in candidates}
    made = []
    for candidate, field in zip(candidates, fields, strict=True):
        named = judges.get(field)
        if named is None:
            made.append(candidate)
            continue
        if named not in by_name or named == candidate.name:
            raise PoolError(
                f"must name another candidate of this file, not {named!r}",
                file=file,
                field=f"{field}.judge",
                hint=nearest(named, set(by_name) - {candidate.name}),
            )
        if any(fields[i] in judges for i, c in enumerate(candidates) if c.name == named):
            raise PoolError("is itself judged", file=file, field=f"{field}.judge")
        try:
            made.append(replace(candidate, judge=by_name[named]))
        except PoolError as error:
            raise PoolError(error.message, file=file, field=f"{field}.{error.field}") from error
    return tuple(made)


def _candidate(
    entry: CandidateEntry, prices: PriceMap, *, file: Path, field: str, environ: Mapping[str, str]
) -> Candidate:
    listed = prices.find(entry.model, entry.name)
    return Candidate(
        name=entry.name,
        provider=entry.provider,
        model=entry.model,
        price=_price(entry.price, file, f"{field}.price") or listed.price,
        params=entry.params,
        options=_options(entry, file, field, environ),
        system=entry.system,
        context_window=entry.context_window if entry.context_window is not None else listed.context_window,
        tools=entry.tools if entry.tools is not None else listed.tools,
        vision=entry.vision if entry.vision is not None else listed.vision,
        json_schema=entry.json_schema if entry.json_schema is not None else listed.json_schema,
    )


def _price(entry: PriceEntry | None, file: Path, field: str) -> Price | None:
    if entry is None:
        return None
    try:
        return Price.of(entry.input, entry.output, entry.cached_input, entry.request)
    except PoolError as error:
        raise PoolError(error.message, file=file, field=f"{field}.{error.field}") from error


def _options(entry: CandidateEntry, file: Path, field: str, environ: Mapping[str, str]) -> dict[str, Any]:
    options = dict(entry.options)
    options |= {name: value for name in _PLAIN_OPTIONS if (value := getattr(entry, name)) is not None}
    if entry.api_key is not None:
        options["api_key"] = Secret.parse(entry.api_key)
    if entry.table is not None:
        options["table"] = str(file.parent / entry.table)
    if entry.base_url is not None:
        try:
            options["base_url"] = expand(entry.base_url, environ)
        except PoolError as error:
            raise PoolError(error.message, file=file, field=f"{field}.base_url", hint=error.hint) from error
    return options


def _check(candidates: tuple[Candidate, ...], fields: list[str], file: Path) -> None:
    """What no schema sees: providers, addresses and names taken together."""
    known, seen = registry.names(Room.PROVIDER), dict[str, str]()
    for candidate, field in zip(candidates, fields, strict=True):
        if candidate.provider not in known:
            raise PoolError(
                f"unknown provider {candidate.provider!r}",
                file=file,
                field=f"{field}.provider",
                hint=nearest(candidate.provider, known),
            )
        if candidate.name in seen:
            raise PoolError(
                f"candidate name {candidate.name!r} stands twice, first at {seen[candidate.name]}",
                file=file,
                field=field,
                hint="Give each its own name",
            )
        seen[candidate.name] = field
        _check_needs(candidate, file, field)


def _check_needs(candidate: Candidate, file: Path, field: str) -> None:
    url = candidate.options.get("base_url")
    if candidate.provider == "openai_compatible" and not url:
        raise PoolError(
            f"candidate {candidate.name!r} needs the address of its endpoint",
            file=file,
            field=f"{field}.base_url",
        )
    if candidate.provider == "recorded" and candidate.confidence is not None:
        raise PoolError(
            "a recorded answer was asked for already, and cannot be asked at a confidence now",
            file=file,
            field=f"{field}.confidence",
            hint="Its refusals are in the table, as a status",
        )
    if candidate.provider == "recorded" and not candidate.options.get("table"):
        raise PoolError(
            f"candidate {candidate.name!r} needs the folder of its outcome table",
            file=file,
            field=f"{field}.table",
        )
    if url:
        try:
            check_url(url)
        except PoolError as error:
            raise PoolError(error.message, file=file, field=f"{field}.base_url", hint=error.hint) from error
