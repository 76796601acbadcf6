"""The compacting sampler draws what the network says, whatever it is batched with."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="sampling needs torch: pip install 'penstock[train]'")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

from penstock.errors import InputError
from penstock.lab.tasks import generate
from penstock.runtime.model import LanguageModel
from penstock.training.sater.sampler import Decoding, TorchSampler
from penstock.training.sater.trainee import Trainee, open_trainee

PROMPTS = [problem.prompt for problem in generate(40, 11)]


@pytest.fixture(scope="module")
def tiny() -> Trainee:
    import torch

    torch.set_num_threads(1)
    return open_trainee("tiny")


def test_greedy_responses_are_those_of_the_runtime(tiny: Trainee) -> None:
    expected = LanguageModel.load("tiny").generate(PROMPTS)
    for rows in (7, 64):
        drawn = TorchSampler(tiny)(PROMPTS, Decoding(rows=rows))
        same = [one.text == other.text for (one,), other in zip(drawn, expected, strict=True)]
        assert sum(same) >= 39  # two tokens of nearly equal probability may change places between libraries
        ends = [
            one.tokens == len(other.tokens) + one.ended
            for (one,), other, alike in zip(drawn, expected, same, strict=True)
            if alike
        ]
        assert all(ends)


def test_log_probabilities_are_those_of_the_runtime(tiny: Trainee) -> None:
    model = LanguageModel.load("tiny")
    (generation,) = model.generate(PROMPTS[:1])
    ((response,),) = TorchSampler(tiny)(PROMPTS[:1], Decoding())
    ids = [*model.prompt_ids(PROMPTS[0]), *generation.token_ids, model.tokenizer.end_id]
    expected = model.log_probs(ids)[len(model.prompt_ids(PROMPTS[0])) - 1 :].mean()
    assert response.logprob == pytest.approx(expected, abs=1e-3)


def test_samples_differ_and_repeat_with_the_seed(tiny: Trainee) -> None:
    decoding = Decoding(k=6, temperature=1.0, top_p=0.95, seed=3)
    first, again = (TorchSampler(tiny)(PROMPTS[:5], decoding) for _ in range(2))
    assert first == again
    assert [len(drawn) for drawn in first] == [6] * 5
    assert all(len({sample.text for sample in drawn}) > 1 for drawn in first)


def test_a_small_nucleus_is_greedy(tiny: Trainee) -> None:
    greedy = TorchSampler(tiny)(PROMPTS, Decoding())
    nucleus = TorchSampler(tiny)(PROMPTS, Decoding(temperature=1.0, top_p=1e-6))
    assert [one.text for (one,) in greedy] == [one.text for (one,) in nucleus]


def test_the_token_limit_cuts_and_says_so(tiny: Trainee) -> None:
    for (response,) in TorchSampler(tiny)(PROMPTS[:4], Decoding(max_new_tokens=3)):
        assert response.tokens == 3
        assert not response.ended


def test_progress_reaches_the_number_of_rows(tiny: Trainee) -> None:
    told: list[tuple[int, int]] = []
    TorchSampler(tiny)(PROMPTS[:5], Decoding(k=3, temperature=1.0, rows=4), lambda *seen: told.append(seen))
    assert told == [(4, 15), (8, 15), (12, 15), (15, 15)]


def test_a_prompt_that_fills_the_context_is_an_input_error(tiny: Trainee) -> None:
    with pytest.raises(InputError, match="tokens"):
        TorchSampler(tiny)(["forward 1 , " * 200], Decoding())


def test_weights_survive_saving(tiny: Trainee, tmp_path: Path) -> None:
    tiny.save(tmp_path / "kept")
    again = open_trainee(str(tmp_path / "kept"))
    assert TorchSampler(again)(PROMPTS[:5], Decoding()) == TorchSampler(tiny)(PROMPTS[:5], Decoding())


def test_unknown_models_are_input_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="no model"):
        open_trainee("no-such-folder/no-such-model")
    with pytest.raises(InputError, match="no model"):
        open_trainee("missing.onnx")


def test_a_tokenizer_without_a_chat_template_is_an_input_error(tiny: Trainee, tmp_path: Path) -> None:
    tiny.network.save_pretrained(tmp_path)
    tokenizer = open_trainee("tiny").tokenizer
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"no chat template.*instruction-tuned"):
        open_trainee(str(tmp_path))
    tokenizer.chat_template = tiny.tokenizer.chat_template
    tokenizer.save_pretrained(tmp_path)
    opened = open_trainee(str(tmp_path))
    assert not opened.embedded
    assert opened.prompt_ids(["double"]) == tiny.prompt_ids(["double"])
