"""The service without a network: a request is handled in the thread that sends it.

Starlette's test client hands each request to an event loop in another thread, which hands its work to a third one: most
of what a small request costs. Tests that look at waiting or at threads take that client.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import httpx2
from anyio import to_thread
from starlette.types import ASGIApp, Message

_here = ContextVar("_here", default=False)
_elsewhere = to_thread.run_sync


async def _run_sync(work: Callable[..., Any], *args: Any, **how: Any) -> Any:  # noqa: ANN401 - anyio's
    return work(*args) if _here.get() else await _elsewhere(work, *args, **how)


to_thread.run_sync = _run_sync  # where nobody is `_here`, it is what it was


class InThread(httpx2.BaseTransport):
    """Carries requests to an application. Belongs to one thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body, answer = request.read(), list[Message]()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message)

        async def handle() -> None:
            _here.set(True)
            await self._app(_scope(request), receive, send)

        self._loop.run_until_complete(handle())
        start, *parts = answer
        content = httpx2.ByteStream(b"".join(part.get("body", b"") for part in parts))
        return httpx2.Response(start["status"], headers=start["headers"], stream=content)

    def close(self) -> None:
        self._loop.close()


def _scope(request: httpx2.Request) -> dict[str, Any]:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port or 80),
        "client": ("tests", 1),
    }
