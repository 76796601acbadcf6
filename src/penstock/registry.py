"""Everything that extends penstock, by room and name: one door for what is built in and what is not.

A module registers what it defines when it is imported; the built-in modules of a room are imported when the
room is first asked for, other packages' through the entry points of the group ``penstock.plugins``::

    @register("policy", "coin")
    class CoinPolicy(Policy): ...

    # pyproject.toml of another package
    [project.entry-points."penstock.plugins"]
    coin = "penstock_coin"          # a module; a function of no arguments works too

What a room's things have to be is the protocol named beside it in ``Room``; ``penstock.testing`` has a
contract suite for each. Nothing is ever imported because a file names it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, packages_distributions, version
from pkgutil import iter_modules
from threading import RLock
from typing import Any, TypeVar

from penstock.errors import InputError, PenstockError

GROUP = "penstock.plugins"
"""Of entry points."""
OWN = "penstock"
"""The distribution of what is built in."""

_Target = TypeVar("_Target")
logger = logging.getLogger("penstock.plugins")


class Room(StrEnum):
    """What can be registered.

    ``policy``: a ``policies.base.Policy``. ``estimator``: settings of an estimate before the call
    (``estimators.base.Estimator``), and ``fitted_estimator`` what fitting them gives. ``post_hoc``: settings
    of an estimate after the call (``estimators.post_hoc.base.PostHocEstimator``), and ``fitted_post_hoc``
    what fitting them gives. ``comparison``: which answers are the same
    (``estimators.comparison.comparison.Comparison``). ``provider``: a factory from a candidate to a
    ``providers.base.Provider``. ``store``: a factory from an address to a ``storage.base.DecisionLog``.
    ``scorer``: an ``outcomes.scorers.base.Scorer``.
    """

    POLICY = "policy"
    ESTIMATOR = "estimator"
    FITTED_ESTIMATOR = "fitted_estimator"
    POST_HOC = "post_hoc"
    FITTED_POST_HOC = "fitted_post_hoc"
    COMPARISON = "comparison"
    PROVIDER = "provider"
    STORE = "store"
    SCORER = "scorer"


_BUILT_IN: Mapping[Room, tuple[str, ...]] = {
    Room.POLICY: ("penstock.policies",),
    Room.ESTIMATOR: ("penstock.estimators.ex_ante",),
    Room.FITTED_ESTIMATOR: ("penstock.estimators.ex_ante",),
    Room.POST_HOC: ("penstock.estimators.post_hoc", "penstock.estimators.agreement"),
    Room.FITTED_POST_HOC: ("penstock.estimators.post_hoc", "penstock.estimators.agreement"),
    Room.COMPARISON: ("penstock.estimators.comparison",),
    Room.PROVIDER: ("penstock.providers",),
    Room.STORE: ("penstock.storage",),
    Room.SCORER: ("penstock.outcomes.scorers",),
}
"""The packages whose modules are imported before a room is looked into."""


@dataclass(frozen=True)
class Registered:
    """One thing in a room: its ``target`` (a class, a factory or a function) and where it comes from."""

    room: Room
    name: str
    target: Any
    distribution: str

    @property
    def version(self) -> str:
        """Of the distribution; empty where it is not installed as one."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return ""

    @property
    def summary(self) -> str:
        """The first sentence of its documentation."""
        paragraph = " ".join((getattr(self.target, "__doc__", None) or "").partition("\n\n")[0].split())
        first = re.split(r"(?<=[.;:])\s", paragraph, maxsplit=1)[0]
        return first.replace("``", "").rstrip(".;:")


@dataclass(frozen=True)
class Plugin:
    """An entry point that was loaded: its name, its distribution, and why it could not be loaded, if so."""

    name: str
    distribution: str
    error: str | None = None


class _Registry:
    """What is registered in this process."""

    def __init__(self) -> None:
        self.rooms: dict[Room, dict[str, Registered]] = {room: {} for room in Room}
        self.names: dict[int, Registered] = {}
        self.imported: set[str] = set()
        self.plugins: tuple[Plugin, ...] | None = None
        self.loading: str | None = None
        self.lock = RLock()

    def add(self, room: Room, name: str, target: Any) -> None:
        entry = Registered(room, name, target, self._source_of(target))
        known = self.rooms[room].get(name)
        if known is not None and known.target is not target and not _reloaded(known.target, target):
            if entry.distribution != OWN or known.distribution == OWN:
                raise _taken(known, entry)
            self._give_back(known, _taken(entry, known))
        self.rooms[room][name] = entry
        self.names[id(target)] = entry

    def _source_of(self, target: Any) -> str:
        """Of what is built in this distribution, though a plug-in was the first to import its module."""
        return OWN if _top(target) == OWN else self.loading or _distribution_of(target)

    def _give_back(self, taken: Registered, why: InputError) -> None:
        """A plug-in was loaded before the module whose name it took: the name is the built-in thing's."""
        del self.names[id(taken.target)]
        logger.warning("of %s: %s", taken.distribution, why)
        self.plugins = tuple(
            replace(p, error=str(why)) if p.distribution == taken.distribution else p
            for p in self.plugins or ()
        )

    def open(self, room: Room) -> dict[str, Registered]:
        with self.lock:
            for package in _BUILT_IN[room]:
                self._import_modules(package)
            self.load_plugins()
            return self.rooms[room]

    def load_plugins(self) -> tuple[Plugin, ...]:
        """Every entry point once. One that fails is reported and does not take the others with it."""
        with self.lock:
            if self.plugins is None:
                self.plugins = ()  # while they load, they may ask for rooms themselves
                self.plugins = tuple(self._load(entry) for entry in entry_points(group=GROUP))
            return self.plugins

    def _load(self, entry: Any) -> Plugin:
        distribution = entry.dist.name if entry.dist is not None else entry.value.partition(".")[0]
        try:
            with self._from(distribution):
                loaded = entry.load()
                if callable(loaded):
                    loaded()
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises when imported
            logger.warning("the plug-in %s of %s cannot be loaded: %s", entry.name, distribution, error)
            return Plugin(entry.name, distribution, f"{type(error).__name__}: {error}")
        return Plugin(entry.name, distribution)

    @contextmanager
    def _from(self, distribution: str) -> Iterator[None]:
        before, self.loading = self.loading, distribution
        try:
            yield
        finally:
            self.loading = before

    def _import_modules(self, package: str) -> None:
        if package in self.imported:
            return
        self.imported.add(package)  # before its modules, which may ask for the room themselves
        try:
            with self._from(OWN):
                room = import_module(package)
                for module in iter_modules(room.__path__):
                    if not module.name.startswith("_"):
                        import_module(f"{package}.{module.name}")
        except BaseException:
            self.imported.discard(package)  # the next one who asks is told too, and not given half a room
            raise


_registry = _Registry()


def register(room: Room | str, name: str) -> Callable[[_Target], _Target]:
    """A decorator that puts a class, a factory or a function into a room under ``name``.

    Raises ``InputError`` for a room there is not, and where the name is taken by something else.
    """
    try:
        chosen = Room(room)
    except ValueError:
        raise InputError(
            f"there is no room {room!r} to register in; there are {', '.join(Room)}", field="room"
        ) from None

    def put(target: _Target) -> _Target:
        _registry.add(chosen, name, target)
        return target

    return put


def registered(room: Room | str) -> Mapping[str, Registered]:
    """Everything in a room by name: what is built in first, then what plug-ins add."""
    found = _registry.open(Room(room))
    return dict(sorted(found.items(), key=lambda item: (item[1].distribution != OWN, item[0])))


def names(room: Room | str) -> tuple[str, ...]:
    """The names in a room."""
    return tuple(registered(room))


def find(room: Room | str, name: str, *, field: str | None = None, besides: Sequence[str] = ()) -> Any:
    """What stands in a room under ``name``. Raises ``InputError`` that names the nearest where there is
    none; ``field`` is the flag or field that the name was read from, and ``besides`` are names that it
    takes without their standing here."""
    known = _registry.open(Room(room))
    if name in known:
        return known[name].target
    there = (*names(room), *besides)
    close = get_close_matches(name, there, n=1, cutoff=0.6)
    raise InputError(
        f"no {_in_words(Room(room))} is called {name!r}; there are {', '.join(there)}",
        field=field,
        hint=f"Did you mean {close[0]!r}?" if close else None,
    )


def holds(room: Room | str, name: str) -> bool:
    """Whether there is something of that name in a room."""
    return name in _registry.open(Room(room))


def entry_of(target: Any) -> Registered:
    """How a registered class, factory or function was registered. PenstockError where it was not."""
    found = _registry.names.get(id(target))
    if found is None:
        raise PenstockError(
            f"{getattr(target, '__qualname__', target)} is not registered: it has no kind to be stored under"
        )
    return found


def plugins() -> tuple[Plugin, ...]:
    """The entry points of other packages, loaded."""
    return _registry.load_plugins()


def _in_words(room: Room) -> str:
    return room.value.replace("post_hoc", "post-hoc estimator").replace("_", " ")


def _reloaded(known: Any, target: Any) -> bool:
    """A module that was imported twice (under a test runner, in a notebook) registers the same thing
    again."""
    places = {(getattr(t, "__module__", None), getattr(t, "__qualname__", None)) for t in (known, target)}
    return len(places) == 1 and (None, None) not in places


def _taken(known: Registered, entry: Registered) -> InputError:
    return InputError(
        f"a {_in_words(known.room)} called {known.name!r} is registered already, by {known.distribution}",
        field=known.name,
        hint=f"Rename the one of {entry.distribution}",
    )


def _top(target: Any) -> str:
    """The package that a thing is defined in."""
    return str(getattr(target, "__module__", None) or type(target).__module__).partition(".")[0]


def _distribution_of(target: Any) -> str:
    """The installed distribution a thing's module belongs to, or else the name of that module's package."""
    return next(iter(_distributions().get(_top(target), [])), _top(target))


@cache
def _distributions() -> Mapping[str, list[str]]:
    """By package; to find them out every installed distribution's files are read."""
    return packages_distributions()
