"""Jobs in this process and in several, in their order, and their errors."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from benchmarks.experiments.sater_jobs import run_jobs
from penstock.errors import InputError


def put(file: Path, needs: Path | None = None) -> None:
    """Write a file, if the one it needs is there."""
    if needs is None or needs.exists():
        file.write_text("", encoding="utf-8")


def fail(file: Path) -> None:
    raise InputError("no such thing", file=file)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_runs_once_what_it_follows_is_done(tmp_path: Path, workers: int) -> None:
    if workers > 1:
        pytest.importorskip("torch")
    first = [tmp_path / f"first-{i}" for i in range(3)]
    then = [tmp_path / f"then-{i}" for i in range(3)]
    run_jobs(
        [partial(put, file) for file in first],
        [partial(put, file, needs) for file, needs in zip(then, first, strict=True)],
        [partial(put, tmp_path / "other")],
        workers=workers,
    )
    assert {file.name for file in tmp_path.iterdir()} == {f.name for f in (*first, *then)} | {"other"}


def test_an_error_of_a_worker_arrives_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="no such thing") as caught:
        run_jobs([partial(fail, tmp_path)], [partial(put, tmp_path / "never")], [], workers=2)
    assert caught.value.file == tmp_path
    assert not (tmp_path / "never").exists()
