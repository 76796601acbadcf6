"""Generation with the shipped tiny model: batches, seeds, log-probabilities, stops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.errors import InputError
from penstock.lab.tasks import generate as problems
from penstock.runtime.model import LanguageModel
from penstock.runtime.requests import GenerationRequest, Token
from penstock.runtime.shipped import model_path

pytest.importorskip("onnxruntime")

PROMPTS = [problem.prompt for problem in problems(40, 11)]
QUESTION = "start at 7 , forward 3 , double . what number ?"


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel.load("tiny")


@pytest.mark.parametrize(("temperature", "top_p"), [(0.0, 1.0), (0.8, 1.0), (0.8, 0.9)])
def test_an_answer_does_not_depend_on_its_batch(
    model: LanguageModel, temperature: float, top_p: float
) -> None:
    seeds = list(range(100, 140))
    together = model.generate(PROMPTS, temperature=temperature, top_p=top_p, seeds=seeds)
    for index in range(len(PROMPTS)):
        (alone,) = model.generate(
            [PROMPTS[index]], temperature=temperature, top_p=top_p, seeds=[seeds[index]]
        )
        assert alone.text == together[index].text
        assert alone.finish_reason == together[index].finish_reason
        np.testing.assert_allclose(alone.logprobs, together[index].logprobs, atol=1e-4)
        np.testing.assert_allclose(alone.hidden, together[index].hidden, atol=1e-3)


def test_logprobs_are_those_of_a_full_forward_pass(model: LanguageModel) -> None:
    for generation, prompt in zip(
        model.generate(PROMPTS, temperature=0.8), map(model.prompt_ids, PROMPTS), strict=True
    ):
        scores = model.log_probs(prompt + generation.token_ids)[len(prompt) - 1 :]
        assert sum(generation.logprobs) == pytest.approx(scores.sum(), abs=1e-3)
        np.testing.assert_allclose(generation.logprobs, scores, atol=1e-4)
        assert generation.prompt_tokens == len(prompt)


def test_seeds_decide_samples(model: LanguageModel) -> None:
    texts = [g.text for g in model.generate([QUESTION] * 12, temperature=1.5, seeds=[*[5] * 6, *range(6)])]
    assert len(set(texts[:6])) == 1
    assert len(set(texts[6:])) > 1


def test_streaming_gives_the_same_tokens(model: LanguageModel) -> None:
    (whole,) = model.generate([QUESTION], temperature=0.7, seeds=[4])
    assert tuple(model.stream(QUESTION, temperature=0.7, seed=4)) == whole.tokens
    assert "".join(whole.token_texts) == whole.text


def test_requests_of_one_batch_keep_their_own_settings(model: LanguageModel) -> None:
    told: dict[int, list[Token]] = {0: [], 1: [], 2: []}
    prompt = model.prompt_ids(QUESTION)
    results = model.run(
        [
            GenerationRequest(prompt, max_new_tokens=2),
            GenerationRequest(prompt, temperature=1.0, seed=9, top_logprobs=3),
            GenerationRequest(prompt),
        ],
        lambda index, token: told[index].append(token),
    )
    assert [tuple(tokens) for tokens in told.values()] == [result.tokens for result in results]
    assert (len(results[0].tokens), results[0].finish_reason) == (2, "length")
    assert results[2].finish_reason == "stop"
    assert results[2].tokens[:2] == results[0].tokens
    for token in results[1].tokens:
        assert len(token.top) == 3
        assert token.top[0][1] >= max(token.logprob, token.top[1][1])


def test_stop_words_are_left_out(model: LanguageModel) -> None:
    (whole,) = model.generate([QUESTION])
    assert "answer :" in whole.text
    (cut,) = model.generate([QUESTION], stop=["answer :"])
    assert cut.finish_reason == "stop"
    assert cut.text == whole.text.partition(" answer :")[0]
    assert tuple(model.stream(QUESTION, stop=["answer :"])) == cut.tokens


def test_more_prompts_than_a_batch_come_back_in_order(model: LanguageModel) -> None:
    prompts = [problem.prompt for problem in problems(150, 12)]
    results = model.generate(prompts, max_new_tokens=3)
    assert [result.prompt_tokens for result in results] == [len(model.prompt_ids(p)) for p in prompts]


def test_no_prompts_no_answers(model: LanguageModel) -> None:
    assert model.generate([]) == []


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"seeds": [1, 2]}, "seeds"),
        ({"seeds": [-1]}, "seed"),
    ],
)
def test_settings_out_of_range(model: LanguageModel, settings: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        model.generate([QUESTION], **settings)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_prompt_must_leave_room(model: LanguageModel) -> None:
    with pytest.raises(InputError, match="tokens"):
        model.generate(["a " * 300])
    (last,) = model.generate([[model.tokenizer.encode("a")[0]] * (model.network.context - 1)])
    assert len(last.tokens) <= 1


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model"):
        LanguageModel.load("huge")
    (tmp_path / "tokenizer.json").write_text(
        (model_path("tiny").parent / "tokenizer.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(InputError, match="cannot load"):
        LanguageModel.load(tmp_path / "bad.onnx")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="tokenizer"):
        LanguageModel.load(tmp_path / "bad.onnx")


def test_a_row_that_fills_the_context_does_not_disturb_the_others(model: LanguageModel) -> None:
    context = model.network.context
    full = (
        model.tokenizer.user_id,
        *[model.tokenizer.encode("a")[0]] * (context - 3),
        model.tokenizer.bot_id,
    )
    alone = model.generate(PROMPTS[:9])
    last, *others = model.generate([full, *PROMPTS[:9]])
    assert len(last.tokens) <= 1
    assert [g.text for g in others] == [g.text for g in alone]
