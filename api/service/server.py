"""Serving the application with uvicorn, and saying once where it listens."""

import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from api.service.bell import Bell
from cleanroom.domain.errors import InputRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen. Port 0 takes a free one; with a certificate and its key it speaks HTTPS."""

    host: str
    port: int
    certificate: Path | None = None
    private_key: Path | None = None


class _Server(uvicorn.Server):
    """Tells when it accepts connections, and ends long polls before it waits for requests to finish."""

    def __init__(self, config: uvicorn.Config, *, bell: Bell, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._bell = bell
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._bell.close()
        await super().shutdown(sockets)


def serve(app: ASGIApp, at: Listening, *, bell: Bell, started: Callable[[str], None]) -> None:
    """Serve until interrupted; calls `started` with the service's URL once it accepts connections.

    Raises:
        InputRefused: the address is taken or not this machine's, or the certificate cannot be used.
    """
    _require_certificate(at)
    config = uvicorn.Config(
        app,
        host=at.host,
        port=at.port,
        ssl_certfile=at.certificate,
        ssl_keyfile=at.private_key,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=30,
    )
    listener = _bound(at)
    host = f"[{at.host}]" if ":" in at.host else at.host
    scheme = "https" if at.certificate else "http"
    url = f"{scheme}://{host}:{listener.getsockname()[1]}"
    try:
        _Server(config, bell=bell, started=lambda: started(url)).run(sockets=[listener])
    finally:
        listener.close()


def _require_certificate(at: Listening) -> None:
    if at.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(at.certificate, at.private_key)
    except (OSError, ssl.SSLError) as error:
        raise InputRefused(f"--tls-cert and --tls-key: cannot be used ({type(error).__name__})") from None


def _bound(at: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    # Named as TCP, so that asyncio switches Nagle's algorithm off: else each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((at.host, at.port))
    except OSError as error:
        listener.close()
        raise InputRefused(f"--host and --port: cannot listen there: {os.strerror(error.errno or 0)}") from None
    listener.set_inheritable(True)
    return listener
