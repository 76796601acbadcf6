"""One thread per model that answers concurrent requests in batches."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from penstock.runtime.model import MAX_BATCH, LanguageModel
from penstock.runtime.requests import Generated, GenerationRequest, Token

WINDOW_S = 0.003
"""How long the first request of a batch waits for others."""


@dataclass(frozen=True, slots=True)
class _Job:
    request: GenerationRequest
    on_token: Callable[[Token], None] | None
    stopped: threading.Event | None
    future: Future[Generated] = field(default_factory=Future)

    @property
    def is_stopped(self) -> bool:
        return self.stopped is not None and self.stopped.is_set()


class BatchWorker:
    """Collects requests that arrive within a few milliseconds and runs them as one batch.

    A batch runs to its end before the next one starts. Rows do not influence each other, so an answer is the
    same whatever it was batched with.

    Args:
        model: asked by this worker's thread only.
        window_s: seconds the first request of a batch waits for others.
        max_batch: most rows of a batch.
    """

    def __init__(
        self, model: LanguageModel, *, window_s: float = WINDOW_S, max_batch: int = MAX_BATCH
    ) -> None:
        self.model = model
        self.batches = 0
        """Batches run so far."""
        self._window_s = window_s
        self._max_batch = max_batch
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"penstock-{model.name}", daemon=True)
        self._thread.start()

    def submit(
        self,
        request: GenerationRequest,
        on_token: Callable[[Token], None] | None = None,
        stopped: threading.Event | None = None,
    ) -> Future[Generated]:
        """Queue one request. Cancelling the future before its batch starts removes it.

        Args:
            request: checked here, in the caller's thread.
            on_token: called from the worker's thread with each token as soon as it is final; must not raise.
            stopped: once set, the request ends before its next step with what it has.

        Raises:
            InputError: a request the model cannot run.
            RuntimeError: the worker is closed.
        """
        self.model.check(request)
        job = _Job(request, on_token, stopped)
        with self._lock:
            if self._closed:
                raise RuntimeError("the worker is closed")
            self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then end the thread. May be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            jobs, last = self._collect()
            running = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if running:
                self._run(running)
            if last:
                return

    def _collect(self) -> tuple[list[_Job], bool]:
        """The next batch, and whether it is the last."""
        job = self._jobs.get()
        jobs: list[_Job] = []
        deadline = time.monotonic() + self._window_s
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._max_batch:
                return jobs, False
            try:
                job = self._jobs.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _run(self, jobs: list[_Job]) -> None:
        def tell(index: int, token: Token) -> None:
            listener = jobs[index].on_token
            if listener is not None:
                listener(token)

        def end(index: int, generation: Generated) -> None:
            jobs[index].future.set_result(generation)

        self.batches += 1
        try:
            self.model.run([job.request for job in jobs], tell, lambda i: jobs[i].is_stopped, end)
        except BaseException as error:  # noqa: BLE001 - raised again where the results are awaited
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(error)
