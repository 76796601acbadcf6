"""Frozen dataclasses as plain JSON and named arrays, and back: how everything fitted is stored.

A dataclass is written field by field, whatever its fields are typed as: plain values, enums, arrays, tuples,
mappings, other dataclasses, and registered things (``penstock.registry``), which carry their ``kind``. Arrays
are kept apart under their path (``belief/fitted/means``). Reading goes by the types, and by them alone: a
kind is looked up among what is registered in this process, and nothing is imported because a file names it.

Per field, in its ``metadata``: ``key("lambda")`` is the name it is stored under, ``stored_as("float16")`` a
narrower type for an array, ``SHARED`` says that ``take`` leaves it whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from penstock import registry
from penstock.errors import BundleError, InputError
from penstock.registry import OWN, Registered, Room

Plain = Any
"""JSON's own types."""
Arrays = Mapping[str, NDArray[Any]]
Openers = Mapping[Any, Callable[[Plain, Arrays], Any]]
"""What makes again a thing that is not stored whole (a model, an endpoint), by the protocol it is typed
as."""

SHARED: Mapping[str, Any] = {"penstock.shared": True}
_Value = TypeVar("_Value")


def key(name: str) -> Mapping[str, Any]:
    """Metadata of a field that is stored under another name."""
    return {"penstock.key": name}


def stored_as(dtype: str) -> Mapping[str, Any]:
    """Metadata of an array that is stored in another type, and read back into its own."""
    return {"penstock.dtype": dtype}


Save = Callable[[Any], tuple[dict[str, Any], dict[str, NDArray[Any]]]]
_EXTERNAL: dict[Any, Save] = {}


def external(kind: Any, save: Save) -> None:
    """Things typed ``kind`` (a protocol) are not stored whole: ``save`` gives plain settings without secrets,
    and arrays, and whoever reads them brings an opener for ``kind``."""
    _EXTERNAL[kind] = save


def encode(value: Any) -> tuple[Plain, dict[str, NDArray[Any]]]:
    """A value as plain JSON and arrays by path. TypeError for a value with no stored form."""
    arrays: dict[str, NDArray[Any]] = {}
    return _encode(value, "", arrays), arrays


def plain(value: Any) -> dict[str, Plain]:
    """A dataclass without arrays as plain JSON. TypeError where it has any."""
    found, arrays = encode(value)
    if arrays:
        raise TypeError(f"{type(value).__name__} holds arrays: {', '.join(arrays)}")
    result: dict[str, Plain] = found
    return result


def decode(kind: Any, stored: Plain, arrays: Arrays, openers: Openers | None = None) -> Any:
    """What ``encode`` wrote of a value typed ``kind``.

    BundleError where a part is missing or of another type, where a kind is not registered here (it names what
    to install), and where something must be opened that ``openers`` does not open.
    """
    return _Reader(arrays, openers or {}).read(kind, stored, "")


def kinds_in(value: Any) -> tuple[Registered, ...]:
    """Every registered thing in a value, each once: what must be there to read it again."""
    found: dict[tuple[Room, str], Registered] = {}
    _walk(value, found)
    return tuple(found.values())


def take(value: _Value, index: Any) -> _Value:
    """A dataclass of arrays for some of its rows: every array that is not ``SHARED`` by ``index``, nested
    dataclasses likewise. A class with ``__take__`` says itself what its rows are."""
    own = getattr(value, "__take__", None)
    if own is not None:
        taken: _Value = own(index)
        return taken
    changes = {}
    for name in _rows_of(_class_of(value)):
        part = getattr(value, name)
        if part is None:
            continue
        if isinstance(part, np.ndarray):
            changes[name] = part[index]
        elif dataclasses.is_dataclass(part) or hasattr(part, "__take__"):
            changes[name] = take(part, index)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]


@cache
def _rows_of(cls: Any) -> tuple[str, ...]:
    fields = dataclasses.fields(cls)
    return tuple(f.name for f in fields if f.init and "penstock.shared" not in f.metadata)


def _class_of(value: Any) -> Any:
    return type(value)


@cache
def _fields(cls: Any) -> tuple[tuple[dataclasses.Field[Any], Any, str], ...]:
    """The stored fields of a dataclass: each with its type and the name it is stored under."""
    hints = get_type_hints(cls)
    return tuple(
        (f, hints[f.name], str(f.metadata.get("penstock.key", f.name)))
        for f in dataclasses.fields(cls)
        if f.init and not f.name.startswith("_")
    )


def _wrong(message: str, path: str, hint: str | None = None) -> BundleError:
    return BundleError(message, field=path or None, hint=hint)


def _under(path: str, name: object) -> str:
    return f"{path}/{name}" if path else str(name)


def _encode(value: Any, path: str, arrays: dict[str, NDArray[Any]]) -> Plain:  # noqa: PLR0911
    match value:
        case Enum():
            return value.value
        case None | bool() | str() | int() | float():
            return value
        case np.ndarray():
            arrays[path] = value
            return None
        case np.generic():
            return value.item()
        case tuple() | list():
            return [_encode(item, _under(path, i), arrays) for i, item in enumerate(value)]
        case frozenset() | set():
            return sorted(value)
        case Mapping():
            return {str(k): _encode(item, _under(path, k), arrays) for k, item in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no stored form")
    return _encode_fields(value, path, arrays)


def _encode_fields(value: Any, path: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Plain]:
    written: dict[str, Plain] = {}
    if hasattr(type(value), "room"):
        written["kind"] = registry.entry_of(type(value)).name
    for f, hint, name in _fields(_class_of(value)):
        part, here = getattr(value, f.name), _under(path, name)
        if hint in _EXTERNAL:
            written[name], parts = _EXTERNAL[hint](part)
            arrays.update({_under(here, own): array for own, array in parts.items()})
        elif isinstance(part, np.ndarray):
            arrays[here] = part.astype(f.metadata.get("penstock.dtype", part.dtype))
        else:
            written[name] = _encode(part, here, arrays)
    return written


def _walk(value: Any, found: dict[tuple[Room, str], Registered]) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if hasattr(type(value), "room"):
            entry = registry.entry_of(type(value))
            found.setdefault((entry.room, entry.name), entry)
        for f, hint, _ in _fields(_class_of(value)):
            if hint not in _EXTERNAL:  # what is stored otherwise may have parts with no types to read
                _walk(getattr(value, f.name), found)
    elif isinstance(value, tuple | list):
        for item in value:
            _walk(item, found)
    elif isinstance(value, Mapping):
        for item in value.values():
            _walk(item, found)


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Reads by types. Every error names the path of what is wrong."""

    arrays: Arrays
    openers: Openers

    def read(self, kind: Any, stored: Plain, path: str) -> Any:  # noqa: PLR0911, PLR0912
        origin, args = get_origin(kind), get_args(kind)
        if kind is Any:
            return stored
        if origin in (Union, UnionType):
            return self._optional(args, stored, path)
        if origin is np.ndarray:
            return self._array(args, path)
        if origin is Literal:
            if stored not in args:
                raise _wrong(f"holds {stored!r}, which is none of {', '.join(map(str, args))}", path)
            return stored
        if origin is tuple:
            return self._tuple(args, stored, path)
        if origin in (frozenset, list):
            return origin(self.read(args[0], item, path) for item in self._is(list, stored, path))
        if isinstance(origin, type) and issubclass(origin, Mapping):
            entries = self._is(dict, stored, path)
            return {k: self.read(args[1], item, _under(path, k)) for k, item in entries.items()}
        if kind in _EXTERNAL:
            return self._open(kind, stored, path)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self._enum(kind, stored, path)
        if hasattr(kind, "room"):
            return self._registered(kind, stored, path)
        if dataclasses.is_dataclass(kind):
            return self._dataclass(kind, stored, path)  # type: ignore[arg-type]
        if kind is float and isinstance(stored, int) and not isinstance(stored, bool):
            return float(stored)
        return self._is(kind, stored, path)

    def _is(self, kind: Any, stored: Plain, path: str) -> Any:
        if not isinstance(stored, kind) or (isinstance(stored, bool) and kind in (int, float)):
            raise _wrong(f"holds {type(stored).__name__} where {kind.__name__} is meant", path)
        return stored

    def _optional(self, args: tuple[Any, ...], stored: Plain, path: str) -> Any:
        rest = [a for a in args if a is not NoneType]
        if stored is None and NoneType in args and not self._has_arrays(path):
            return None
        return self.read(self._likeliest(rest, stored, path), stored, path)

    def _likeliest(self, kinds: list[Any], stored: Plain, path: str) -> Any:
        """Of several dataclasses the one that has all the parts that are stored."""
        if len(kinds) == 1 or not isinstance(stored, dict):
            return kinds[0]
        parts = {
            *stored,
            *(a[len(path) + 1 :].partition("/")[0] for a in self.arrays if a.startswith(f"{path}/")),
        }
        for kind in kinds:
            if dataclasses.is_dataclass(kind) and parts <= {name for _, _, name in _fields(kind)}:  # type: ignore[arg-type]
                return kind
        return kinds[0]

    def _has_arrays(self, path: str) -> bool:
        return any(name == path or name.startswith(f"{path}/") for name in self.arrays)

    def _array(self, args: tuple[Any, ...], path: str) -> NDArray[Any]:
        if path not in self.arrays:
            raise _wrong("lacks an array", path)
        (wanted,) = get_args(args[1]) or (Any,)
        array = self.arrays[path]
        if not isinstance(wanted, type) or not issubclass(wanted, np.generic):
            return array
        if issubclass(wanted, np.number) and not np.issubdtype(array.dtype, np.number):
            raise _wrong(f"holds an array of {array.dtype} where numbers are meant", path)
        return array if array.dtype == wanted else array.astype(wanted)

    def _tuple(self, args: tuple[Any, ...], stored: Plain, path: str) -> tuple[Any, ...]:
        items = self._is(list, stored, path)
        kinds = [args[0]] * len(items) if len(args) == 2 and args[1] is Ellipsis else list(args)
        if len(kinds) != len(items):
            raise _wrong(f"holds {len(items)} items where {len(kinds)} are meant", path)
        return tuple(
            self.read(k, item, _under(path, i)) for i, (k, item) in enumerate(zip(kinds, items, strict=True))
        )

    def _enum(self, kind: type[Enum], stored: Plain, path: str) -> Enum:
        try:
            return kind(stored)
        except ValueError as error:
            raise _wrong(f"holds {stored!r}, which is no {kind.__name__}", path) from error

    def _open(self, kind: Any, stored: Plain, path: str) -> Any:
        opener = self.openers.get(kind)
        if opener is None:
            said = (kind.__doc__ or kind.__name__).strip().partition("\n")[0].rstrip(".").lower()
            raise _wrong(f"needs {said}, and none can be opened here", path)
        prefix = f"{path}/"
        own = {k.removeprefix(prefix): v for k, v in self.arrays.items() if k.startswith(prefix)}
        return opener(self._is(dict, stored, path), own)

    def _registered(self, kind: Any, stored: Plain, path: str) -> Any:
        name = self._is(dict, stored, path).get("kind")
        room = Room(kind.room)
        if not isinstance(name, str):
            raise _wrong(f"names no kind of {room.value.replace('_', ' ')}", path)
        if not registry.holds(room, name):
            raise missing_kind(room, name)
        fields = {k: v for k, v in stored.items() if k != "kind"}
        return self._dataclass(registry.find(room, name), fields, path)

    def _dataclass(self, kind: type, stored: Plain, path: str) -> Any:
        given = dict(self._is(dict, stored, path))
        found = {}
        for f, hint, name in _fields(kind):
            here = _under(path, name)
            if name in given or self._has_arrays(here):
                found[f.name] = self.read(hint, given.pop(name, None), here)
            elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
                if type(None) not in get_args(hint):
                    raise BundleError("lacks a part", field=here)
                found[f.name] = None
        if given:
            raise BundleError("holds a part that is not known here", field=_under(path, next(iter(given))))
        try:
            return kind(**found)
        except InputError as error:
            where = _under(path, error.field) if error.field else path
            raise _wrong(error.message, where, error.hint) from error


REMOVED: Mapping[tuple[Room, str], str] = {
    (Room.FITTED_ESTIMATOR, "boosting"): "0.1",
    (Room.FITTED_ESTIMATOR, "guarded_knn"): "0.1",
}
"""Kinds that are gone, with the last version that had them."""


def missing_kind(room: Room, name: str, source: str | None = None) -> BundleError:
    """The error for a kind that is not registered here; ``source`` is the distribution, with its version,
    that a bundle says it came from."""
    what = f"{room.value.replace('_', ' ')} {name!r}"
    last = REMOVED.get((room, name))
    if last is not None:
        return BundleError(
            f"holds the {what}, which penstock no longer has",
            hint=f"The last version that had it is {last}: serve it with that one, or fit again",
        )
    distribution = (source or OWN).partition(" ")[0]
    if distribution == OWN:
        by = f" (it was written by {source})" if source else ""
        return BundleError(
            f"holds the {what}, which this version of penstock does not know{by}",
            hint="Upgrade penstock, or fit it again",
        )
    return BundleError(f"needs the {what} of {source}", hint=f"Install it: pip install {distribution}")
