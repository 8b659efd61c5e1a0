"""A value that must not be rendered: not in a log line, an error, a JSON document, a pickle or a copy.

What this does not do: wipe memory. Python copies bytes freely, so a core dump may hold the value.
`reveal` is the one way in; a test keeps the list of its call sites.
"""

import hmac
from typing import Generic, NoReturn, TypeVar, cast

T = TypeVar("T")

_HIDDEN = "Secret(***)"


class Secret(Generic[T]):
    """Holds one value; str, repr and format show `Secret(***)`, copying and serialising raise TypeError.

    Two secrets are equal when both hold bytes, or both hold str, of equal content, compared in constant
    time; secrets of other types are equal only to themselves. Not hashable.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> T:
        """The value itself. Keep it in the narrowest scope, and never in a message or an attribute."""
        return cast("T", object.__getattribute__(self, "_value"))

    def __getattribute__(self, name: str) -> object:
        # Debuggers, `rich.inspect` and structured loggers walk attributes; this one is not theirs.
        if name == "_value":
            raise AttributeError("a secret's value is read with reveal()")
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret cannot be changed")

    def __repr__(self) -> str:
        return _HIDDEN

    def __str__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = _as_bytes(self.reveal()), _as_bytes(other.reveal())
        if mine is None or theirs is None or type(self.reveal()) is not type(other.reveal()):
            return False
        return hmac.compare_digest(mine, theirs)

    __hash__ = None  # type: ignore[assignment]  # the documented way to say "not hashable"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is not copied")


def _as_bytes(value: object) -> bytes | None:
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else None
