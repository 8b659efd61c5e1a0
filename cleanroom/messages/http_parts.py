"""The parts of HTTP messages that signatures speak of, and what can be wrong with a signature."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cleanroom.domain.errors import VerificationFailed

_AUTHORITY = re.compile(r"[A-Za-z0-9.\-_:\[\]]+")

HeaderLines = tuple[tuple[str, str], ...]
"""Header lines in the order of the wire, names in any case."""


class Fault(StrEnum):
    """Why a signature was refused."""

    MISSING = "missing"
    MALFORMED = "malformed"
    """Or more than one signature."""
    COMPONENT_MISSING = "component_missing"
    PARAMETER_MISSING = "parameter_missing"
    OTHER_TAG = "other_tag"
    EXPIRED = "expired"
    FUTURE = "future"
    LIFETIME = "lifetime"
    UNKNOWN_KEY = "unknown_key"
    MISMATCH = "mismatch"
    """The signature or the digest does not hold."""


class SignatureRefused(VerificationFailed):
    """An HTTP message is not, or not acceptably, signed. `fault` says why; the answer to the peer need not."""

    code = "signature_refused"

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"HTTP signature: {fault.value.replace('_', ' ')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParts:
    """A request as it is on the wire, but for its body. Raises SignatureRefused on parts that cannot be."""

    method: str
    """Upper case."""
    authority: str
    """Host, with the port where it is not the scheme's own."""
    path: str
    """Percent-encoded, from "/"."""
    query: str = ""
    """Percent-encoded, without "?"."""
    headers: HeaderLines = ()

    def __post_init__(self) -> None:
        # Parts that could move into one another would let two requests share one URL, and so one signature.
        fits = (
            _AUTHORITY.fullmatch(self.authority)
            and self.path.startswith("/")
            and not set(self.path) & set("?#")
            and "#" not in self.query
        )
        if not fits:
            raise SignatureRefused(Fault.MALFORMED)

    @property
    def url(self) -> str:
        """The URL that the covered components are derived from; its scheme stands for none."""
        return f"https://{self.authority}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseParts:
    """A response as it came off the wire."""

    status: int
    headers: HeaderLines
    body: bytes
    """As transferred, before any decoding of content."""


class Lines:
    """Header lines as the library wants them: repeated lines kept apart, and writable."""

    def __init__(self, lines: HeaderLines) -> None:
        self.added: dict[str, str] = {}
        self._lines = lines

    def items(self) -> list[tuple[str, str]]:
        """The lines received, then those added."""
        return [*self._lines, *self.added.items()]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self.items()))

    def __contains__(self, name: str) -> bool:
        return any(line.lower() == name.lower() for line, _ in self.items())

    def __setitem__(self, name: str, value: str) -> None:
        self.added[name] = value

    def __delitem__(self, name: str) -> None:
        self.added.pop(name, None)
        self._lines = tuple(line for line in self._lines if line[0] != name)


class RequestView:
    """A request as the library wants it."""

    def __init__(self, parts: RequestParts) -> None:
        self.method = parts.method
        self.url = parts.url
        self.headers = Lines(parts.headers)


class ResponseView:
    """A response as the library wants it: `status_code` is what tells the two apart."""

    def __init__(self, status: int, headers: HeaderLines, request: RequestParts) -> None:
        self.status_code = status
        self.headers = Lines(headers)
        self.request = RequestView(request)
