"""What was asked and answered already: an append-only file that survives a kill at any moment.

One JSON object per line. A line counts once its line feed is on the disk; half a line at the end, left by a
kill or a full disk, is dropped when the journal is opened again. Later lines replace earlier ones of the
same key.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from penstock.errors import InputError
from penstock.types import Answer, Message, Status, Usage


def journal_key(
    query_id: str, messages: Sequence[Message], candidate: str, settings: object, sample: int
) -> str:
    """Names one outcome: the query's id and text, the candidate's name and settings (plain JSON), the sample.

    What was asked under other words or other settings has another key, and is asked again.
    """
    named = [query_id, [dict(m) for m in messages], candidate, settings, sample]
    text = json.dumps(named, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One outcome as journaled; ``answer.candidate`` is the model of the outcome table."""

    key: str
    query_id: str
    sample_index: int
    answer: Answer

    def line(self) -> bytes:
        """The entry as one line of the journal."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Entry:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` where the line is no entry."""
        data = json.loads(line)
        said = {"confidence": None, **data["answer"]}  # a later field: older journals lack it
        answer: dict[str, Any] = {f.name: said[f.name] for f in fields(Answer)}
        logprobs = answer["logprobs"]
        answer |= {
            "status": Status(answer["status"]),
            "usage": Usage(**answer["usage"]),
            "logprobs": None if logprobs is None else tuple(logprobs),
        }
        return cls(str(data["key"]), str(data["query_id"]), int(data["sample_index"]), Answer(**answer))


class Journal:
    """An open journal: one writer at a time, held by a lock the system releases when the process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._entries: dict[str, Entry] = {}
        self._spent = Decimal(0)

    def __enter__(self) -> Self:
        """Opens, locks and reads. Raises ``InputError`` where another process writes or a line is damaged."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise InputError(f"cannot be opened ({error.strerror})", file=self.path) from error
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError("another collection is writing to this journal", file=self.path) from error
            self._read(self._file)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def append(self, entries: Sequence[Entry]) -> None:
        """Returns when the entries are on the disk. Raises ``InputError`` where they cannot be written."""
        if self._file is None:
            raise RuntimeError("the journal is not open")
        data = b"".join(entry.line() for entry in entries)
        before = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)  # a full disk must not leave half a line in the middle
            raise InputError(f"cannot be written ({error.strerror or error})", file=self.path) from error
        for entry in entries:
            self._keep(entry)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The latest entry of every key."""
        return self._entries

    @property
    def spent_usd(self) -> Decimal:
        """The cost of everything ever asked, retried failures included."""
        return self._spent

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        self._spent += Decimal(str(entry.answer.cost_usd or 0))

    def _read(self, file: int) -> None:
        self._entries, self._spent = {}, Decimal(0)
        whole = 0
        for number, line in enumerate(_lines(file), start=1):
            if not line.endswith(b"\n"):
                break
            try:
                self._keep(Entry.parse(line))
            except (ValueError, KeyError, TypeError) as error:
                hint = "delete the line to ask again what it held"
                raise InputError(
                    f"a damaged line ({error})", file=self.path, row=number, hint=hint
                ) from error
            whole += len(line)
        os.ftruncate(file, whole)  # half a line would run into the next one written

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lines(file: int) -> Iterator[bytes]:
    with os.fdopen(os.dup(file), "rb") as data:
        data.seek(0)
        yield from data
