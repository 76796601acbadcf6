"""One thread per sum inside a fit, several sums at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from penstock.errors import InputError
from penstock.fitting.fit import fit_matrix
from penstock.fitting.settings import FitSettings
from penstock.fitting.threads import MOST, cores, single_threaded_blas
from penstock.testing.tables import tiny_matrix


def counts() -> dict[str, int]:
    return {library["filepath"]: library["num_threads"] for library in threadpool_info()}


@pytest.fixture(autouse=True)
def loaded() -> None:
    """Every library that a fit brings in, as after a fit before."""
    with single_threaded_blas():
        pass


def test_libraries_get_their_threads_back() -> None:
    before = counts()
    assert len(before) > 1, "NumPy and SciPy bring one each"
    with single_threaded_blas():
        assert set(counts().values()) == {1}
    assert counts() == before
    with pytest.raises(ValueError, match="inside"), single_threaded_blas():
        raise ValueError("inside")
    assert counts() == before


def test_a_fit_divides_no_sums() -> None:
    before, during = counts(), set[tuple[str, int]]()
    quick = FitSettings(estimators=("ridge",), policies=("routing",), directions=12)
    fit_matrix(tiny_matrix(60), quick, progress=lambda what, done, total: during.update(counts().items()))
    assert during == {(path, 1) for path in before}
    assert counts() == before


def test_libraries_that_nobody_has_loaded_yet_are_limited_too() -> None:
    code = (
        "from threadpoolctl import threadpool_info\n"
        "from penstock.fitting.threads import single_threaded_blas\n"
        "with single_threaded_blas():\n"
        "    import scipy.optimize, sklearn.cluster\n"
        "    print({library['num_threads'] for library in threadpool_info()})\n"
    )
    told = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    found = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "{1}"


def test_a_fit_works_in_as_many_threads_as_it_is_told() -> None:
    assert 1 <= FitSettings().workers == cores() <= MOST
    assert FitSettings(threads=3).workers == 3
    with pytest.raises(InputError, match="at least 1"):
        FitSettings(threads=0)
