"""Compile the kernel for this CPU unless that was done, test it, and say what there is.

python -m cleanroom.kernel [FOLDER]
"""

import sys
from pathlib import Path

from cleanroom.kernel.kept import default_folder, keep, kept_at, load
from matching.lanes.machine import best


def main() -> int:
    """1 if there is a kernel for this CPU that cannot be used."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    variant = best()
    if variant is None:
        sys.stdout.write("No fast kernel for this CPU: libsodium does the work.\n")
        return 0
    try:
        kernel = load(variant, folder) or keep(variant, folder)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Fast kernel {kernel.name}, which gave all known answers: {kept_at(variant, folder)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
