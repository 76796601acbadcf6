"""Stages are made whole or not at all, and not twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.errors import InputError
from penstock.training.sater.settings import Sampling
from penstock.training.sater.stages import Stage, fingerprint, writing


def make(stage: Stage, text: str = "content") -> None:
    with stage.making() as folder:
        (folder / "data.txt").write_text(text)
        stage.finish(folder, {"rows": 1})


def test_a_finished_stage_is_recognised_and_summarised(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "1", {"seed": 1, "sampling": Sampling()})
    assert not stage.finished
    make(stage)
    assert stage.finished
    assert stage.summary == {"rows": 1}
    assert Stage(tmp_path / "1", {"seed": 1, "sampling": Sampling()}).finished


def test_other_inputs_are_named(tmp_path: Path) -> None:
    make(Stage(tmp_path / "1", {"seed": 1, "k": 2}))
    with pytest.raises(InputError, match=r"other inputs \(k\).*--out"):
        _ = Stage(tmp_path / "1", {"seed": 1, "k": 3}).finished


def test_an_interrupted_stage_leaves_nothing_that_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "1", {})

    def interrupted() -> None:
        with stage.making() as folder:
            (folder / "data.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not stage.finished
    make(stage)
    assert stage.finished
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "1", {})

    def fill() -> None:
        with stage.making() as folder:
            os.symlink("/dev/full", folder / "data.txt")
            (folder / "data.txt").write_text("content")

    with pytest.raises(InputError, match=r"disk is full.*Finished stages are kept"):
        fill()
    assert not stage.finished


def test_a_full_disk_inside_another_library_is_recognised(tmp_path: Path) -> None:
    def fail() -> None:
        with writing(tmp_path):
            raise RuntimeError("Error while serializing: No space left on device (os error 28)")

    with pytest.raises(InputError, match="disk is full"):
        fail()


def test_other_failures_keep_their_own_error(tmp_path: Path) -> None:
    def fail() -> None:
        with Stage(tmp_path / "1", {}).making():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        make(Stage(tmp_path / "file" / "1", {}))


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "1", {})
    make(stage)
    (stage.folder / "stage.json").write_text("{}")
    with pytest.raises(InputError, match="Delete the folder"):
        _ = stage.finished


def test_fingerprints_follow_values_not_order() -> None:
    assert fingerprint({"a": 1, "b": (1, 2)}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint(Sampling()) != fingerprint(Sampling(k=9))
