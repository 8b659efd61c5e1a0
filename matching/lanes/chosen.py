"""Which kernel works in this process: none, until somebody offers one. libsodium does what no kernel does.

Importing and loading a kernel costs as much as a few thousand points, so only a batch of that size asks for it. A
process that has one uses it for small batches too.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matching.lanes.machine import Kernel

WORTH_LOADING: Final = 2048
WORTH_CALLING: Final = 16

_lock = threading.Lock()
_state: dict[str, "Kernel"] = {}
_offers: list[Callable[[], "Kernel | None"]] = []


def offer(load: Callable[[], "Kernel | None"] | None) -> None:
    """Let `load` be asked for a kernel when a batch is worth it; None takes offer and kernel back.

    `load` may answer None and be asked again by the next batch.
    """
    with _lock:
        _state.clear()
        _offers[:] = [load] if load else []


def kernel(rows: int) -> "Kernel | None":
    """What works on a batch of so many rows; None is libsodium."""
    found = _state.get("kernel")
    if found is not None or rows < WORTH_LOADING:
        return found if rows >= WORTH_CALLING else None
    with _lock:
        if _offers and "kernel" not in _state:
            loaded = _offers[0]()
            if loaded is not None:
                _state["kernel"] = loaded
        return _state.get("kernel")
