"""The tokenizer knows every word the project says, and forgives how people type."""

from __future__ import annotations

from itertools import islice

import pytest

from penstock.lab.corpus import examples
from penstock.lab.recipe import BROAD, CONTEXT
from penstock.lab.vocabulary import build_tokenizer
from penstock.lab.words import THRESHOLDS, confidence_sentence, vocabulary
from penstock.runtime.phrases import REFUSAL
from penstock.runtime.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(build_tokenizer())


def test_training_texts_round_trip_and_fit(tokenizer: Tokenizer) -> None:
    for example in islice(examples(2, BROAD), 3000):
        prompt, response = tokenizer.encode(example.prompt), tokenizer.encode(example.response)
        assert tokenizer.unknown_id not in prompt + response
        assert tokenizer.decode(prompt) == example.prompt
        assert tokenizer.decode(response) == example.response
        assert len(prompt) + len(response) + 3 <= CONTEXT


def test_sentences_for_later_training_are_known(tokenizer: Tokenizer) -> None:
    for text in (REFUSAL, *map(confidence_sentence, THRESHOLDS)):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_typing_is_forgiven(tokenizer: Tokenizer) -> None:
    plain = tokenizer.encode("start at 7 , forward 3 , double . what number ?")
    assert tokenizer.encode("  Start at 7, FORWARD 3,\n double.  What number?") == plain
    assert tokenizer.encode("i can’t") == tokenizer.encode("I can't")
    assert tokenizer.decode(tokenizer.encode("start at the zoo")) == "start at the <unk>"


def test_frame_marks_cannot_be_typed(tokenizer: Tokenizer) -> None:
    marks = {tokenizer.pad_id, tokenizer.end_id, tokenizer.user_id, tokenizer.bot_id}
    assert not marks & set(tokenizer.encode("<bot> answer : 3 <eos> <user><pad>"))


def test_ids_are_the_order_of_the_vocabulary(tokenizer: Tokenizer) -> None:
    assert list(tokenizer.words) == vocabulary()
    assert len(set(vocabulary())) == tokenizer.size
