"""The policy a pool file states itself: what is served where nothing was fitted.

::

    policy: {refusal: [small when sure, large]}        # on a refusal, the next
    policy: {vote: [small x10, large], accept: [0.6]}  # below that share of the vote, the next
"""

from __future__ import annotations

from pathlib import Path

from penstock.candidates import Pool
from penstock.config.pool_file import stated_policy
from penstock.config.pool_schema import PolicyEntry
from penstock.errors import InputError, PoolError
from penstock.policies.base import Policy
from penstock.policies.refusal import RefusalCascade
from penstock.policies.vote import VoteCascade
from penstock.router.static import StaticRouter


def static_router(path: Path, pool: Pool) -> StaticRouter | None:
    """A router of the pool file's own policy; None where it states none. Raises ``PoolError``."""
    entry = stated_policy(path)
    if entry is None:
        return None
    try:
        return StaticRouter(pool.names, _policy(entry, pool))
    except InputError as error:
        field = ".".join(part for part in ("policy", error.field) if part)
        raise PoolError(error.message, file=path, field=field, hint=error.hint) from error


def _policy(entry: PolicyEntry, pool: Pool) -> Policy:
    if (entry.refusal is None) == (entry.vote is None):
        raise PoolError("give either refusal or vote, a list of candidates from cheap to strong")
    names = entry.refusal or entry.vote or []
    for name in names:
        pool[name]
    chain = tuple(pool.names.index(name) for name in names)
    if entry.refusal is not None:
        if entry.accept:
            raise PoolError("shares to be reached go with vote", field="accept")
        return RefusalCascade(chain)
    return VoteCascade(chain, tuple(entry.accept))
