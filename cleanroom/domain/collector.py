"""How often a process of ours looks for garbage that only refers to itself.

Reference counts free nearly all that we make at once. Looking for the rest walks every object that is alive, and an
exchange's rows are hundreds of thousands: with the interpreter's own thresholds a quarter of its CPU time goes there.
"""

import gc
from typing import Final

ALLOCATIONS: Final = 200_000


def collect_rarely() -> None:
    """Look after so many more objects made than freed. For a process's entry point; a library leaves this alone."""
    gc.set_threshold(ALLOCATIONS, 20, 20)
