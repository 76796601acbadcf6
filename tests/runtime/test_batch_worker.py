"""The worker batches what arrives together and gives every caller its own answer."""

from __future__ import annotations

import threading

import pytest

from penstock.errors import InputError
from penstock.lab.tasks import generate as problems
from penstock.runtime.model import LanguageModel
from penstock.runtime.requests import GenerationRequest, Token
from penstock.runtime.worker import BatchWorker

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel.load("tiny")


def test_requests_that_arrive_together_share_a_batch(model: LanguageModel) -> None:
    prompts = [problem.prompt for problem in problems(30, 4)]
    expected = model.generate(prompts, temperature=0.8, seeds=range(30))
    worker = BatchWorker(model, window_s=0.2)
    futures = [
        worker.submit(GenerationRequest(model.prompt_ids(prompt), temperature=0.8, seed=seed))
        for seed, prompt in enumerate(prompts)
    ]
    assert [future.result(timeout=20).text for future in futures] == [g.text for g in expected]
    assert worker.batches < 10
    worker.close()


def test_closing_finishes_what_is_queued(model: LanguageModel) -> None:
    worker = BatchWorker(model)
    future = worker.submit(GenerationRequest(model.prompt_ids("answer briefly .")))
    worker.close()
    worker.close()
    assert future.done()
    with pytest.raises(RuntimeError, match="closed"):
        worker.submit(GenerationRequest((1, 2)))


def test_errors_reach_the_caller_and_the_worker_lives_on(model: LanguageModel) -> None:
    def break_(token: Token) -> None:
        raise ZeroDivisionError

    worker = BatchWorker(model)
    request = GenerationRequest(model.prompt_ids("start at 7 , double . what number ?"))
    with pytest.raises(ZeroDivisionError):
        worker.submit(request, break_).result(timeout=20)
    assert worker.submit(request).result(timeout=20).tokens
    with pytest.raises(InputError):
        worker.submit(GenerationRequest(()))
    worker.close()


def test_a_cancelled_request_is_not_run(model: LanguageModel) -> None:
    worker = BatchWorker(model, window_s=0.3)
    request = GenerationRequest(model.prompt_ids("start at 7 , double . what number ?"))
    told: list[Token] = []
    dropped = worker.submit(request, told.append)
    assert dropped.cancel()
    assert worker.submit(request).result(timeout=20).tokens
    assert not told
    worker.close()


def test_an_answer_is_given_as_soon_as_it_is_finished_whatever_it_was_batched_with(
    model: LanguageModel,
) -> None:
    """The batch goes on until the longest of it ends; the shortest is not held back."""
    prompt = model.prompt_ids("start at 7 , forward 3 , double . what number ?")
    worker = BatchWorker(model, window_s=0.2)
    short = worker.submit(GenerationRequest(prompt, max_new_tokens=1))
    early: list[bool] = []
    long = worker.submit(GenerationRequest(prompt), lambda token: early.append(short.done()))
    assert len(long.result(timeout=20).tokens) > 4
    assert early[-1]
    assert worker.batches == 1
    worker.close()


def test_a_request_told_to_stop_ends_with_what_it_has_and_the_others_go_on(model: LanguageModel) -> None:
    prompt = model.prompt_ids("start at 7 , forward 3 , double . what number ?")
    whole = model.generate([prompt])[0]
    worker, stopped, told = BatchWorker(model, window_s=0.2), threading.Event(), list[Token]()

    def stop_at_three(token: Token) -> None:
        told.append(token)
        if len(told) == 3:
            stopped.set()

    cut = worker.submit(GenerationRequest(prompt), stop_at_three, stopped)
    other = worker.submit(GenerationRequest(prompt))
    generation = cut.result(timeout=20)
    assert generation.finish_reason == "cancelled"
    assert generation.token_ids == whole.token_ids[:4]  # the step under way when it was told
    assert other.result(timeout=20).token_ids == whole.token_ids
    alone = worker.submit(GenerationRequest(prompt), None, stopped).result(timeout=20)
    assert len(alone.tokens) == 1
    worker.close()
