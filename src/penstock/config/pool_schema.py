"""What a pool file may say, and the one clear error where it says something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from penstock.candidates import INSTRUCTION, REFUSAL
from penstock.errors import PoolError


def _as_text(value: object) -> object:
    """A number as it prints: so that 0.15 in YAML is fifteen hundredths and not a binary fraction."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Document = TypeVar("Document", bound=BaseModel)
Amount = Annotated[str, BeforeValidator(_as_text)]
Name = Annotated[str, Field(min_length=1)]


_KINDS = {
    "model_type": "a mapping of fields",
    "dict_type": "a mapping",
    "list_type": "a list",
    "string_type": "a text",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceEntry(_Strict):
    """USD per million tokens, and per request."""

    input: Amount
    output: Amount
    cached_input: Amount | None = None
    request: Amount = "0"


class ConfidenceEntry(_Strict):
    """The instruction to answer only when sure enough; a number alone is the threshold."""

    threshold: float | None = None
    instruction: str = INSTRUCTION
    refusal: str = REFUSAL
    within: int = 10


class VoteEntry(_Strict):
    """Several samples as one answer; a number alone is how many."""

    samples: int = 10
    weights: str = "sc"
    accept: float | None = None
    certainty: float | None = None
    answer: str = "text"
    pattern: str | None = None
    temperature: float = Field(default=1.0, ge=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    repeats_cached: bool = False


def _confidences(value: object) -> object:
    """One confidence or several, each a number or a mapping, as a list of mappings."""
    if value is None:
        return []
    entries = value if isinstance(value, list) else [value]
    return [{"threshold": e} if _is_number(e) else e for e in entries]


def _vote(value: object) -> object:
    return {"samples": value} if _is_number(value) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class CandidateEntry(_Strict):
    """One candidate of ``penstock.yaml``."""

    name: Name
    provider: Name = "openai_compatible"
    model: Name
    base_url: str | None = None
    api_key: str | None = Field(default=None, repr=False)
    price: PriceEntry | None = None
    params: dict[str, Any] = {}
    system: str | None = None
    confidence: Annotated[list[ConfidenceEntry], BeforeValidator(_confidences)] = []
    vote: Annotated[VoteEntry | None, BeforeValidator(_vote)] = None
    judge: Name | None = None
    context_window: int | None = Field(default=None, gt=0)
    tools: bool | None = None
    vision: bool | None = None
    json_schema: bool | None = None
    timeout_s: float | None = Field(default=None, gt=0)
    connect_timeout_s: float | None = Field(default=None, gt=0)
    max_retries: int | None = Field(default=None, ge=0)
    table: str | None = None
    replies: str | list[str] | None = None
    delay_s: float | None = Field(default=None, ge=0)
    options: dict[str, Any] = {}


class PolicyEntry(_Strict):
    """A policy that needs no fit (``gateway.pool_policy``)."""

    refusal: list[str] | None = None
    vote: list[str] | None = None
    accept: list[float] = []


class PoolDocument(_Strict):
    """``penstock.yaml``: candidates, price maps to look their prices up in, and a policy that needs no
    fit."""

    candidates: list[CandidateEntry] = Field(min_length=1)
    policy: PolicyEntry | None = None
    prices: str | list[str] = []


class LiteLLMEntry(BaseModel):
    """One entry of LiteLLM's ``model_list``, as it is."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    model_name: Name
    litellm_params: dict[str, Any]
    model_info: dict[str, Any] = {}


class LiteLLMDocument(BaseModel):
    """A LiteLLM proxy configuration; the sections that are not about models are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    model_list: list[LiteLLMEntry] = Field(min_length=1)
    prices: str | list[str] = []


def parse(schema: type[Document], data: Mapping[str, Any], file: Path) -> Document:
    """``data`` as a ``schema``. Raises one ``PoolError`` for the first thing that is wrong with it."""
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise _clear_error(error, schema, file) from None


def _clear_error(error: ValidationError, schema: type[BaseModel], file: Path) -> PoolError:
    """Names the field; never shows the value, which may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = field_path(first["loc"])
    if first["type"] == "extra_forbidden":
        unknown = str(first["loc"][-1])
        return PoolError(
            f"unknown field {unknown!r}",
            file=file,
            field=path,
            hint=nearest(unknown, _fields(schema, first["loc"])),
        )
    if first["type"] in _KINDS:
        return PoolError(f"must be {_KINDS[first['type']]}", file=file, field=path)
    if first["type"] == "missing":
        return PoolError("this field is missing", file=file, field=path)
    return PoolError(first["msg"].removeprefix("Input ").removeprefix("Value error, "), file=file, field=path)


def field_path(loc: Iterable[int | str]) -> str:
    """``("candidates", 0, "price", "input")`` as ``candidates[0].price.input``."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the known word most like ``word``, or all of them."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(names)}"


def _fields(schema: type[BaseModel], loc: tuple[int | str, ...]) -> Iterable[str]:
    for name, entry in (("price", PriceEntry), ("confidence", ConfidenceEntry), ("vote", VoteEntry)):
        if name in loc[:-1]:
            return entry.model_fields
    if loc[0] == "policy" and len(loc) > 1:
        return PolicyEntry.model_fields
    return CandidateEntry.model_fields if len(loc) > 1 else schema.model_fields
