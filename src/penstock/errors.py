"""Every error penstock raises on purpose.

::

    PenstockError                 anything below
    ├── InputError                a file, field or flag is wrong; names it and says what to do
    │   ├── TableError            an outcome table is malformed (file, row and column named)
    │   ├── PoolError             a candidate pool or a price is malformed
    │   └── BundleError           a bundle is corrupted, too new or not a bundle
    ├── TargetError               a budget or quality that cannot be met; names the nearest that can
    ├── MissingExtra              an optional dependency is not installed; names the extra
    ├── ProviderError             a model could not be asked
    │   ├── ProviderTimeout       no answer in time
    │   ├── RateLimited           the provider asked us to wait
    │   ├── AuthenticationFailed  the key was refused
    │   ├── RequestRejected       the provider refused this request (4xx)
    │   └── ProviderUnavailable   the provider failed (5xx, connection)
    └── CostCapReached            a collection stopped at its cost cap; what was collected is kept
"""

from __future__ import annotations


class PenstockError(Exception):
    """Base of every error penstock raises on purpose."""


class InputError(PenstockError):
    """A file, field or flag the user gave is wrong."""

    def __init__(
        self,
        message: str,
        *,
        file: object = None,
        field: str | None = None,
        row: object = None,
        hint: str | None = None,
    ) -> None:
        self.message, self.file, self.field, self.row, self.hint = message, file, field, row, hint
        where = [str(file)] if file is not None else []
        if row is not None:
            where.append(f"row {row}")
        if field is not None:
            where.append(f"column {field}" if row is not None else f"field {field}")
        text = f"{', '.join(where)}: {message}" if where else message
        super().__init__(f"{text}. {hint}" if hint else text)


class TableError(InputError):
    """An outcome table is malformed."""


class PoolError(InputError):
    """A candidate pool or a price list is malformed."""


class BundleError(InputError):
    """A bundle is corrupted, of a newer version, or no bundle at all."""


class TargetError(PenstockError):
    """A target that no policy of this pool can meet."""


class MissingExtra(PenstockError):
    """An optional dependency is needed and not installed."""

    def __init__(self, extra: str, what: str) -> None:
        self.extra = extra
        super().__init__(f"{what} needs an extra that is not installed: pip install 'penstock[{extra}]'")


class ProviderError(PenstockError):
    """A model could not be asked. ``status`` is the HTTP status the caller should see."""

    status = 502

    def __init__(
        self, message: str, *, candidate: str | None = None, retry_after_s: float | None = None
    ) -> None:
        self.candidate, self.retry_after_s = candidate, retry_after_s
        super().__init__(f"{candidate}: {message}" if candidate else message)


class ProviderTimeout(ProviderError):
    """No answer in time."""

    status = 504


class RateLimited(ProviderError):
    """The provider asked us to wait."""

    status = 429


class AuthenticationFailed(ProviderError):
    """The provider refused the key. SampleDraw to callers as a bad gateway: it is not their key."""

    status = 502


class RequestRejected(ProviderError):
    """The provider refused this request; ``upstream_status`` is its code, ``body`` its error body."""

    status = 400

    def __init__(
        self, message: str, *, candidate: str | None = None, upstream_status: int = 400, body: object = None
    ) -> None:
        super().__init__(message, candidate=candidate)
        self.upstream_status, self.body = upstream_status, body


class ProviderUnavailable(ProviderError):
    """The provider failed or could not be reached."""

    status = 503


class CostCapReached(PenstockError):
    """A collection stopped at its cost cap. Everything collected so far is kept."""
