"""Reads a pickled pandas DataFrame without running anything the file names.

A pickle is a program that calls whatever it names, so ``pandas.read_pickle`` on somebody's file runs their
code. RouterBench is published as nothing but such files. Here every name of a short list is answered by a
stand-in of our own that only keeps what it is given (not even NumPy's constructors are called: a forged
dtype can corrupt memory); any other name is refused before anything is called. Pandas is not needed. Read
are frames of plain numbers, truth values and objects as pandas 1.3 to 2.x write them; others get an error
that says how to convert.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from penstock.errors import TableError

_PLAIN = re.compile(r"[biuf][1248]")
HINT = (
    "if you trust the file, convert it where pandas is installed: "
    "python -c \"import pandas as pd; pd.read_pickle('FILE').to_parquet('FILE.parquet')\""
)


class _StandIn:
    """Keeps the arguments and the state it is given."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(_StandIn):
    def __new__(cls, *arguments: Any) -> _Frame:  # pickle makes it without calling __init__
        frame = super().__new__(cls)
        frame.arguments, frame.state = arguments, None
        return frame


class _Manager(_StandIn):
    """``BlockManager(blocks, axes)``."""


class _Block(_StandIn):
    """``_unpickle_block(values, placement, ndim)``."""


class _Index(_StandIn):
    """``_new_Index(class, {"data": array})``; a range has no data."""


class _Slice(_StandIn):
    """``slice(start, stop, step)``."""


class _Dtype(_StandIn):
    """``dtype(code, align, copy)``; its state holds the byte order."""


class _Buffer(_StandIn):
    """``_frombuffer(bytes, dtype, shape, order)``."""


class _Array(_StandIn):
    """``_reconstruct(ndarray, (0,), b"b")``; its state is (version, shape, dtype, is_fortran, bytes or
    list)."""


class _Class(_StandIn):
    """A class that is only ever passed as an argument."""


_ANSWERS: dict[str, type[_StandIn]] = {
    "pandas.core.frame.DataFrame": _Frame,
    "pandas.core.internals.managers.BlockManager": _Manager,
    "pandas._libs.internals._unpickle_block": _Block,
    "pandas.core.internals.blocks.new_block": _Block,
    "pandas.core.indexes.base._new_Index": _Index,
    "pandas.core.indexes.base.Index": _Class,
    "pandas.core.indexes.range.RangeIndex": _Class,
    "pandas.core.indexes.numeric.Int64Index": _Class,
    "builtins.slice": _Slice,
    "numpy.dtype": _Dtype,
    "numpy.ndarray": _Class,
} | {
    f"numpy.{core}.{name}": stand_in
    for core in ("core", "_core")
    for name, stand_in in (("numeric._frombuffer", _Buffer), ("multiarray._reconstruct", _Array))
}


class _Unpickler(pickle._Unpickler):
    """Python's own machine in Python: the one in C takes gigabytes for a forged memo index."""

    read: Callable[[int], bytes]
    append: Callable[[object], None]

    def load_bytearray8(self) -> None:
        """As much as there is: the original takes memory for the length stated, whatever the file holds."""
        size = int.from_bytes(self.read(8), "little")
        data = self.read(size)
        if len(data) < size:
            raise pickle.UnpicklingError("the file ends too early")
        self.append(bytearray(data))

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }

    def find_class(self, module: str, name: str) -> type[_StandIn]:
        """The stand-in of a listed name; any other is refused."""
        module = {"__builtin__": "builtins"}.get(module, module)
        try:
            return _ANSWERS[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no plain table needs") from None


def read_pandas_pickle(file: Path) -> dict[str, list[Any]]:
    """The frame's columns as lists; NaN, which is pandas' null, becomes None. Raises ``TableError``."""
    try:
        return _columns(_Unpickler(io.BytesIO(file.read_bytes())).load())
    except (
        pickle.UnpicklingError,
        EOFError,
        OSError,
        MemoryError,
        RecursionError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        AssertionError,
    ) as error:
        raise TableError(
            f"not a pickled table that can be read safely ({error})", file=file, hint=HINT
        ) from error


def _columns(frame: Any) -> dict[str, list[Any]]:
    """Raises ``ValueError`` where the stand-ins do not make up a frame."""
    manager = frame.state.get("_mgr") if isinstance(frame, _Frame) and isinstance(frame.state, dict) else None
    if not isinstance(manager, _Manager):
        raise ValueError("it holds no DataFrame")
    blocks, axes = manager.arguments
    names = _labels(axes[0])
    columns: dict[str, list[Any]] = {}
    for block in blocks:
        values, placement = block.arguments[:2]
        for place, row in zip(_places(placement), _array(values), strict=True):
            columns[names[place]] = [None if isinstance(v, float) and math.isnan(v) else v for v in row]
    if len(columns) != len(names) or len({len(c) for c in columns.values()}) > 1:
        raise ValueError("its columns are incomplete or named twice")
    return {name: columns[name] for name in names}


def _labels(index: Any) -> list[str]:
    labels = _array(index.arguments[1]["data"])
    if not all(isinstance(label, str) for label in labels):
        raise ValueError("its columns have no names")
    return labels


def _places(placement: Any) -> Sequence[int]:
    if isinstance(placement, _Slice):
        start, stop, step = placement.arguments
        return range(start, stop, 1 if step is None else step)
    return _array(placement)


def _array(value: Any) -> list[Any]:
    """A stood-in array as nested lists."""
    if isinstance(value, _Buffer):
        data, dtype, shape, order = value.arguments
    elif isinstance(value, _Array):
        _, shape, dtype, is_fortran, data = value.state
        order = "F" if is_fortran else "C"
    else:
        raise ValueError("a column is neither numbers nor plain objects")
    code = dtype.arguments[0]
    if code in ("O8", "O"):
        array = np.empty(len(data), dtype=object)
        array[:] = data
    elif isinstance(code, str) and _PLAIN.fullmatch(code):
        swapped = ">" if dtype.state is not None and dtype.state[1] == ">" else "<"
        array = np.frombuffer(data, dtype=np.dtype(swapped + code))
    else:
        raise ValueError(f"a column is of type {code!r}")
    nested: list[Any] = array.reshape(shape, order="F" if order == "F" else "C").tolist()
    return nested
