"""Keys by reference: what a pool file may hold of a secret, and when it becomes one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.errors import PoolError

_WHOLE = re.compile(r"(?:\$\{(?P<braced>\w+)\}|os\.environ/(?P<slashed>\w+))")
_BRACED = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that is not shown: the name of an environment variable, or (where a file spells it out) a value.

    Neither ``repr`` nor ``str`` show a value; ``resolve`` is called when a provider is built and not before.
    """

    env: str | None = None
    _literal: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Secret:
        """From ``${NAME}``, ``os.environ/NAME`` or a literal value."""
        match = _WHOLE.fullmatch(text.strip())
        if match is None:
            return cls(_literal=text)
        return cls(env=match["braced"] or match["slashed"])

    def is_set(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Whether ``resolve`` would give a value."""
        return bool(self._literal) if self.env is None else bool(environ.get(self.env))

    def resolve(self, environ: Mapping[str, str] = os.environ) -> str:
        """The value. Raises ``PoolError`` that names the variable where it is not set."""
        value = self._literal if self.env is None else environ.get(self.env)
        if not value:
            raise PoolError(f"environment variable {self.env} is not set", hint=f"export {self.env}=...")
        return value


def expand(text: str, environ: Mapping[str, str]) -> str:
    """``text`` with its references to the environment replaced: for settings that are no secrets."""
    whole = _WHOLE.fullmatch(text.strip())
    if whole is not None:
        return Secret.parse(text).resolve(environ)
    return _BRACED.sub(lambda match: Secret(env=match[1]).resolve(environ), text)
