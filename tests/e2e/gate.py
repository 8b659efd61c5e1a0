"""A line to the escrow that a test can stop at an exact request: before it, in its middle, or before its answer."""

import socket
from contextlib import suppress
from enum import StrEnum
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

SIZE = 65_536


class Moment(StrEnum):
    """Where in an exchange the line goes dead."""

    BEFORE = "before the escrow sees the request"
    WITHIN = "when the escrow has the head and a part of the body"
    AFTER = "when the escrow has answered, before the agent hears it"


class Gate:
    """Listens on loopback and passes everything on to `port`, until `stop_at` a request line; `stopped` says so."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = Lock()
        self._mark, self._moment = b"", Moment.BEFORE
        self._threads = [Thread(target=self._accept)]
        self._lines: list[socket.socket] = []
        self.stopped = Event()

    @property
    def url(self) -> str:
        """Where an agent reaches the escrow through it."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._lines):
            _shut(line)
        for thread in list(self._threads):
            thread.join()
        for line in self._lines:
            line.close()

    def stop_at(self, mark: str, moment: Moment) -> None:
        """Go dead at the first request whose bytes have `mark` in them."""
        with self._lock:
            self.stopped.clear()
            self._mark, self._moment = mark.encode(), moment

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._lines += [client, server]
            dead = Event()
            for source, sink, asks in ((client, server, True), (server, client, False)):
                thread = Thread(target=self._pass, args=(source, sink, dead), kwargs={"asks": asks})
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, sink: socket.socket, dead: Event, *, asks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(SIZE):
                if dead.is_set():
                    if not asks:
                        self.stopped.set()
                        return  # the answer was given, and is never heard
                    continue
                if asks and self._hit(data):
                    dead.set()
                    if self._moment is Moment.BEFORE:
                        self.stopped.set()
                        continue
                    sink.sendall(data)
                    if self._moment is Moment.WITHIN:
                        self.stopped.set()
                        continue
                    self._rest(source, sink, data)
                    continue
                sink.sendall(data)
        _shut(sink)

    def _hit(self, data: bytes) -> bool:
        with self._lock:
            hit = bool(self._mark) and self._mark in data
            self._mark = b"" if hit else self._mark
            return hit

    def _rest(self, source: socket.socket, sink: socket.socket, data: bytes) -> None:
        """Pass on what is left of a request whose beginning is `data`."""
        while b"\r\n\r\n" not in data:
            more = source.recv(SIZE)
            sink.sendall(more)
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
        left = length - len(body)
        while left > 0:
            more = source.recv(SIZE)
            sink.sendall(more)
            left -= len(more)


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
