"""Hashed n-grams and the shape of a text: of any text, the same in any process."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.ngrams import BUCKETS, hashed_counts, shape


@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_has_features(text: str) -> None:
    buckets, weights = hashed_counts(text)
    assert len(buckets) == len(weights) == len(np.unique(buckets))
    assert ((buckets >= 0) & (buckets < BUCKETS)).all()
    assert (weights > 0).all()
    assert np.isfinite(shape(text)).all()


def test_hashes_do_not_depend_on_the_process() -> None:
    buckets, weights = hashed_counts("What is 17 times 23?")
    assert (len(buckets), int(buckets.sum())) == (46, 791_797)
    assert float((weights**2).sum()) == pytest.approx(2.0)
