"""The compiled kernels are optional: never loaded without being worth it, never missed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.core import _jit
from penstock.core._jit import WORTH_COMPILED, installed, use_compiled

SCRIPT = """
import json, sys
import numpy as np
from benchmarks.research.bound import optimal_value
from penstock.core.draws import normal_draws
from penstock.core.index import index_step
from penstock.core.prefixes import best_prefix
from penstock.core.supermodels import best_supermodel

def decide(n):
    mean, sd, cost = np.full((n, 3), 0.5), np.full((n, 3), 0.2), np.array([[0.1, 0.2, 0.3]])
    none, draws = np.zeros(n, dtype=np.int64), normal_draws(16, 3)
    mask, _ = best_supermodel(mean, sd, cost, none, 0.1, max_depth=2, draws=draws)
    prefix, _ = best_prefix(mean, sd, cost, none, 0.1, order=np.arange(3), max_depth=2, draws=draws)
    step = index_step(mean, sd, cost, none, 0.1)
    return int(mask[0]), int(prefix[0]), int(step[0]), round(float(optimal_value(mean, sd, cost, 0.1)[0]), 9)

one = decide(1)
loaded = "numba" in sys.modules or "scipy" in sys.modules
print(json.dumps([one, loaded, decide(300), "numba" in sys.modules]))
"""


def run(**environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=True,
    )
    return json.loads(done.stdout)


def test_without_numba_everything_is_decided_alike():
    one, loaded, many, numba = run(PENSTOCK_NO_NUMBA="1")
    assert one == many
    assert not loaded
    assert not numba


@pytest.mark.skipif(not installed(), reason="numba is not installed")
def test_a_single_decision_loads_neither_numba_nor_scipy_and_a_batch_decides_alike():
    one, loaded, many, numba = run(PENSTOCK_NO_NUMBA="")
    assert one == many
    assert not loaded
    assert numba


def test_the_callers_wish_comes_first(monkeypatch):
    monkeypatch.setattr(_jit, "_loaded", lambda: False)
    assert use_compiled(True, 1)
    assert not use_compiled(False, 10_000)
    assert not use_compiled(None, WORTH_COMPILED - 1)
    assert use_compiled(None, WORTH_COMPILED) == installed()


def test_kernels_that_are_loaded_serve_small_batches_too(monkeypatch):
    monkeypatch.setattr(_jit, "_loaded", lambda: True)
    assert use_compiled(None, 1) == installed()
    assert not use_compiled(False, 1)


def test_every_compiled_kernel_is_known_by_name():
    files = Path(_jit.__file__).parent.glob("_compiled_*.py")
    assert sorted(_jit._KERNELS) == sorted(f"penstock.core.{file.stem}" for file in files)
