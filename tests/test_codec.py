"""Dataclasses as plain JSON and arrays: there and back, by types, and what is said of what does not fit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, ClassVar, Protocol

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from penstock import codec, registry
from penstock.codec import SHARED, decode, encode, key, kinds_in, missing_kind, plain, stored_as, take
from penstock.errors import BundleError, InputError, PenstockError
from penstock.registry import Room, register


class Colour(Enum):
    RED = 1
    BLUE = "b"


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Leaf:
    number: int = 0
    share: float = 0.5
    text: str = ""
    flag: bool = False
    size: Size = Size.SMALL
    maybe: float | None = None


@dataclass(frozen=True)
class Shape:
    """Base of what is registered here."""

    room: ClassVar[Room] = Room.COMPARISON


@dataclass(frozen=True)
class Circle(Shape):
    radius: float
    centre: NDArray[np.float64]


@dataclass(frozen=True)
class Group(Shape):
    members: tuple[Shape, ...]


@dataclass(frozen=True)
class Unknown(Shape):
    """Registered nowhere."""


@pytest.fixture(autouse=True)
def only_these_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that holds the shapes of this module and nothing else."""
    fresh = registry._Registry()
    fresh.imported = {package for packages in registry._BUILT_IN.values() for package in packages}
    fresh.plugins = ()
    monkeypatch.setattr(registry, "_registry", fresh)
    register("comparison", "circle")(Circle)
    register("comparison", "group")(Group)


def same(a: Any, b: Any) -> bool:
    """Equal in value and type, arrays in their element type too."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return bool(a == b)


def stored(value: Any) -> tuple[Any, dict[str, NDArray[Any]]]:
    """As it comes back from a file."""
    settings, found = encode(value)
    return json.loads(json.dumps(settings, allow_nan=False)), found


def again(value: Any) -> Any:
    return decode(type(value), *stored(value))


@dataclass(frozen=True)
class Cells:
    numbers: NDArray[np.float64]
    counts: NDArray[np.int64]
    flags: NDArray[np.bool_]
    names: NDArray[np.str_]
    anything: NDArray[Any]
    maybe: NDArray[np.float64] | None = None


CELLS = Cells(
    np.array([[0.1, -2.5], [np.inf, 1e300]]),
    np.array([1, 2**60]),
    np.array([True, False]),
    np.array(["a", "längst"]),
    np.array([1, 2], dtype=np.int8),
)


@dataclass(frozen=True)
class Everything:
    leaf: Leaf
    cells: Cells
    leaves: tuple[Leaf, ...]
    pair: tuple[int, str]
    row: list[float]
    tags: frozenset[str]
    by_name: Mapping[str, Leaf]
    plain_dict: dict[str, int]
    several: tuple[NDArray[np.float64], ...]
    arrays_by_name: Mapping[str, NDArray[np.float64]]
    colour: Colour
    shape: Shape
    free: Any
    lam: float = field(metadata=key("lambda"), default=1.0)
    leaf_or_none: Leaf | None = None
    shape_or_none: Shape | None = None
    tuple_or_none: tuple[int, ...] | None = None
    made: list[int] = field(default_factory=list, init=False, compare=False)
    _kept: dict[str, int] = field(default_factory=dict, compare=False)


EVERYTHING = Everything(
    leaf=Leaf(3, 0.1, "ü", True, Size.LARGE, 2.0),
    cells=dataclasses.replace(CELLS, maybe=np.zeros(0)),
    leaves=(Leaf(1), Leaf(2)),
    pair=(1, "one"),
    row=[0.5, 1.5],
    tags=frozenset({"x", "y"}),
    by_name={"first": Leaf(1), "": Leaf(2)},
    plain_dict={"a": 1},
    several=(np.zeros(2), np.ones((1, 3))),
    arrays_by_name={"a": np.arange(3.0)},
    colour=Colour.BLUE,
    shape=Group((Circle(1.0, np.zeros(2)), Group(()), Circle(2.0, np.ones(2)))),
    free={"any": [1, None, {"json": True}]},
    lam=0.25,
)
NOTHING_IN_IT = dataclasses.replace(
    EVERYTHING,
    cells=CELLS,
    leaves=(),
    row=[],
    tags=frozenset(),
    by_name={},
    plain_dict={},
    several=(),
    arrays_by_name={},
    shape=Group(()),
    free=None,
    leaf_or_none=Leaf(),
    shape_or_none=Circle(0.0, np.zeros(0)),
    tuple_or_none=(),
)


@pytest.mark.parametrize("value", [EVERYTHING, NOTHING_IN_IT], ids=["full", "bare"])
def test_every_type_comes_back_as_it_was(value: Everything) -> None:
    assert same(again(value), value)


def test_names_kinds_and_paths_of_what_is_stored() -> None:
    settings, found = stored(EVERYTHING)
    assert "lam" not in settings
    assert settings["lambda"] == 0.25
    assert not {"made", "_kept"} & set(settings), "neither what is made afresh nor what is private"
    assert [item["kind"] for item in settings["shape"]["members"]] == ["circle", "group", "circle"]
    assert {"cells/maybe", "several/1", "arrays_by_name/a", "shape/members/2/centre"} < set(found)
    assert settings["tags"] == ["x", "y"]


def test_a_narrower_type_on_disk_is_read_back_into_its_own() -> None:
    @dataclass(frozen=True)
    class Narrow:
        kept: NDArray[np.float64] = field(metadata=stored_as("float16"))

    value = Narrow(np.array([0.1, 1.0]))
    settings, found = encode(value)
    assert found["kept"].dtype == np.float16
    read = decode(Narrow, settings, found)
    assert read.kept.dtype == np.float64
    np.testing.assert_allclose(read.kept, value.kept, rtol=1e-3)
    assert value.kept.dtype == np.float64


def test_numbers_of_numpy_are_plain_and_whole_numbers_do_for_floats() -> None:
    assert plain(Leaf(np.int64(3), np.float32(0.5), flag=np.True_)) == plain(Leaf(3, 0.5, flag=True))  # type: ignore[arg-type]
    assert same(decode(Leaf, {"share": 2}, {}), Leaf(share=2.0))


def test_what_is_not_stated_takes_its_default_and_none_needs_no_statement() -> None:
    @dataclass(frozen=True)
    class Needs:
        number: int
        maybe: float | None

    assert decode(Leaf, {}, {}) == Leaf()
    assert decode(Needs, {"number": 1}, {}) == Needs(1, None)


@dataclass(frozen=True)
class Node:
    value: int
    share: float
    text: str
    size: Size
    cells: NDArray[np.float64]
    maybe: NDArray[np.int64] | None
    shape: Shape | None
    left: Node | None
    children: tuple[Node, ...]
    by_name: Mapping[str, Node]


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=4)
ROWS = arrays(np.float64, array_shapes(max_dims=3, max_side=3), elements=st.floats(allow_nan=False))
SHAPES = st.recursive(
    st.builds(Circle, FLOATS, ROWS),
    lambda inner: st.builds(Group, st.lists(inner, max_size=2).map(tuple)),
    max_leaves=3,
)


def nodes(inner: st.SearchStrategy[Node] | None = None) -> st.SearchStrategy[Node]:
    children = st.just(()) if inner is None else st.lists(inner, max_size=2).map(tuple)
    return st.builds(
        Node,
        st.integers(),
        FLOATS,
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(Size),
        ROWS,
        st.none() | arrays(np.int64, array_shapes(max_dims=2, max_side=2)),
        st.none() | SHAPES,
        st.none() if inner is None else st.none() | inner,
        children,
        st.just({}) if inner is None else st.dictionaries(NAMES, inner, max_size=2),
    )


@given(st.recursive(nodes(), nodes, max_leaves=5))
def test_any_nesting_comes_back(node: Node) -> None:
    assert same(again(node), node)


@given(st.recursive(nodes(), nodes, max_leaves=3))
def test_a_part_that_is_lost_is_an_error_and_no_other_value(node: Node) -> None:
    settings, found = stored(node)
    for name in found:
        less = {k: v for k, v in found.items() if k != name}
        if name.endswith("maybe"):
            assert not same(decode(Node, settings, less), node)
            continue
        with pytest.raises(BundleError) as caught:
            decode(Node, settings, less)
        assert caught.value.field == name
    for name in settings.keys() - {"maybe", "shape", "left"}:
        with pytest.raises(BundleError):
            decode(Node, {k: v for k, v in settings.items() if k != name}, {})


class Unplain:
    """No dataclass."""


@pytest.mark.parametrize("value", [Unplain(), b"bytes", 1j, len, Leaf, (Unplain(),), {"a": Unplain()}])
def test_what_has_no_stored_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no stored form"):
        encode(value)


def test_a_kind_that_is_not_registered_cannot_be_stored() -> None:
    with pytest.raises(PenstockError, match="Unknown is not registered"):
        encode(Group((Unknown(),)))


def test_plain_is_for_what_holds_no_arrays() -> None:
    assert plain(Group(())) == {"kind": "group", "members": []}
    with pytest.raises(TypeError, match="Circle holds arrays: centre"):
        plain(Circle(1.0, np.zeros(2)))


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"leaf": {"number": "3"}}, "leaf/number", "holds str where int is meant"),
        ({"leaf": {"number": True}}, "leaf/number", "holds bool where int is meant"),
        ({"leaf": {"number": 1.0}}, "leaf/number", "holds float where int is meant"),
        ({"leaf": {"share": True}}, "leaf/share", "holds bool where float is meant"),
        ({"leaf": {"share": None}}, "leaf/share", "holds NoneType where float is meant"),
        ({"leaf": {"flag": 1}}, "leaf/flag", "holds int where bool is meant"),
        ({"leaf": {"maybe": "x"}}, "leaf/maybe", "holds str where float is meant"),
        ({"leaf": {"size": "middling"}}, "leaf/size", "holds 'middling', which is no Size"),
        ({"leaf": {"size": []}}, "leaf/size", r"holds \[\], which is no Size"),
        ({"leaf": {"colour": "red"}}, "leaf/colour", "a part that is not known here"),
        ({"leaf": []}, "leaf", "holds list where dict is meant"),
        ({"leaf": None}, "leaf", "holds NoneType where dict is meant"),
        ({"leaves": {}}, "leaves", "holds dict where list is meant"),
        ({"leaves": [{}, 3]}, "leaves/1", "holds int where dict is meant"),
        ({"pair": [1]}, "pair", "holds 1 items where 2 are meant"),
        ({"pair": [1, 2]}, "pair/1", "holds int where str is meant"),
        ({"row": [1.0, "x"]}, "row", "holds str where float is meant"),
        ({"tags": "xy"}, "tags", "holds str where list is meant"),
        ({"by_name": {"first": {"number": None}}}, "by_name/first/number", "holds NoneType"),
        ({"by_name": [1]}, "by_name", "holds list where dict is meant"),
        ({"colour": 2}, "colour", "holds 2, which is no Colour"),
        ({"shape": {}}, "shape", "names no kind of comparison"),
        ({"shape": {"kind": 3}}, "shape", "names no kind of comparison"),
        ({"shape": {"kind": "group", "members": [{"kind": "circle"}]}}, "shape/members/0/radius", "lacks"),
        ({"lam": 1.0}, "lam", "a part that is not known here"),
        ({"_kept": {}}, "_kept", "a part that is not known here"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(change: dict[str, Any], path: str, says: str) -> None:
    settings, found = stored(EVERYTHING)
    with pytest.raises(BundleError, match=says) as caught:
        decode(Everything, settings | change, found)
    assert caught.value.field == path


def test_arrays_that_do_not_fit_are_named_by_their_path() -> None:
    settings, found = stored(EVERYTHING)
    with pytest.raises(BundleError, match="lacks a part") as caught:
        decode(Everything, settings, {k: v for k, v in found.items() if k != "cells/counts"})
    assert caught.value.field == "cells/counts"
    with pytest.raises(BundleError, match="holds an array of <U1 where numbers are meant") as caught:
        decode(Everything, settings, found | {"cells/numbers": np.array(["a"])})
    assert caught.value.field == "cells/numbers"
    with pytest.raises(BundleError, match="lacks an array") as caught:
        decode(Cells, {"numbers": [0.5]}, {})
    assert caught.value.field == "numbers"


@dataclass(frozen=True)
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise InputError("is odd", field="number" if self.number > 0 else None, hint="Add 1")


@dataclass(frozen=True)
class Pair:
    one: Even
    other: Even


def test_what_a_class_refuses_is_named_by_its_path_with_what_it_advises() -> None:
    with pytest.raises(BundleError, match=r"^field other/number: is odd\. Add 1$"):
        decode(Pair, {"one": {"number": 2}, "other": {"number": 1}}, {})
    with pytest.raises(BundleError, match=r"^field number: is odd\. Add 1$"):
        decode(Even, {"number": 1}, {})


def test_a_path_is_said_where_there_is_one_and_ends_in_a_name() -> None:
    with pytest.raises(BundleError, match=r"^field other: is odd\. Add 1$"):
        decode(Pair, {"one": {"number": 2}, "other": {"number": -1}}, {})
    with pytest.raises(BundleError, match=r"^is odd\. Add 1$"):
        decode(Even, {"number": -1}, {})
    with pytest.raises(BundleError, match=r"^holds list where dict is meant$"):
        decode(Even, [], {})


@dataclass(frozen=True)
class Short:
    text: str


@dataclass(frozen=True)
class Long:
    text: str
    more: str
    cells: NDArray[np.float64]


@dataclass(frozen=True)
class Other:
    cells: NDArray[np.float64]


@dataclass(frozen=True)
class Either:
    part: Short | Other | Long | None


@pytest.mark.parametrize("part", [Short("a"), Long("a", "b", np.zeros(2)), Other(np.ones(1)), None])
def test_of_several_types_the_one_is_read_that_has_the_parts(part: Any) -> None:
    assert same(again(Either(part)), Either(part))


def test_a_part_that_none_of_several_types_has_is_named() -> None:
    with pytest.raises(BundleError, match="not known here") as caught:
        decode(Either, {"part": {"text": "a", "magic": 1}}, {})
    assert caught.value.field == "part/magic"


class Machine(Protocol):
    """A machine that runs.

    It is never stored whole.
    """

    def run(self) -> int: ...


@dataclass
class Engine:
    """One such."""

    power: int
    secret: str = "hidden"

    def run(self) -> int:
        return self.power


@dataclass(frozen=True)
class Workshop:
    machine: Machine
    name: str


@pytest.fixture
def machines_are_external(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_EXTERNAL", dict(codec._EXTERNAL))
    codec.external(Machine, lambda machine: ({"power": machine.power}, {"plan": np.arange(2.0)}))


@pytest.mark.usefixtures("machines_are_external")
def test_an_external_thing_is_opened_by_whoever_reads() -> None:
    settings, found = stored(Workshop(Engine(3), "w"))
    assert settings == {"machine": {"power": 3}, "name": "w"}
    assert list(found) == ["machine/plan"]
    asked = []

    def opened(plain: Any, arrays: Mapping[str, NDArray[Any]]) -> Engine:
        asked.append((plain, {name: array.tolist() for name, array in arrays.items()}))
        return Engine(plain["power"])

    assert decode(Workshop, settings, found, {Machine: opened}) == Workshop(Engine(3), "w")
    assert asked == [({"power": 3}, {"plan": [0.0, 1.0]})], "its own settings and arrays and no others"


@pytest.mark.usefixtures("machines_are_external")
def test_an_external_thing_is_not_looked_into_for_kinds() -> None:
    hidden = dataclasses.make_dataclass("Hidden", [("session", "OnlyForTheTypeChecker")])
    assert kinds_in(Workshop(hidden(None), "w")) == ()


@pytest.mark.usefixtures("machines_are_external")
def test_without_an_opener_an_external_thing_says_what_is_needed() -> None:
    settings, found = stored(Workshop(Engine(3), "w"))
    with pytest.raises(BundleError, match="needs a machine that runs, and none can be opened here") as caught:
        decode(Workshop, settings, found)
    assert caught.value.field == "machine"
    with pytest.raises(BundleError, match="holds int where dict is meant"):
        decode(Workshop, settings | {"machine": 3}, found, {Machine: lambda plain, arrays: Engine(1)})


def test_what_is_no_external_thing_has_no_stored_form_as_one() -> None:
    with pytest.raises(TypeError, match="has no stored form"):
        encode(Either(Unplain()))  # type: ignore[arg-type]


def test_kinds_are_found_wherever_they_stand_each_once() -> None:
    found = kinds_in(EVERYTHING)
    assert [(item.room, item.name) for item in found] == [
        (Room.COMPARISON, "group"),
        (Room.COMPARISON, "circle"),
    ]
    assert kinds_in({"a": [Circle(1.0, np.zeros(1))]})[0].target is Circle
    assert kinds_in(Leaf()) == ()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            missing_kind(Room.FITTED_ESTIMATOR, "boosting"),
            r"holds the fitted estimator 'boosting', which penstock no longer has\. The last .* it is 0\.1",
        ),
        (missing_kind(Room.POLICY, "boosting"), r"policy 'boosting', which this version .* does not know\."),
        (
            missing_kind(Room.POLICY, "coin", "penstock 9.0"),
            r"does not know \(it was written by penstock 9\.0\)\. Upgrade",
        ),
        (
            missing_kind(Room.POLICY, "coin", "penstock-coin 1.2"),
            r"needs the policy 'coin' of penstock-coin 1\.2\. Install it: pip install penstock-coin$",
        ),
    ],
)
def test_a_kind_that_is_not_here_says_what_to_do(error: BundleError, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        raise error


def test_a_kind_is_looked_up_in_its_own_room() -> None:
    register("policy", "square")(Unplain)
    with pytest.raises(BundleError, match="holds the comparison 'square'"):
        decode(Shape, {"kind": "square"}, {})


@dataclass(frozen=True, slots=True)
class Rows:
    values: NDArray[np.float64]
    flags: NDArray[np.bool_]
    constant: NDArray[np.float64] = field(metadata=SHARED)
    maybe: NDArray[np.float64] | None = None
    inner: Rows | None = None
    own: Counted | None = None
    name: str = "rows"
    law: Leaf = field(default=Leaf(), metadata=SHARED)


class Counted:
    """Says itself what its rows are."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    def __take__(self, index: Any) -> Counted:
        return Counted(np.array(self.rows)[index].tolist())


INDEXES = [np.array([2, 0, 2]), np.array([True, False, True]), slice(1, None), np.zeros(0, dtype=np.int64)]


@pytest.mark.parametrize("index", INDEXES, ids=["numbers", "flags", "slice", "none"])
def test_some_rows_are_taken_of_everything_but_what_is_shared(index: Any) -> None:
    values, flags, constant = np.arange(6.0).reshape(3, 2), np.array([True, False, True]), np.arange(5.0)
    inner = Rows(values + 10, flags, constant, maybe=values)
    whole = Rows(values, flags, constant, inner=inner, own=Counted([7, 8, 9]))
    part = take(whole, index)
    np.testing.assert_array_equal(part.values, values[index])
    np.testing.assert_array_equal(part.flags, flags[index])
    assert part.constant is constant
    assert part.law is whole.law
    assert (part.maybe, part.name) == (None, "rows")
    assert part.inner is not None
    np.testing.assert_array_equal(part.inner.values, values[index] + 10)
    np.testing.assert_array_equal(part.inner.maybe, values[index])
    assert part.inner.constant is constant
    assert part.own is not None
    assert part.own.rows == np.array([7, 8, 9])[index].tolist()
    np.testing.assert_array_equal(whole.values, np.arange(6.0).reshape(3, 2))


def test_a_class_that_says_what_its_rows_are_is_asked() -> None:
    assert take(Counted([1, 2, 3]), [0, 2]).rows == [1, 3]


@given(arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 3))), st.data())
def test_taking_twice_is_taking_once(values: NDArray[np.float64], data: st.DataObject) -> None:
    n = len(values)
    first = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=8)))
    second = np.array(data.draw(st.lists(st.integers(0, len(first) - 1), max_size=8)), dtype=np.int64)
    rows = Rows(values, np.ones(n, dtype=bool), np.zeros(2))
    np.testing.assert_array_equal(take(take(rows, first), second).values, take(rows, first[second]).values)
