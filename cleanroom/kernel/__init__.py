"""The compiled kernel of `matching.lanes`, kept in a private folder so that nobody waits for a compiler."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from matching.lanes import chosen

if TYPE_CHECKING:
    from cleanroom.kernel.loading import Loading
    from matching.lanes.machine import Kernel


def offer(say: Callable[[str], None], folder: Path | None = None) -> None:
    """Let this process use the kernel for large batches. For a process's entry point; a library leaves this alone.

    If none is compiled yet, another process begins to, and libsodium works meanwhile. `say` hears of that, and of a
    kernel that cannot be used, once. `folder` is for another place than the user's cache.
    """
    loading: list[Loading] = []

    def load() -> "Kernel | None":
        # Only now: importing the compiler takes a third of a second, which small batches need not spend.
        from cleanroom.kernel.loading import Loading  # noqa: PLC0415

        if not loading:
            loading.append(Loading(say, folder))
        return loading[0].kernel()

    chosen.offer(load)
