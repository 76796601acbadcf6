"""Jobs of the SATER experiment on several processes of one thread each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from multiprocessing import get_context
from time import time

Job = Callable[[], object]


@dataclass(frozen=True)
class Clock:
    """Tells on standard error what is being done, with the seconds since ``started``; picklable."""

    started: float

    def __call__(self, what: str) -> None:
        sys.stderr.write(f"[{time() - self.started:6.0f} s] {what}\n")
        sys.stderr.flush()


def run_jobs(first: Sequence[Job], then: Sequence[Job], others: Sequence[Job], *, workers: int) -> None:
    """Run every job once: ``first`` before ``others``, and ``then[i]`` once ``first[i]`` is done.

    Jobs leave their results in files. With one worker they run here; with more, in processes of one thread.
    The first error ends it.
    """
    if workers <= 1:
        for job in (*others, *first, *then):
            job()
        return
    # Before the processes start: libraries read it when they are loaded. As many workers as cores, so more
    # threads in each would only wait for one another.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        try:
            _run_all(pool, first, then, others)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _run_all(
    pool: ProcessPoolExecutor, first: Sequence[Job], then: Sequence[Job], others: Sequence[Job]
) -> None:
    following: dict[Future[None], Job] = {}
    for job, next_ in zip(first, then, strict=True):
        following[pool.submit(_quietly, job)] = next_
    open_: set[Future[None]] = set(following)
    open_.update(pool.submit(_quietly, job) for job in others)
    while open_:
        done, open_ = wait_for(open_, return_when="FIRST_COMPLETED")
        for future in done:
            future.result()
            if future in following:
                open_.add(pool.submit(_quietly, following.pop(future)))


def _quietly(job: Job) -> None:
    """Results stay in files: they are not sent back."""
    job()


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
