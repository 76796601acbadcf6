"""Words of answers as a sparse matrix."""

from __future__ import annotations

import numpy as np

from penstock.answers.hashed_text import READ, HashedText, hashed_words
from penstock.core.ngrams import WORD_BUCKETS

TEXTS = ["A: 04/20/1969", "", "the answer is the answer", "Ä: ½ 北京 🙂"]


def test_times_is_the_matrix_product() -> None:
    wording = HashedText.of(TEXTS)
    dense = np.zeros((len(TEXTS), WORD_BUCKETS))
    for i, text in enumerate(TEXTS):
        buckets, weights = hashed_words(text)
        dense[i, buckets] = weights
    values = np.random.default_rng(0).normal(size=WORD_BUCKETS)
    np.testing.assert_allclose(wording.times(values), dense @ values)
    np.testing.assert_array_equal(wording.seen_in(), (dense > 0).sum(axis=0))


def test_joined_is_one_after_another() -> None:
    whole, parts = (
        HashedText.of(TEXTS),
        HashedText.joined([HashedText.of(TEXTS[:1]), HashedText.of(TEXTS[1:])]),
    )
    for name in ("start", "bucket", "weight"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert len(whole) == len(TEXTS)


def test_words_have_unit_length_and_case_does_not_count() -> None:
    buckets, weights = hashed_words("The answer is the ANSWER")
    assert np.isclose((weights**2).sum(), 1.0)
    np.testing.assert_array_equal(buckets, hashed_words("the ANSWER is The answer")[0])


def test_the_end_of_a_long_answer_is_read() -> None:
    np.testing.assert_array_equal(hashed_words("early " * 1_000 + "x" * READ)[0], hashed_words("x" * READ)[0])


def test_no_texts_and_empty_texts_have_no_words() -> None:
    for texts in ([], ["", ""]):
        wording = HashedText.of(texts)
        assert len(wording) == len(texts)
        np.testing.assert_array_equal(wording.times(np.ones(WORD_BUCKETS)), np.zeros(len(texts)))
