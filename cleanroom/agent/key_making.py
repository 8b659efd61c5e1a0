"""Match keys of a list of any length: `matching.keys.keys_of` over portions of it, on every core.

No normaliser looks across rows, so a long list is cut into portions of them. This process works on them, and for each
further core another one (`key_worker`) beside it. They talk in Arrow streams over pipes: nothing is pickled, no thread
is forked. One that ends early costs time only: its portion is made here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

import numpy as np
import pandas as pd

from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.key_worker import received, send
from cleanroom.agent.progress import Progress
from cleanroom.agent.reading.mapping import IDENTIFIERS
from cleanroom.agent.tables import load_tables
from matching.keys import REQUIRED, Keys, keys_of
from matching.normalise.tables import Recipe, Tables

PORTION: Final = 25_000  # rows: a second or two of work
LONG: Final = 4 * PORTION  # below, another process is not worth its start
_MOST_WORKERS: Final = 7
_NEEDED: Final = REQUIRED | {*IDENTIFIERS, "email", "suppressed"}


def make_keys(accounts: pd.DataFrame, recipes: Sequence[Recipe], tables: Tables, progress: Progress) -> Keys:
    """As `keys_of`, in the order of portions; the stage "match keys" counts rows. Raises what `keys_of` raises."""
    if len(accounts) > PORTION:  # what cannot be done at all is refused before long work
        keys_of(accounts.iloc[:0], recipes, tables)
    used = accounts[[column for column in accounts.columns if column in _NEEDED]]
    portions = _Portions(accounts=used, recipes=tuple(recipes), tables=tables)
    # Another process loads tables by itself, so it can stand in only where these are the installed ones.
    workers = _spare_cores() if len(accounts) >= LONG and tables is load_tables() else 0
    with progress.stage("match keys", len(accounts)) as advance:
        with _workers(portions, workers):
            for rows in portions.work():
                advance(rows)
        for rows in portions.work():  # what a worker that ended early left behind
            advance(rows)
    return portions.joined()


@dataclass(slots=True, kw_only=True, eq=False)
class _Portions:
    """A list in portions, by their first row: those that wait, and the keys of those that are made."""

    accounts: pd.DataFrame
    recipes: tuple[Recipe, ...]
    tables: Tables
    _waiting: "SimpleQueue[int]" = field(default_factory=SimpleQueue)
    _made: dict[int, Keys] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for start in range(0, len(self.accounts), PORTION):
            self._waiting.put(start)

    def work(self) -> Iterator[int]:
        """Make portions here until none waits; the rows that became ready since, here or elsewhere."""
        told = 0
        for start in self._taken():
            self._made[start] = keys_of(self._portion(start), self.recipes, self.tables)
            ready = min(len(self._made) * PORTION, len(self.accounts))
            yield ready - told
            told = ready

    def hand_over(self, worker: "subprocess.Popen[bytes]") -> None:
        """Let a worker make portions until none waits. One that it does not finish waits again."""
        if worker.stdin is None or worker.stdout is None:
            raise RuntimeError("a worker without pipes")
        recipes = [(recipe.kind, recipe.normaliser, recipe.tables) for recipe in self.recipes]
        start = None
        # A stream that is cut off is a ValueError of Arrow's.
        with suppress(OSError, EOFError, ValueError):
            send(worker.stdin, json.dumps(recipes).encode())
            for start in self._taken():
                send(worker.stdin, to_bytes(self._portion(start)))
                frame, refused = received(worker.stdout), received(worker.stdout)
                self._made[start] = Keys(frame=from_bytes(frame), refused=from_bytes(refused))
            send(worker.stdin, b"")
        if start is not None and start not in self._made:
            self._waiting.put(start)

    def joined(self) -> Keys:
        """The keys of all portions, by rows of the whole list."""
        frames = [(start, self._made.pop(start)) for start in sorted(self._made)]
        if not frames:
            return keys_of(self.accounts, self.recipes, self.tables)
        parts = [(_moved(keys.frame, start), _moved(keys.refused, start)) for start, keys in frames]
        return Keys(
            frame=pd.concat([frame for frame, _ in parts], ignore_index=True),
            refused=pd.concat([refused for _, refused in parts], ignore_index=True),
        )

    def _portion(self, start: int) -> pd.DataFrame:
        return self.accounts.iloc[start : start + PORTION].reset_index(drop=True)

    def _taken(self) -> Iterator[int]:
        while True:
            try:
                yield self._waiting.get_nowait()
            except Empty:
                return


def _moved(frame: pd.DataFrame, start: int) -> pd.DataFrame:
    return frame.assign(account=frame["account"].to_numpy(dtype=np.int32) + np.int32(start))


def _spare_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores - 1, _MOST_WORKERS)


@contextmanager
def _workers(portions: _Portions, count: int) -> Iterator[None]:
    """So many processes that take portions; at the end of the block they have finished what they took, or are gone."""
    started: list[tuple[subprocess.Popen[bytes], Thread]] = []
    try:
        for _ in range(count):
            worker = subprocess.Popen(
                # -P: the folder that the command runs in is nowhere to take modules from.
                [sys.executable, "-P", "-m", "cleanroom.agent.key_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            started.append((worker, Thread(target=portions.hand_over, args=(worker,), daemon=True)))
            started[-1][1].start()
        yield
        for _, thread in started:
            thread.join()
    finally:
        for worker, thread in started:
            worker.kill()
            thread.join()  # its pipes are broken
            _closed(worker)


def _closed(worker: "subprocess.Popen[bytes]") -> None:
    for pipe in (worker.stdin, worker.stdout):
        with suppress(OSError):  # what could not be written any more
            if pipe is not None:
                pipe.close()
    worker.wait()
