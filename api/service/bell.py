"""Wakes long polls: within this process at once; what other processes write is seen by asking the database again."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Rung after every write, from any thread. Closing it ends all waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether the service is going down."""
        return self._closed

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._lock:
            for event, loop in self._waiting.items():
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Wake everybody for good."""
        self._closed = True
        self.ring()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set at every ring from now on, in the running loop."""
        event = asyncio.Event()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
        try:
            yield event
        finally:
            with self._lock:
                del self._waiting[event]
