"""A process that makes match keys for the one that started it: `python -P -m cleanroom.agent.key_worker`.

Standard input: the recipes as a JSON array of [kind, normaliser, tables], then portions of the accounts frame as Arrow
streams, then nothing of length 0. Standard output: for each portion two Arrow streams, `Keys.frame` and `Keys.refused`.
Each of these is a frame on the wire: its length (8 bytes, big endian), then its bytes. Whatever goes wrong ends the
process; it says nothing, because what it could say may hold a cell.
"""

import json
import sys
from typing import IO, Final

from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.tables import load_tables
from matching.keys import keys_of
from matching.normalise.tables import Recipe

_LENGTH: Final = 8
_MOST_BYTES: Final = 1 << 30


def main() -> None:
    """Serve until the input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    recipes = [
        Recipe(kind=kind, normaliser=normaliser, tables=tables)
        for kind, normaliser, tables in json.loads(received(source))
    ]
    while portion := received(source):
        keys = keys_of(from_bytes(portion), recipes, load_tables())
        send(sink, to_bytes(keys.frame))
        send(sink, to_bytes(keys.refused))


def send(sink: IO[bytes], data: bytes) -> None:
    """Write one frame.

    Raises:
        OSError: if nobody reads.
    """
    sink.write(len(data).to_bytes(_LENGTH, "big"))
    sink.write(data)
    sink.flush()


def received(source: IO[bytes]) -> bytes:
    """Read one frame.

    Raises:
        EOFError: if the input ends before it is whole, or says that more is coming than any portion needs.
    """
    length = source.read(_LENGTH)
    size = int.from_bytes(length, "big")
    data = source.read(size) if size <= _MOST_BYTES else b""
    if len(length) != _LENGTH or len(data) != size:
        raise EOFError
    return data


if __name__ == "__main__":
    main()
