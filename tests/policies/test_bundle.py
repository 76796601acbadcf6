"""Routers on disk: the same decisions after as before, and one clear error for everything that is none."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.errors import BundleError, PenstockError
from penstock.fitting.fit import fit_grid
from penstock.fitting.result import router_of
from penstock.fitting.settings import FitSettings
from penstock.router.bundle import load_bundle, save_bundle
from penstock.router.router import Router
from penstock.router.targets import Target
from penstock.testing.tables import tiny_grid
from penstock.types import Answer, Status

ESTIMATORS = ("mean", "task_mean", "knn", "kmeans", "ridge", "logistic")
TOGETHER = "routing/ensemble"
BUDGET = 0.000_512_345_678_901_234


@pytest.fixture(scope="module")
def routers() -> dict[str, Router]:
    target = Target.parse(f"budget={BUDGET!r}")
    found = {}
    for name in ESTIMATORS:
        settings = FitSettings((name,), ("routing", "cascade", "index"), "prompt+task", directions=8)
        fit = fit_grid(tiny_grid(120, seed=2), settings)
        for option in fit.options:
            found[option] = router_of(replace(fit, chosen=option), target, seed=3, provenance={})
    several = FitSettings((*ESTIMATORS, "ensemble"), ("routing",), "prompt+task", directions=8)
    fit = fit_grid(tiny_grid(120, seed=2), several)
    found[TOGETHER] = router_of(replace(fit, chosen=TOGETHER), target, seed=3, provenance={})
    return found


@pytest.fixture
def saved(routers: dict[str, Router], tmp_path: Path) -> Path:
    path = tmp_path / "router.penstock"
    save_bundle(routers["cascade/ridge"], path)
    return path


def test_every_estimator_with_every_policy_decides_the_same(
    routers: dict[str, Router], tmp_path: Path
) -> None:
    queries = tiny_grid(60, seed=9).queries
    path = tmp_path / "router.penstock"
    assert {f"{p}/{e}" for p in ("routing", "cascade") for e in ESTIMATORS} | {TOGETHER} < set(routers)
    for router in routers.values():
        save_bundle(router, path)
        again = load_bundle(path)
        assert (again.candidates, again.target, again.seed) == (router.candidates, router.target, router.seed)
        assert (again.frontier, again.mix) == (router.frontier, router.mix)
        before, after = router.begin(queries), again.begin(queries)
        for a, b in ((before.quality, after.quality), (before.cost, after.cost), (before.draw, after.draw)):
            np.testing.assert_array_equal(a, b)
        for text in (None, "savings=0.3", "quality=0.9"):
            target = None if text is None else Target.parse(text)
            first, second = (r.policy_for(target).step(r.begin(queries)) for r in (router, again))
            np.testing.assert_array_equal(first.call, second.call)
        answer = Answer("small", text="x", logprobs=(-0.1, -0.7), extracted="4")
        one, two = (r.observe(r.begin(queries[:1]), 0, queries[0], {0: answer}) for r in (router, again))
        np.testing.assert_array_equal(one.quality, two.quality)
        assert one.executed.tolist() == [[True, False, False]]


def test_a_stored_budget_keeps_every_digit(saved: Path) -> None:
    assert load_bundle(saved).target.value == BUDGET


def test_an_answer_that_failed_is_worth_nothing(routers: dict[str, Router]) -> None:
    router, query = routers["cascade/ridge"], tiny_grid(1).queries[0]
    for status in (Status.FAILED, Status.REFUSED):
        seen = router.observe(router.begin([query]), 0, query, {1: Answer("middle", status=status)})
        assert seen.quality[0, 1] == 0.0


def test_candidates_may_be_excluded(routers: dict[str, Router]) -> None:
    router, queries = routers["routing/ridge"], tiny_grid(20, seed=4).queries
    allowed = np.tile([False, True, False], (20, 1))
    assert (router.policy_for(None).step(router.begin(queries, eligible=allowed)).call == 1).all()


def test_writing_replaces_whole_files_only(saved: Path, routers: dict[str, Router], tmp_path: Path) -> None:
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


def test_flipped_bytes_are_noticed_or_harmless(saved: Path, routers: dict[str, Router]) -> None:
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
    "content", [b"{", b"[]", b"3", b"{}", b'{"belief": []}', b'{"belief": {"encoder": 1}}', b"\xff"]
)
def test_settings_of_the_wrong_shape(saved: Path, content: bytes) -> None:
    rewritten(saved, router_json=content)
    with pytest.raises(BundleError):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "x"),
        ("target", "budget=-1"),
        ("target", 5),
        ("frontier", [{"policy": ["fixed"], "cost": 1, "quality": 1, "strong_share": 0}]),
        ("frontier", [{"policy": {"kind": "index"}, "cost": 1, "quality": 1, "strong_share": 0}]),
        ("candidates", None),
    ],
)
def test_settings_with_one_wrong_value(saved: Path, key: str, value: object) -> None:
    with zipfile.ZipFile(saved) as archive:
        settings = json.loads(archive.read("router.json"))
    rewritten(saved, router_json=json.dumps(settings | {key: value}).encode())
    with pytest.raises(PenstockError, match=r"router\.penstock"):
        load_bundle(saved)
