"""One thread per sum inside a fit, several sums at once."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info

from penstock.errors import InputError
from penstock.fitting.settings import FitSettings
from penstock.fitting.threads import MOST, cores, undivided_sums


def counts() -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]


def test_libraries_get_their_threads_back() -> None:
    before = counts()
    assert before, "NumPy brings a library of linear algebra"
    with undivided_sums():
        assert set(counts()) == {1}
    assert counts() == before
    with pytest.raises(ValueError, match="inside"), undivided_sums():
        raise ValueError("inside")
    assert counts() == before


def test_a_fit_works_in_as_many_threads_as_it_is_told() -> None:
    assert 1 <= FitSettings().workers == cores() <= MOST
    assert FitSettings(threads=3).workers == 3
    with pytest.raises(InputError, match="at least 1"):
        FitSettings(threads=0)
