"""One uniform number per text: every choice that must not depend on order, process or machine comes from
here."""

from __future__ import annotations

from hashlib import blake2b


def uniform_of(text: str) -> float:
    """A number in [0, 1) that is always the same for the same text: 53 bits of its blake2b hash.

    Give every use its own prefix. Two uses of one text get the *same* number: were a split and a policy's
    draw both made of ``"seed:id"``, all test queries would have the draws above the split's fraction.
    """
    digest = blake2b(text.encode(), digest_size=8).digest()
    return float(int.from_bytes(digest, "big") >> 11) / 2.0**53
