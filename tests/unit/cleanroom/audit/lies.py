"""What is broken in a room or its bundle, as the audit tells it."""

from typing import Any

from cleanroom.audit.bundle import Bundle
from cleanroom.audit.verify import verify


def broken(bundle: Bundle, **more: Any) -> dict[str, set[str]]:  # noqa: ANN401 - any argument
    """What is broken, by where."""
    found: dict[str, set[str]] = {}
    for item in verify(bundle, **more).findings:
        if item.broken:
            found.setdefault(item.where, set()).add(item.what)
    return found


def requires(found: dict[str, set[str]], where: str, what: str) -> None:
    """That place and rule are among what was found."""
    assert any(where in place and any(what in rule for rule in rules) for place, rules in found.items()), found
