"""What a process does when its first large batch comes: load the kept kernel, or have it compiled meanwhile."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cleanroom.kernel.kept import default_folder, load
from matching.lanes.machine import Kernel, best


class Loading:
    """Asked before each large batch until there is a kernel; says once why there is none."""

    def __init__(self, say: Callable[[str], None], folder: Path | None) -> None:
        self._say, self._folder = say, folder or default_folder()
        self._variant = best()
        self._compiler: subprocess.Popen[bytes] | None = None

    def kernel(self) -> Kernel | None:
        """The kernel, if it can be had by now."""
        if self._variant is None:
            return None
        try:
            kernel = load(self._variant, self._folder)
        except (ValueError, OSError) as error:
            self._give_up(str(error))
            return None
        if kernel is None and self._compiler is None:
            self._say("The fast kernel is being compiled, once for this machine; libsodium does the work meanwhile.")
            command = [sys.executable, "-m", "cleanroom.kernel", str(self._folder)]
            self._compiler = subprocess.Popen(  # noqa: S603 - our own module
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
        elif kernel is None and self._compiler is not None and self._compiler.poll():
            self._give_up("the fast kernel could not be compiled; python -m cleanroom.kernel says why")
        return kernel

    def _give_up(self, reason: str) -> None:
        self._variant = None
        self._say(f"libsodium does the work, several times slower: {reason}.")
