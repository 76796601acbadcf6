"""Work shared out between threads."""

from __future__ import annotations

from threading import Barrier

import pytest

from penstock.core.threads import parallel_map


@pytest.mark.parametrize("threads", [1, 3])
def test_results_keep_their_order(threads: int) -> None:
    assert parallel_map(lambda x: x * x, range(20), threads=threads) == [x * x for x in range(20)]
    assert parallel_map(str, [], threads=threads) == []


def test_threads_work_at_once() -> None:
    meeting = Barrier(3, timeout=10)
    assert len(parallel_map(lambda _: meeting.wait(), range(3), threads=3)) == 3


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_is_raised_and_what_had_not_begun_is_not_done(threads: int) -> None:
    done = []

    def work(x: int) -> None:
        if x == 2:
            raise ValueError("two")
        done.append(x)

    with pytest.raises(ValueError, match="two"):
        parallel_map(work, range(100_000), threads=threads)
    assert len(done) < 100_000
