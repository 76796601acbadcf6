"""Pool files: ours, LiteLLM's and price maps, and what is said when they are wrong."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from penstock.candidates import Confidence, Vote, Weighting
from penstock.config.pool_file import load_pool
from penstock.errors import PoolError
from penstock.pricing import Price
from penstock.providers.secrets import Secret

OWN = """
candidates:
  - name: small
    provider: openai_compatible
    model: gpt-4o-mini
    base_url: ${BASE}/v1
    api_key: ${SMALL_KEY}
    price: {input: 0.15, output: 0.60, cached_input: 0.075}
    params: {temperature: 0}
    system: Answer briefly.
    context_window: 128000
    tools: true
    timeout_s: 20
    max_retries: 1
  - {name: tiny, provider: embedded, model: tiny}
  - {name: said, provider: scripted, model: x, replies: [a, b]}
"""

LITELLM = """
model_list:
  - model_name: gpt
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/GPT_KEY
      temperature: 0.2
      rpm: 600
  - model_name: llama
    litellm_params:
      model: meta-llama/Llama-3-8b
      api_base: os.environ/LLAMA_BASE
      timeout: 30
    model_info:
      input_cost_per_token: 0.0000001
      output_cost_per_token: 2e-7
      supports_function_calling: false
      max_input_tokens: 8192
litellm_settings: {drop_params: true}
router_settings: {routing_strategy: simple-shuffle}
"""

PRICES = {
    "gpt-4o": {
        "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1e-05,
        "cache_read_input_token_cost": 1.25e-06,
        "max_input_tokens": 128000,
        "max_tokens": 16384,
        "supports_function_calling": True,
        "supports_vision": True,
        "supports_response_schema": True,
        "mode": "chat",
    },
}


def written(folder: Path, text: str) -> Path:
    path = folder / "penstock.yaml"
    path.write_text(text)
    return path


def test_our_own_format(tmp_path: Path) -> None:
    pool = load_pool(written(tmp_path, OWN), environ={"BASE": "https://host"})
    small = pool["small"]
    assert pool.names == ("small", "tiny", "said")
    assert small.options["base_url"] == "https://host/v1"
    assert small.options["api_key"] == Secret(env="SMALL_KEY")
    assert small.price == Price.of("0.15", "0.60", "0.075")
    assert small.price.input == Decimal("0.15")
    assert (small.params, small.system, small.tools) == ({"temperature": 0}, "Answer briefly.", True)
    assert (small.options["timeout_s"], small.options["max_retries"]) == (20, 1)
    assert pool["tiny"].price is None


def test_litellm_model_list_with_its_price_map(tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps(PRICES))
    pool = load_pool(
        written(tmp_path, LITELLM), prices=prices, environ={"LLAMA_BASE": "http://localhost:1/v1"}
    )
    gpt, llama = pool["gpt"], pool["llama"]
    assert (gpt.model, gpt.options["base_url"]) == ("gpt-4o", "https://api.openai.com/v1")
    assert gpt.options["api_key"] == Secret(env="GPT_KEY")
    assert gpt.price == Price.of("2.5", "10", "1.25")
    assert (gpt.context_window, gpt.tools, gpt.vision, gpt.json_schema) == (128000, True, True, True)
    assert gpt.params == {"temperature": 0.2}
    assert (llama.model, llama.options["base_url"]) == ("meta-llama/Llama-3-8b", "http://localhost:1/v1")
    assert "api_key" not in llama.options
    assert llama.price == Price.of("0.1", "0.2")
    assert (llama.tools, llama.context_window, llama.options["timeout_s"]) == (False, 8192, 30)


def test_prices_are_found_relative_to_the_pool_file(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text(json.dumps(PRICES))
    text = "prices: prices.json\ncandidates: [{name: a, model: gpt-4o, base_url: 'http://h/v1'}]"
    assert load_pool(written(tmp_path, text))["a"].price == Price.of("2.5", "10", "1.25")


def test_litellm_default_key_goes_to_the_default_endpoint_only(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: a, litellm_params: {model: gpt-4o}}
  - {model_name: b, litellm_params: {model: openai/x, api_base: "http://elsewhere/v1"}}
"""
    pool = load_pool(written(tmp_path, text))
    assert pool["a"].options["api_key"] == Secret(env="OPENAI_API_KEY")
    assert "api_key" not in pool["b"].options


def entry(fields: str) -> str:
    return "candidates: [{name: a, model: m, base_url: 'http://h/v1', " + fields + "}]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("candidates: []", ["candidates", "at least 1"]),
        ("", ["has no candidates"]),
        ("a: [", ["not YAML", "line"]),
        ("candidates: {a: b}", ["field candidates: must be a list"]),
        ("candidates: [a]", ["field candidates[0]: must be a mapping of fields"]),
        ("candidates: [{name: 1, model: m}]", ["field candidates[0].name: must be a text"]),
        ("candidates: [{name: a}]", ["candidates[0].model", "missing"]),
        (entry("temprature: 1, contextwindow: 5"), ["temprature"]),
        (entry("contextwindow: 5"), ["candidates[0].contextwindow", "Did you mean 'context_window'?"]),
        (
            entry("price: {input: 1, outptu: 1, output: 1}"),
            ["candidates[0].price.outptu", "Did you mean 'output'?"],
        ),
        (entry("price: {input: -1, output: 1}"), ["candidates[0].price.input", ">= 0"]),
        (entry("price: {input: dear, output: 1}"), ["candidates[0].price.input", "number"]),
        (entry("provider: openai_compatable"), ["openai_compatable", "Did you mean 'openai_compatible'?"]),
        ("candidates: [{name: a, model: m, base_url: 'ftp://h'}]", ["candidates[0].base_url", "http(s)"]),
        ("candidates: [{name: a, model: m}]", ["candidates[0].base_url", "endpoint"]),
        ("candidates: [{name: a, model: m, base_url: '${NOT_SET}/v1'}]", ["base_url", "NOT_SET is not set"]),
        ("candidates: [{name: a, model: m, provider: recorded}]", ["candidates[0].table"]),
        (
            "candidates: [{name: a, model: m, provider: scripted}, {name: a, model: n, provider: scripted}]",
            ["candidates[1]", "stands twice", "candidates[0]"],
        ),
        (entry("timeout_s: 0"), ["candidates[0].timeout_s", "greater than 0"]),
        (
            "model_list: [{model_name: '*', litellm_params: {model: x}}]",
            ["model_list[0].model_name", "wildcard"],
        ),
        (
            "model_list: [{model_name: a, litellm_params: {model: what/x}}]",
            ["no endpoint", "what", "api_base"],
        ),
        (
            "model_list: [{model_name: a, litellm_params: {model: bedrock/x, aws_region_name: y}}]",
            ["aws_region_name", "OpenAI's chat API"],
        ),
        (
            "model_list: [{model_name: a, litellm_params: {model: azure/x, api_base: 'https://h'}}]",
            ["azure/x", "OpenAI's chat API"],
        ),
    ],
)
def test_what_is_wrong_is_said_once_and_clearly(tmp_path: Path, text: str, said: list[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(PoolError) as caught:
        load_pool(path, environ={})
    message = str(caught.value)
    assert "\n" not in message
    for part in [str(path), *said]:
        assert part in message


def test_candidates_at_a_confidence_and_candidates_that_vote(tmp_path: Path) -> None:
    text = """
candidates:
  - {name: s, provider: embedded, model: small, confidence: [0.3, 0.7]}
  - {name: when sure, provider: embedded, model: small, confidence: {threshold: 0.5, refusal: No., within: 4}}
  - {name: x5, provider: embedded, model: small, vote: 5}
  - name: x10
    provider: embedded
    model: small
    vote: {samples: 10, weights: rcv, accept: 0.6, answer: numeric, temperature: 0.7}
  - {name: fixed, provider: embedded, model: small, confidence: 0.4, vote: {weights: fcv, samples: 3}}
"""
    pool = load_pool(written(tmp_path, text))
    assert pool.names == ("s at 0.3", "s at 0.7", "when sure", "x5", "x10", "fixed")
    assert [c.confidence.threshold if c.confidence else None for c in pool] == [
        0.3,
        0.7,
        0.5,
        None,
        None,
        0.4,
    ]
    assert pool["when sure"].confidence == Confidence(0.5, refusal="No.", within=4)
    assert pool["x5"].vote == Vote(5)
    vote = Vote(10, Weighting.RCV, accept=0.6, answer="numeric", temperature=0.7)
    assert (pool["x10"].vote, pool["x10"].confidence) == (vote, Confidence())
    assert pool["fixed"].calls == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("confidence: 1.5", ["candidates[0].confidence.threshold", "at most at 1"]),
        ("confidence: {level: 0.5}", ["'level'", "threshold"]),
        ("confidence: sure", ["candidates[0].confidence[0]", "mapping"]),
        ("vote: {samples: 0}", ["candidates[0].vote.samples"]),
        ("vote: {weights: borda}", ["candidates[0].vote.weights", "rcv"]),
        ("vote: {weigths: rcv}", ["'weigths'", "weights"]),
        ("vote: {answer: regex}", ["candidates[0].vote.pattern"]),
        ("vote: {weights: fcv}", ["candidates[0].confidence", "threshold"]),
    ],
)
def test_callings_that_mean_nothing(tmp_path: Path, line: str, said: list[str]) -> None:
    path = written(tmp_path, f"candidates: [{{name: a, provider: embedded, model: small, {line}}}]")
    with pytest.raises(PoolError) as caught:
        load_pool(path)
    for part in [str(path), *said]:
        assert part in str(caught.value)


def test_a_recorded_answer_cannot_be_asked_at_a_confidence(tmp_path: Path) -> None:
    text = "candidates: [{name: a, provider: recorded, model: m, table: t, confidence: 0.5}]"
    with pytest.raises(PoolError, match="recorded"):
        load_pool(written(tmp_path, text))


def test_missing_and_malformed_price_maps(tmp_path: Path) -> None:
    path = written(tmp_path, entry("tools: true"))
    with pytest.raises(PoolError, match="cannot be read"):
        load_pool(path, prices=tmp_path / "none.json")
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    with pytest.raises(PoolError, match="not JSON"):
        load_pool(path, prices=bad)
    bad.write_text(json.dumps({"m": {"input_cost_per_token": -1e-6}}))
    with pytest.raises(PoolError, match=r"bad\.json, field m\.input.*>= 0"):
        load_pool(path, prices=bad)


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    text = entry("api_key: sk-literal-secret") + "\n"
    pool = load_pool(written(tmp_path, text))
    assert "sk-literal-secret" not in repr(pool) + repr(pool["a"].options) + str(pool["a"].options)
    wrong = written(tmp_path, entry("api_key: [sk-literal-secret]"))
    with pytest.raises(PoolError) as caught:
        load_pool(wrong)
    assert "sk-literal-secret" not in str(caught.value)
    assert "api_key" in str(caught.value)


def test_credentials_in_an_address_are_refused_unseen(tmp_path: Path) -> None:
    path = written(tmp_path, "candidates: [{name: a, model: m, base_url: 'https://me:hunter2@h/v1'}]")
    with pytest.raises(PoolError) as caught:
        load_pool(path)
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_resolved_late() -> None:
    secret = Secret.parse("os.environ/THE_KEY")
    assert not secret.is_set({})
    assert secret.resolve({"THE_KEY": "v"}) == "v"
    with pytest.raises(PoolError, match="THE_KEY is not set"):
        secret.resolve({})
