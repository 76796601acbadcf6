"""The socket a gateway listens on."""

from __future__ import annotations

import os
import socket

from penstock.errors import InputError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ``InputError`` where the address cannot be had."""
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off: without, every answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere the option would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bare, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        hint = "Is another gateway running there? Try --port 0"
        reason = error.strerror or error
        raise InputError(f"cannot listen on {host}:{port} ({reason})", field="--port", hint=hint) from error
    return listening
