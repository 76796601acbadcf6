"""numba, where it is installed: the compiled kernels are optional and imported on first use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])

WORTH_COMPILED = 256
"""From this many queries on the compiled kernels are loaded, seconds when a machine does it first;
fewer are served by NumPy.
"""

_KERNELS = tuple(f"penstock.core._compiled_{name}" for name in ("agreement", "index", "supermodels"))


@cache
def installed() -> bool:
    """Whether numba can be imported; PENSTOCK_NO_NUMBA=1 says no."""
    return os.environ.get("PENSTOCK_NO_NUMBA", "") in ("", "0") and find_spec("numba") is not None


def use_compiled(wish: bool | None, queries: int) -> bool:
    """The caller's wish, or compiled where numba is installed and the batch is worth loading it for.

    Once a batch has loaded the kernels they serve any number of queries: the small batches at the end of a
    replay must not fall back to what is slower.
    """
    if wish is not None:
        return wish
    return installed() and (queries >= WORTH_COMPILED or _loaded())


def _loaded() -> bool:
    # every step of a replay and every live decision asks: not a look through all modules
    return "numba" in sys.modules and any(name in sys.modules for name in _KERNELS)


def jit(function: Function) -> Function:
    """Compile for speed: cached on disk, without the interpreter lock, sums free to be reordered.

    NaN is excluded by the preconditions; infinities occur (an unreachable score), so they keep their meaning.
    """
    import numba

    options = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"reassoc", "contract", "nsz", "nnan", "arcp"},
    }
    try:
        return cast(Function, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no folder to cache in (a read-only installation without a home): compile each time
        return cast(Function, numba.njit(**options)(function))
