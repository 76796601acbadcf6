"""What is registered: by decorator, by what is built in, and by other packages' entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock import registry
from penstock.errors import InputError, PenstockError
from penstock.registry import (
    Registered,
    Room,
    entry_of,
    find,
    holds,
    names,
    register,
    registered,
)


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> registry._Registry:
    """A registry into which nothing built in and no plug-in comes."""
    fresh = registry._Registry()
    fresh.imported = {package for packages in registry._BUILT_IN.values() for package in packages}
    fresh.plugins = ()
    monkeypatch.setattr(registry, "_registry", fresh)
    return fresh


@pytest.mark.usefixtures("empty")
def test_the_decorator_puts_a_thing_into_its_room_and_returns_it() -> None:
    @register("policy", "coin")
    class Coin:
        """Tosses ``heads`` or tails: at random. And more."""

    @register(Room.SCORER, "coin")
    def coin() -> None: ...

    assert (find("policy", "coin"), find(Room.SCORER, "coin")) == (Coin, coin)
    assert names("policy") == names("scorer") == ("coin",)
    assert holds("policy", "coin")
    assert not holds("provider", "coin")
    entry = entry_of(Coin)
    assert entry == registered("policy")["coin"] == Registered(Room.POLICY, "coin", Coin, entry.distribution)
    assert entry.summary == "Tosses heads or tails"
    assert entry_of(coin).summary == ""


@pytest.mark.usefixtures("empty")
def test_a_room_there_is_not() -> None:
    with pytest.raises(InputError, match="there is no room 'attic' to register in; there are policy, "):
        register("attic", "coin")
    for ask in (names, registered):
        with pytest.raises(ValueError, match="attic"):
            ask("attic")


@pytest.mark.usefixtures("empty")
def test_a_name_that_is_taken() -> None:
    class Coin: ...

    class Dime: ...

    register("policy", "coin")(Coin)
    with pytest.raises(InputError, match=r"policy called 'coin' is registered already, by .*Rename the one"):
        register("policy", "coin")(Dime)
    assert find("policy", "coin") is Coin
    with pytest.raises(PenstockError, match="is not registered"):
        entry_of(Dime)
    register("store", "coin")(Dime)
    assert find("store", "coin") is Dime


@pytest.mark.usefixtures("empty")
def test_the_same_thing_may_come_again() -> None:
    """As it does where a module is imported twice, or a notebook's cell is run again."""

    def made() -> type:
        class Coin: ...

        return Coin

    first, second = made(), made()
    assert register("policy", "coin")(first) is first
    register("policy", "coin")(first)
    register("policy", "coin")(second)
    assert find("policy", "coin") is second
    assert entry_of(first).name == entry_of(second).name == "coin"


@pytest.mark.usefixtures("empty")
def test_one_thing_under_two_names() -> None:
    class Coin: ...

    register("policy", "coin")(Coin)
    register("policy", "toss")(Coin)
    assert find("policy", "coin") is find("policy", "toss") is Coin


@pytest.mark.usefixtures("empty")
def test_an_unknown_name_names_the_nearest_and_the_field_it_was_read_from() -> None:
    register("post_hoc", "agreement")(object())
    register("post_hoc", "logistic")(object())
    says = (
        r"^field --post-hoc: no post-hoc estimator is called 'agrement'; there are agreement, logistic\. "
        r"Did you mean 'agreement'\?$"
    )
    with pytest.raises(InputError, match=says):
        find("post_hoc", "agrement", field="--post-hoc")
    with pytest.raises(InputError, match=r"^no post-hoc estimator is called 'x'; .*logistic$"):
        find("post_hoc", "x")


@pytest.mark.usefixtures("empty")
def test_what_is_not_registered_has_no_entry() -> None:
    class Coin: ...

    with pytest.raises(PenstockError, match=r"Coin is not registered: it has no kind to be stored under"):
        entry_of(Coin)
    with pytest.raises(PenstockError, match="is not registered"):
        entry_of(object())


@pytest.mark.usefixtures("empty")
def test_where_a_thing_comes_from() -> None:
    """The distribution of its module, or else the module's package."""
    assert entry_of(register("policy", "test")(pytest.Item)).distribution == "pytest"
    assert entry_of(register("policy", "test")(pytest.Item)).version == pytest.__version__
    assert entry_of(register("scorer", "own")(Registered)).distribution == "penstock"

    class Nowhere: ...

    Nowhere.__module__ = "nobody.installed.this"
    entry = entry_of(register("policy", "nowhere")(Nowhere))
    assert (entry.distribution, entry.version) == ("nobody", "")


@pytest.mark.usefixtures("empty")
def test_what_is_built_in_comes_first() -> None:
    class Built: ...

    class Added: ...

    Built.__module__, Added.__module__ = "penstock.policies.built", "another.package"
    register("policy", "a")(Added)
    register("policy", "z")(Built)
    register("policy", "b")(type("Twin", (Added,), {"__module__": "another.package"}))
    assert names("policy") == ("z", "a", "b")


BUILT_IN = {
    Room.POLICY: {"fixed", "routing", "cascade", "index", "mixture", "lookahead"},
    Room.ESTIMATOR: {"mean", "knn", "ridge", "stack"},
    Room.FITTED_ESTIMATOR: {"means", "linear", "ensemble", "encoder", "calibrated"},
    Room.POST_HOC: {"logistic", "agreement"},
    Room.FITTED_POST_HOC: {"logistic", "agreement"},
    Room.COMPARISON: {"text", "meaning"},
    Room.PROVIDER: {"openai_compatible", "embedded", "recorded", "scripted"},
    Room.STORE: {"sql", "memory"},
    Room.SCORER: {"exact", "choice", "numeric", "json", "regex", "lab"},
}


@pytest.mark.parametrize("room", Room)
def test_what_is_built_in_is_there_and_says_what_it_is(room: Room) -> None:
    own = {name: item for name, item in registered(room).items() if item.distribution == "penstock"}
    assert set(own) >= BUILT_IN[room]
    for name, item in own.items():
        assert (item.room, item.name) == (room, name)
        assert item.summary, f"{name} has no documentation"


SOURCE = Path(registry.__file__).parents[1]


def in_a_fresh_interpreter(code: str, *folders: Path) -> tuple[Any, str]:
    """What the code prints as JSON, and what is said beside it."""
    path = os.pathsep.join(map(str, (*folders, SOURCE)))
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\nfrom penstock import registry\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
    )
    return json.loads(done.stdout), done.stderr


def test_no_extra_is_needed_to_know_what_there_is() -> None:
    extras = ("sklearn", "scipy", "polars", "numba", "optuna", "joblib", "onnxruntime", "tokenizers", "torch")
    found, _ = in_a_fresh_interpreter(
        f"sys.modules.update(dict.fromkeys({extras!r}))\n"
        "print(json.dumps({room: registry.names(room) for room in registry.Room}))"
    )
    assert {room: set(kinds) >= BUILT_IN[Room(room)] for room, kinds in found.items()} == dict.fromkeys(
        Room, True
    )


def test_a_room_is_filled_when_it_is_asked_for_and_not_before() -> None:
    found, _ = in_a_fresh_interpreter(
        "before = 'penstock.policies.fixed' in sys.modules\n"
        "registry.names('policy')\n"
        "print(json.dumps([before, 'penstock.policies.fixed' in sys.modules]))"
    )
    assert found == [False, True]


def test_a_room_that_cannot_be_filled_is_not_given_out_half_full(
    empty: registry._Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._BUILT_IN, Room.SCORER, ("penstock.nowhere",))
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="nowhere"):
            empty.open(Room.SCORER)


def test_threads_that_ask_at_once_see_all_of_a_room() -> None:
    found, _ = in_a_fresh_interpreter(
        "from threading import Thread\n"
        "seen = []\n"
        "threads = [Thread(target=lambda: seen.append(registry.names('policy'))) for _ in range(8)]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]\n"
        "print(json.dumps(seen))"
    )
    assert len(found) == 8
    assert all(kinds == found[0] for kinds in found)


def installed(folder: Path, name: str, version: str, entries: dict[str, str], **modules: str) -> None:
    """As an installer leaves a distribution: its modules, and a folder that says what it is."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{entry} = {value}" for entry, value in entries.items()]
    (about / "entry_points.txt").write_text("\n".join(["[penstock.plugins]", *lines, ""]))
    (about / "top_level.txt").write_text("\n".join(modules))
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)


COIN = '''
from dataclasses import dataclass
from penstock.policies.base import Policy
from penstock.policies.fixed import Fixed
from penstock.registry import names, register

loaded = installed = 0
loaded += 1

@register("policy", "coin")
@dataclass(frozen=True)
class Coin(Policy):
    """Tosses a coin."""
    sides: int = 2
    def step(self, state): ...

def install():
    global installed
    installed += 1
    names("scorer")  # it may ask for rooms itself
    register("scorer", "toss")(lambda reference, answer: 0.5)
'''


TAKEN = """
import penstock.policies.fixed
from penstock.registry import register
register("policy", "fixed")(object())
"""


@pytest.fixture
def plugged(tmp_path: Path) -> Path:
    """A folder in which one distribution works and another does not."""
    entries = {"coin": "coin_plugin", "toss": "coin_plugin:install"}
    installed(tmp_path, "penstock-coin", "1.2", entries, coin_plugin=COIN)
    broken = {"bad": "broken_plugin", "gone": "no_such_module", "taken": "taken_plugin", "none": "broken:f"}
    installed(
        tmp_path,
        "a-broken-one",
        "0.1",
        broken,
        broken_plugin="raise ValueError('out of order')",
        taken_plugin=TAKEN,
    )
    return tmp_path


def test_other_packages_come_in_by_their_entry_points(plugged: Path) -> None:
    found, said = in_a_fresh_interpreter(
        "from penstock.policies.base import policy_from\n"
        "coin = registry.registered('policy')['coin']\n"
        "policy = policy_from({'kind': 'coin', 'sides': 3})\n"
        "print(json.dumps([coin.distribution, coin.version, coin.summary, policy.sides, dict(policy.spec()),"
        " registry.names('policy')[-1], registry.entry_of(registry.find('scorer', 'toss')).distribution]))",
        plugged,
    )
    assert found == [
        "penstock-coin",
        "1.2",
        "Tosses a coin",
        3,
        {"kind": "coin", "sides": 3},
        "coin",
        "penstock-coin",
    ]
    assert "the plug-in bad of a-broken-one cannot be loaded: out of order" in said


def test_one_that_cannot_be_loaded_takes_no_other_with_it_and_says_why(plugged: Path) -> None:
    found, _ = in_a_fresh_interpreter(
        "print(json.dumps([[p.name, p.distribution, p.error] for p in registry.plugins()]))", plugged
    )
    told = {name: (distribution, error) for name, distribution, error in found}
    assert told["coin"] == told["toss"] == ("penstock-coin", None)
    assert told["bad"] == ("a-broken-one", "ValueError: out of order")
    assert told["gone"] == ("a-broken-one", "ModuleNotFoundError: No module named 'no_such_module'")
    assert told["none"][0] == "a-broken-one"
    assert told["none"][1]
    assert "a policy called 'fixed' is registered already" in told["taken"][1]


def test_entry_points_are_loaded_once(plugged: Path) -> None:
    found, _ = in_a_fresh_interpreter(
        "for room in registry.Room: registry.names(room)\n"
        "same = registry.plugins() is registry.plugins()\n"
        "import coin_plugin\n"
        "print(json.dumps([same, coin_plugin.loaded, coin_plugin.installed]))",
        plugged,
    )
    assert found == [True, 1, 1]


@pytest.mark.parametrize("first", ["scorer", "policy"])
def test_what_is_built_in_stays_so_where_a_plug_in_imports_it_first(first: str, plugged: Path) -> None:
    found, _ = in_a_fresh_interpreter(
        f"registry.names({first!r})\n"
        "own = {n: r.distribution for n, r in registry.registered('policy').items()}\n"
        "print(json.dumps(own))",
        plugged,
    )
    assert found.pop("coin") == "penstock-coin"
    assert found.pop("fixed") == "penstock"
    assert set(found.values()) == {"penstock"}
