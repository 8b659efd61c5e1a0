"""Environments of the peers: each of its own, from a lock with hashes, made on first use and when the lock changes."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def interpreter(environment: str) -> Path:
    """The Python of `.venvs/NAME`, which has what `requirements/bench-NAME.txt` locks. Needs network once.

    Raises:
        subprocess.CalledProcessError: if it cannot be made.
    """
    folder = ROOT / ".venvs" / environment
    python = folder / "bin" / "python"
    ready, lock = folder / ".ready", ROOT / "requirements" / f"bench-{environment}.txt"
    if not ready.exists() or ready.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = (str(python), "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--require-hashes", "-r")
        subprocess.run([*pip, str(lock)], check=True)
        ready.touch()
    return python
