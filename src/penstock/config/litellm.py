"""LiteLLM's ``model_list``, read as it is: which endpoint, key, price and parameters an entry means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.candidates import Candidate
from penstock.config.pool_schema import LiteLLMEntry
from penstock.config.price_map import Listing, PriceMap, listing_of
from penstock.errors import PoolError
from penstock.providers.secrets import Secret, expand

ENDPOINTS: Mapping[str, tuple[str, str | None]] = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    "cerebras": ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks_ai": ("https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "ollama": ("http://localhost:11434/v1", None),
    "ollama_chat": ("http://localhost:11434/v1", None),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "together_ai": ("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "xai": ("https://api.x.ai/v1", "XAI_API_KEY"),
}
"""Prefixes whose providers speak OpenAI's chat API, with LiteLLM's own name for the key's variable."""

_BASE_ONLY = frozenset(
    {"hosted_vllm", "vllm", "litellm_proxy", "lm_studio", "llamafile", "openai_like", "custom_openai"}
)
_SETTINGS = frozenset(
    (
        "model",
        "api_base",
        "base_url",
        "api_key",
        "timeout",
        "stream_timeout",
        "max_retries",
        "num_retries",
        "custom_llm_provider",
        "rpm",
        "tpm",
        "weight",
        "order",
        "tags",
        "drop_params",
        "additional_drop_params",
        "max_parallel_requests",
        "cooldown_time",
        "merge_reasoning_content_in_choices",
        "use_in_pass_through",
        "use_litellm_proxy",
        "input_cost_per_token",
        "output_cost_per_token",
        "cache_read_input_token_cost",
        "input_cost_per_request",
        "max_budget",
        "budget_duration",
        "mock_response",
        "model_info",
    )
)
"""Fields that tell LiteLLM what to do; every other field goes out with the request, as there."""
_FOREIGN_PREFIXES = frozenset(
    {"azure", "bedrock", "cohere", "cohere_chat", "replicate", "sagemaker", "vertex_ai", "watsonx"}
)
_FOREIGN = ("aws_", "vertex_", "azure_", "watsonx_", "sagemaker_", "oci_")


def candidate_of(
    entry: LiteLLMEntry, prices: PriceMap, *, file: Path, field: str, environ: Mapping[str, str]
) -> Candidate:
    """One entry as a candidate. Raises ``PoolError`` where it needs what penstock does not have."""
    given = entry.litellm_params
    _check(entry, file, field)
    full = _text(given, "model", file, field, environ)
    prefix, model = _split(full, given)
    own = listing_of({**entry.model_info, **given_costs(given)}, file=file, field=field)
    listed = prices.find(full, model, entry.model_name)
    base, key_env = _endpoint(prefix, given, file, field, environ)
    key = given.get("api_key")
    secret = Secret.parse(str(key)) if key else Secret(env=key_env) if key_env else None
    options: dict[str, Any] = {"base_url": base}
    if secret is not None:
        options["api_key"] = secret
    if given.get("timeout") is not None:
        options["timeout_s"] = given["timeout"]
    retries = given.get("max_retries", given.get("num_retries"))
    if retries is not None:
        options["max_retries"] = retries
    return Candidate(
        name=entry.model_name,
        provider="openai_compatible",
        model=model,
        price=own.price or listed.price,
        params={name: value for name, value in given.items() if name not in _SETTINGS},
        options=options,
        context_window=_either("context_window", own, listed),
        tools=_either("tools", own, listed),
        vision=_either("vision", own, listed),
        json_schema=_either("json_schema", own, listed),
    )


def given_costs(given: Mapping[str, Any]) -> dict[str, Any]:
    """The price fields that LiteLLM also takes among an entry's parameters."""
    return {name: value for name, value in given.items() if "_cost" in name and value is not None}


def _check(entry: LiteLLMEntry, file: Path, field: str) -> None:
    if "*" in entry.model_name:
        raise PoolError(
            "a wildcard names no candidate",
            file=file,
            field=f"{field}.model_name",
            hint="List each model by name",
        )
    model = str(entry.litellm_params.get("model", ""))
    foreign = [n for n in entry.litellm_params if n.startswith(_FOREIGN) or n == "api_version"]
    if foreign or model.partition("/")[0] in _FOREIGN_PREFIXES:
        raise PoolError(
            f"{(foreign or [model])[0]} belongs to a provider that does not speak OpenAI's chat API",
            file=file,
            field=f"{field}.litellm_params",
            hint="Name an OpenAI-compatible endpoint: model: openai/NAME with api_base",
        )


def _split(full: str, given: Mapping[str, Any]) -> tuple[str | None, str]:
    """Provider prefix and model. A prefix nobody knows is part of the model's name (``meta-llama/...``)."""
    custom = given.get("custom_llm_provider")
    prefix, slash, rest = full.partition("/")
    if slash and (prefix in ENDPOINTS or prefix in _BASE_ONLY):
        return prefix, rest
    if isinstance(custom, str):
        return custom, full
    return (prefix, full) if slash else ("openai", full)


def _endpoint(
    prefix: str | None, given: Mapping[str, Any], file: Path, field: str, environ: Mapping[str, str]
) -> tuple[str, str | None]:
    name = "api_base" if given.get("api_base") else "base_url"
    if given.get(name):
        # LiteLLM's default key is for the default endpoint; it is not sent to another host
        return _text(given, name, file, field, environ), None
    if prefix is not None and prefix in ENDPOINTS:
        return ENDPOINTS[prefix]
    raise PoolError(
        f"no endpoint is known for provider {prefix!r}",
        file=file,
        field=f"{field}.litellm_params.model",
        hint=f"Give api_base, or use one of {', '.join(ENDPOINTS)}",
    )


def _text(given: Mapping[str, Any], name: str, file: Path, field: str, environ: Mapping[str, str]) -> str:
    value = given.get(name)
    where = f"{field}.litellm_params.{name}"
    if not isinstance(value, str) or not value:
        raise PoolError("must be a text", file=file, field=where)
    try:
        return expand(value, environ)
    except PoolError as error:
        raise PoolError(error.message, file=file, field=where, hint=error.hint) from error


def _either(name: str, own: Listing, listed: Listing) -> Any:
    value = getattr(own, name)
    return getattr(listed, name) if value is None else value
