"""A stage and its folder: made whole or not at all, and not made again while its inputs are the same."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from penstock.errors import InputError

DONE = "stage.json"
"""Written last, before the folder gets its name: fingerprint, inputs and summary of a finished stage."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run.

    Attributes:
        folder: where its files stand once it is finished.
        inputs: everything its result depends on, as plain JSON values; the fingerprints of earlier stages
            among them.
    """

    folder: Path
    inputs: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """A hash of the inputs."""
        return fingerprint(self.inputs)

    @property
    def finished(self) -> bool:
        """Whether it was made, with these very inputs.

        Raises:
            InputError: it was made with others, or its files cannot be read.
        """
        if not (self.folder / DONE).is_file():
            return False
        if self.record()["fingerprint"] == self.fingerprint:
            return True
        changed = _changed(self.record().get("inputs", {}), plain(self.inputs))
        raise InputError(
            f"this stage was made from other inputs ({', '.join(changed) or 'an earlier stage'})",
            file=self.folder,
            hint="Give another --out, or delete this folder to make it and what follows again.",
        )

    def record(self) -> dict[str, Any]:
        """What was written when it finished.

        Raises:
            InputError: not readable.
        """
        try:
            found: dict[str, Any] = json.loads((self.folder / DONE).read_text(encoding="utf-8"))
            _ = found["fingerprint"], found["summary"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            hint = "Delete the folder; the stage is then made again."
            raise InputError("not the record of a stage", file=self.folder / DONE, hint=hint) from error
        return found

    @property
    def summary(self) -> dict[str, Any]:
        """What was kept and dropped, and why."""
        summary: dict[str, Any] = self.record()["summary"]
        return summary

    @contextmanager
    def making(self) -> Iterator[Path]:
        """A folder to write into. It becomes the stage's own when `finish` was called and the block ends; a
        stage that fails or is interrupted leaves nothing behind that counts.

        Raises:
            InputError: the disk is full, or the folder cannot be written.
        """
        partial = self.folder.with_name(f".{self.folder.name}.partial")
        with writing(self.folder):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            yield partial
            if not (partial / DONE).is_file():
                raise AssertionError(f"{self.folder.name} ended without a summary")
            shutil.rmtree(self.folder, ignore_errors=True)
            partial.rename(self.folder)

    def finish(self, partial: Path, summary: Mapping[str, Any]) -> None:
        """Write the record: the last file of a stage."""
        record = {"fingerprint": self.fingerprint, "inputs": plain(self.inputs), "summary": plain(summary)}
        (partial / DONE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns a full disk, or a folder that cannot be written, into one clear error."""
    try:
        yield
    except Exception as error:
        if _is_full(error):
            raise InputError(
                "the disk is full, so this stage could not be written",
                file=folder,
                hint="Finished stages are kept: free some space and give the same command again.",
            ) from error
        if isinstance(error, OSError) and error.filename is not None:
            raise InputError(f"cannot be written: {error.strerror}", file=error.filename) from error
        raise


def _is_full(error: BaseException) -> bool:
    """Also where a library wraps the system's error in one of its own, as safetensors and polars do."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return True
    return "no space left on device" in str(error).lower()


def fingerprint(value: object) -> str:
    """A short hash of plain values and dataclasses."""
    text = json.dumps(plain(value), sort_keys=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def file_fingerprint(path: Path) -> str:
    """A short hash of a file's bytes."""
    found = blake2b(digest_size=12)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def plain(value: object) -> Any:
    """The same in JSON's own types."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
