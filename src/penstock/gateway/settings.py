"""What an operator sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from penstock.errors import InputError
from penstock.router.targets import Target

KEY_VARIABLE = "PENSTOCK_API_KEY"


@dataclass(frozen=True, slots=True)
class Settings:
    """``api_key``: what callers must show; None lets everybody on this machine in. ``target``: what ``auto``
    means; None leaves it to the bundle. ``log_text``: keep the texts of queries in the decision log, not only
    their hashes. ``keep_alive_s``: a stream that is not decided by then is opened and kept alive.
    """

    api_key: str | None = field(default=None, repr=False)
    target: Target | None = None
    log_text: bool = False
    max_body_bytes: int = 32 << 20
    keep_alive_s: float = 5.0


def check_binding(host: str, api_key: str | None) -> None:
    """Raises ``InputError`` where the gateway would be open to other machines without a key."""
    if not api_key and not is_loopback(host):
        raise InputError(
            f"without a key the gateway listens on this machine only, not on {host}",
            field="--host",
            hint=f"Set {KEY_VARIABLE}, or leave --host at 127.0.0.1",
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
