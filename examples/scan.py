"""Search a folder's files, byte for byte, for many strings at once: the proof that a sceptic can see.

Every needle is looked for as it is (UTF-8). Windows of eight bytes - four for shorter needles - are compared with the
sorted beginnings of the needles, so that fifty thousand cost little more than one.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

WINDOWS = {8: "<u8", 4: "<u4"}
"""Bytes of a window -> its integer type, widest first."""


def found_in(folder: Path, needles: Iterable[str]) -> set[str]:
    """The needles that occur in any file below `folder`, databases, journals and logs included."""
    wanted = frozenset(needles)
    found: set[str] = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found |= found_in_file(path, wanted)
    return found


def found_in_file(path: Path, needles: Iterable[str]) -> set[str]:
    """The needles that occur in one file."""
    wanted = {needle.encode(): needle for needle in needles if needle}
    return {wanted[hit] for hit in _hits(path.read_bytes(), wanted.keys())}


def _hits(data: bytes, needles: Iterable[bytes]) -> set[bytes]:
    hits: set[bytes] = set()
    of_window: dict[int, list[bytes]] = {width: [] for width in WINDOWS}
    for needle in needles:
        width = next((width for width in WINDOWS if len(needle) >= width), None)
        if width is not None:
            of_window[width].append(needle)
        elif needle in data:
            hits.add(needle)
    for width, group in of_window.items():
        hits |= _hits_by_window(data, group, width)
    return hits


def _hits_by_window(data: bytes, needles: list[bytes], width: int) -> set[bytes]:
    by_start: dict[int, list[bytes]] = {}
    for needle in needles:
        by_start.setdefault(int.from_bytes(needle[:width], "little"), []).append(needle)
    starts = np.array(sorted(by_start), WINDOWS[width])
    hits: set[bytes] = set()
    for shift in range(width if len(starts) else 0):
        whole = (len(data) - shift) // width
        if whole <= 0:
            continue
        windows = np.frombuffer(data, WINDOWS[width], count=whole, offset=shift)
        at = np.searchsorted(starts, windows)
        at[at == len(starts)] = 0
        for position in np.flatnonzero(starts[at] == windows).tolist():
            offset = position * width + shift
            hits |= {needle for needle in by_start[int(windows[position])] if data.startswith(needle, offset)}
    return hits
