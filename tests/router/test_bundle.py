"""Routers on disk: the same decisions after as before, and one clear error for everything that is none."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock.belief import Answered, observe
from penstock.errors import BundleError
from penstock.fitting.fit import fit_matrix
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.registry import registered
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.router import FittedRouter
from penstock.router.targets import Target
from penstock.state import State
from penstock.testing.tables import tiny_matrix
from penstock.types import Answer, Query, Status

ESTIMATORS = ("mean", "task_mean", "knn", "kmeans", "ridge", "logistic")
TOGETHER = "routing/ensemble"
BUDGET = 0.000_512_345_678_901_234


@pytest.fixture(scope="module")
def routers() -> dict[str, FittedRouter]:
    target = Target.parse(f"budget={BUDGET!r}")
    found = {}
    for name in ESTIMATORS:
        settings = FitSettings((name,), ("routing", "cascade", "index"), features="prompt+task", directions=8)
        fit = fit_matrix(tiny_matrix(120, seed=2), settings)
        for option in fit.options:
            found[option] = router_of(replace(fit, chosen=option), target, seed=3, provenance={})
    several = FitSettings((*ESTIMATORS, "ensemble"), ("routing",), features="prompt+task", directions=8)
    fit = fit_matrix(tiny_matrix(120, seed=2), several)
    found[TOGETHER] = router_of(replace(fit, chosen=TOGETHER), target, seed=3, provenance={})
    return found


@pytest.fixture
def saved(routers: dict[str, FittedRouter], tmp_path: Path) -> Path:
    path = tmp_path / "router.penstock"
    save_bundle(routers["cascade/ridge"], path)
    return path


def told(router: FittedRouter, query: Query, column: int, answer: Answer) -> State:
    """What is believed once an answer has come."""
    belief = router.believe([query])
    return observe(belief, belief.begin(), Answered.live(column, answer))


def test_every_estimator_with_every_policy_decides_the_same(
    routers: dict[str, FittedRouter], tmp_path: Path
) -> None:
    queries = tiny_matrix(60, seed=9).queries
    path = tmp_path / "router.penstock"
    assert {f"{p}/{e}" for p in ("routing", "cascade") for e in ESTIMATORS} | {TOGETHER} < set(routers)
    for router in routers.values():
        save_bundle(router, path)
        again = load_bundle(path)
        assert (again.candidates, again.target, again.seed) == (router.candidates, router.target, router.seed)
        assert (again.frontier, again.fixed_mixture) == (router.frontier, router.fixed_mixture)
        before, after = router.begin(queries), again.begin(queries)
        for a, b in ((before.quality, after.quality), (before.cost, after.cost), (before.draw, after.draw)):
            np.testing.assert_array_equal(a, b)
        for text in (None, "savings=0.3", "quality=0.9"):
            target = None if text is None else Target.parse(text)
            first, second = (r.policy_for(target).step(r.begin(queries)) for r in (router, again))
            np.testing.assert_array_equal(first.call, second.call)
        answer = Answer("small", text="x", logprobs=(-0.1, -0.7), extracted="4")
        one, two = (told(r, queries[0], 0, answer) for r in (router, again))
        np.testing.assert_array_equal(one.quality, two.quality)
        assert one.executed.tolist() == [[True, False, False]]


def test_a_stored_budget_keeps_every_digit(saved: Path) -> None:
    assert load_bundle(saved).target.value == BUDGET


def test_an_answer_that_failed_is_worth_nothing(routers: dict[str, FittedRouter]) -> None:
    router, query = routers["cascade/ridge"], tiny_matrix(1).queries[0]
    for status in (Status.FAILED, Status.REFUSED):
        assert told(router, query, 1, Answer("middle", status=status)).quality[0, 1] == 0.0


def test_candidates_may_be_excluded(routers: dict[str, FittedRouter]) -> None:
    router, queries = routers["routing/ridge"], tiny_matrix(20, seed=4).queries
    allowed = np.tile([False, True, False], (20, 1))
    assert (router.policy_for(None).step(router.begin(queries, eligible=allowed)).call == 1).all()


def test_writing_replaces_whole_files_only(
    saved: Path, routers: dict[str, FittedRouter], tmp_path: Path
) -> None:
    before = saved.read_bytes()
    with pytest.raises(BundleError, match="cannot be written"):
        save_bundle(routers["mix/mean"], tmp_path / "nowhere" / "router.penstock")
    assert saved.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [saved.name]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such file"):
        load_bundle(tmp_path / "x")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80\x04K\x01."])
def test_what_is_no_zip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "router.penstock"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="no penstock bundle"):
        load_bundle(path)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no penstock bundle"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(saved: Path, share: float) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(saved)


def test_flipped_bytes_are_noticed_or_harmless(saved: Path, routers: dict[str, FittedRouter]) -> None:
    """Anywhere in the file, headers included; only what zip readers ignore may change."""
    data = saved.read_bytes()
    rng = np.random.default_rng(0)
    ends = [*range(200), *range(len(data) - 400, len(data))]
    noticed = 0
    for position in [*ends, *rng.integers(0, len(data), 150).tolist()]:
        for mask in (0x01, 0xFF):
            flipped = bytearray(data)
            flipped[position] ^= mask
            saved.write_bytes(flipped)
            try:
                again = load_bundle(saved)
            except BundleError:
                noticed += 1
            else:
                assert again.frontier == routers["cascade/ridge"].frontier
    assert noticed > 600


def rewritten(path: Path, *, manifest: dict[str, Any] | None = None, **members: bytes) -> None:
    """The bundle with some members replaced and honest checksums: what somebody else could have written."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts.update({name.replace("_", "."): data for name, data in members.items()})
    stated = json.loads(parts["manifest.json"])
    stated["sha256"] = {n: sha256(parts[n]).hexdigest() for n in ("router.json", "arrays.npz")}
    parts["manifest.json"] = json.dumps(stated | (manifest or {})).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_a_newer_version_says_so(saved: Path) -> None:
    rewritten(saved, manifest={"version": 99})
    with pytest.raises(BundleError, match=r"newer penstock \(bundle version 99, .*Upgrade"):
        load_bundle(saved)


@pytest.mark.parametrize("manifest", [{"format": "zip"}, {"version": "1"}, {"version": 0}, {"sha256": []}])
def test_a_strange_manifest(saved: Path, manifest: dict[str, Any]) -> None:
    rewritten(saved, manifest=manifest)
    with pytest.raises(BundleError):
        load_bundle(saved)


def test_a_changed_member_does_not_match_its_sum(saved: Path) -> None:
    rewritten(saved, manifest={"sha256": {"router.json": "0" * 64, "arrays.npz": "0" * 64}})
    with pytest.raises(BundleError, match=r"checksum of router.json"):
        load_bundle(saved)


class Trap:
    """Unpickling one would be noticed."""

    sprung: list[bool] = []  # noqa: RUF012 - shared on purpose

    def __reduce__(self) -> tuple[Any, ...]:
        return (Trap.sprung.append, (True,))


def test_pickled_arrays_are_refused_and_not_run(saved: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **{"fitted/means": np.array([Trap()], dtype=object)})
    rewritten(saved, arrays_npz=buffer.getvalue())
    with pytest.raises(BundleError, match="Object arrays"):
        load_bundle(saved)
    assert not Trap.sprung


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"3", b"{}", b'{"model": []}', b'{"model": {"encoder": 1}}', b"\xff"]
)
def test_settings_of_the_wrong_shape(saved: Path, content: bytes) -> None:
    rewritten(saved, router_json=content)
    with pytest.raises(BundleError):
        load_bundle(saved)


def settings_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        found: dict[str, Any] = json.loads(archive.read("router.json"))
    return found


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive, np.load(io.BytesIO(archive.read("arrays.npz"))) as stored:
        return {name: stored[name] for name in stored.files}


POINT = {"cost": 1.0, "quality": 1.0, "strong_share": 0.0}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": "x"}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"target": {"kind": "budget", "value": -1}}, "target/budget"),
        ({"target": {"kind": "magic", "value": 1.0}}, "target/kind"),
        ({"target": "budget=1"}, "target"),
        ({"candidates": None}, "candidates"),
        ({"candidates": ["a", 3]}, "candidates/1"),
        ({"frontier": [{"policy": ["fixed"], **POINT}]}, "frontier"),
        ({"frontier": {"points": [{"policy": ["fixed"], **POINT}]}}, "frontier/points/0/policy"),
        (
            {"frontier": {"points": [{"policy": {"kind": "index"}, **POINT}]}},
            "frontier/points/0/policy/lambda",
        ),
        ({"magic": 1}, "magic"),
    ],
)
def test_settings_with_one_wrong_value(saved: Path, change: dict[str, Any], field: str) -> None:
    rewritten(saved, router_json=json.dumps(settings_of(saved) | change).encode())
    with pytest.raises(BundleError, match=rf"router\.penstock, field {field}: "):
        load_bundle(saved)


@pytest.mark.parametrize("name", ["frontier", "fixed_mixture"])
def test_an_empty_frontier(saved: Path, name: str) -> None:
    settings = settings_of(saved)
    settings[name]["points"] = []
    rewritten(saved, router_json=json.dumps(settings).encode())
    with pytest.raises(BundleError, match=rf"router\.penstock, field {name}: is empty"):
        load_bundle(saved)


def with_arrays(path: Path, **changed: NDArray[Any]) -> None:
    """The bundle with other arrays (``__`` for ``/``) and honest checksums."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays_of(path) | {name.replace("__", "/"): value for name, value in changed.items()})
    rewritten(path, arrays_npz=buffer.getvalue())


@pytest.mark.parametrize("name", ["model/shrinkage/means", "model/cost/mean_cost"])
@pytest.mark.parametrize("shape", [(), (2,), (7,), (2, 2), (0,)])
def test_arrays_of_another_shape(saved: Path, name: str, shape: tuple[int, ...]) -> None:
    with_arrays(saved, **{name.replace("/", "__"): np.zeros(shape)})
    with pytest.raises(BundleError, match=r"router\.penstock"):
        load_bundle(saved)


def test_arrays_that_are_missing_or_hold_no_numbers(saved: Path) -> None:
    with_arrays(saved, model__shrinkage__means=np.array(["a", "b", "c"]))
    with pytest.raises(BundleError, match=r"field model/shrinkage/means: holds an array of <U1"):
        load_bundle(saved)
    buffer = io.BytesIO()
    np.savez(buffer, **{k: v for k, v in arrays_of(saved).items() if k != "model/shrinkage/means"})
    rewritten(saved, arrays_npz=buffer.getvalue())
    with pytest.raises(BundleError, match=r"field model/shrinkage/means: lacks a part"):
        load_bundle(saved)


def test_the_manifest_names_what_the_router_is_made_of(saved: Path, routers: dict[str, FittedRouter]) -> None:
    with zipfile.ZipFile(saved) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["format"], manifest["version"]) == ("penstock-router", 2)
    found = {(item["room"], item["kind"]): item["from"] for item in manifest["kinds"]}
    policies = [p.policy for p in routers["cascade/ridge"].frontier.points]
    assert set(found) == {
        ("fitted_estimator", "linear"),
        ("fitted_post_hoc", "logistic"),
        *(("policy", str(p.spec()["kind"])) for p in policies),
    }
    assert len(manifest["kinds"]) == len(found), "each is named once"
    for (room, kind), source in found.items():
        item = registered(room)[kind]
        assert source == f"penstock {item.version}"


def test_a_kind_that_is_not_installed_names_what_to_install(saved: Path) -> None:
    settings = settings_of(saved)
    settings["frontier"]["points"][0]["policy"] = {"kind": "coin", "sides": 2}
    kinds = [{"room": "policy", "kind": "coin", "from": "penstock-coin 1.2"}]
    rewritten(saved, manifest={"kinds": kinds}, router_json=json.dumps(settings).encode())
    says = r"router\.penstock: needs the policy 'coin' of penstock-coin 1\.2\. .*pip install penstock-coin$"
    with pytest.raises(BundleError, match=says):
        load_bundle(saved)


@pytest.mark.parametrize("source", ["penstock 9.9.0", ""])
def test_a_kind_of_a_later_version_says_so(saved: Path, source: str) -> None:
    rewritten(saved, manifest={"kinds": [{"room": "policy", "kind": "oracular", "from": source}]})
    with pytest.raises(BundleError, match=rf"does not know.*{source}.*Upgrade penstock"):
        load_bundle(saved)


def test_a_kind_that_is_gone_names_the_last_version_that_had_it(saved: Path) -> None:
    kinds = [{"room": "fitted_estimator", "kind": "boosting", "from": "penstock 0.1.0"}]
    rewritten(saved, manifest={"kinds": kinds})
    with pytest.raises(BundleError, match=r"'boosting', which penstock no longer has.*last version.*0\.1"):
        load_bundle(saved)


def test_a_kind_that_the_manifest_keeps_to_itself_is_noticed_too(saved: Path) -> None:
    settings = settings_of(saved)
    settings["model"]["fitted"] = {"kind": "boosting"}
    rewritten(saved, router_json=json.dumps(settings).encode())
    with pytest.raises(BundleError, match=r"router\.penstock: .*'boosting'.*no longer"):
        load_bundle(saved)
    settings["model"]["fitted"] = {"kind": "magic"}
    rewritten(saved, router_json=json.dumps(settings).encode())
    with pytest.raises(BundleError, match=r"router\.penstock: .*'magic'.*does not know"):
        load_bundle(saved)


@pytest.mark.parametrize(
    "kinds",
    [
        "policy",
        {"policy": "fixed"},
        ["policy"],
        [3],
        [{}],
        [{"room": "attic", "kind": "fixed", "from": "penstock 0.1.0"}],
        [{"room": None, "kind": ["x"]}],
    ],
)
def test_a_manifest_of_strange_kinds(saved: Path, kinds: object) -> None:
    rewritten(saved, manifest={"kinds": kinds})
    with pytest.raises(BundleError, match=r"router\.penstock"):
        load_bundle(saved)


def test_nothing_is_imported_because_a_bundle_names_it(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "penstock_trap.py").write_text("raise SystemExit('sprung')")
    monkeypatch.syspath_prepend(tmp_path)
    whole = settings_of(saved)
    for name in ("penstock_trap", "penstock_trap:Trap", "penstock_trap.Trap"):
        settings = json.loads(json.dumps(whole))
        settings["frontier"]["points"][0]["policy"] = {"kind": name}
        kinds = [{"room": "policy", "kind": name, "from": "penstock_trap 1.0"}]
        for manifest in ({"kinds": kinds}, {}):
            rewritten(saved, manifest=manifest, router_json=json.dumps(settings).encode())
            with pytest.raises(BundleError, match=r"router\.penstock: .*penstock_trap"):
                load_bundle(saved)
    assert "penstock_trap" not in sys.modules
