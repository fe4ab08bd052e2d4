"""A server on 127.0.0.1 that does to its callers whatever a test tells it to."""

from __future__ import annotations

import socket
import socketserver
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

Behaviour = Callable[[socket.socket, Event], None]
"""What is done with a connection whose request has been read; the event says that the test is over."""

PATIENCE_S = 1.5
"""How long tests wait for an answer: long enough for one that comes, however busy the machine."""
AT_ONCE_S = 8.0
"""What takes less has not waited for a server that hangs or drips: that goes on for longer."""


class Requests(list[bytes]):
    """Every request as it came, and where to send them."""

    url = ""


@contextmanager
def misbehaving(behave: Behaviour, *, reads: bool = True, host: str = "127.0.0.1") -> Iterator[Requests]:
    """Serve while the block runs. With `reads=False` a connection misbehaves before its request is read."""
    seen, over = Requests(), Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                if reads:
                    seen.append(read_request(self.request))
                behave(self.request, over)
            except OSError:
                pass  # the caller has gone: it gave up, as it should

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    with Server((host, 0), Handler) as server:
        shown = f"[{host}]" if ":" in host else host
        seen.url = f"http://{shown}:{server.server_address[1]}/services/T0/B0/secret-path"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            server.shutdown()
            thread.join()


def answer(status: int = 200, body: bytes = b"ok", *headers: str) -> Behaviour:
    """Answer properly."""
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return says(head.encode() + b"\r\n\r\n" + body)


def says(data: bytes) -> Behaviour:
    """Send these bytes and close."""
    return lambda connection, _: connection.sendall(data)


def drips(beginning: bytes, drop: bytes = b"x") -> Behaviour:
    """Send a beginning, then a drop every 20 ms: no single wait is long, and there is no end."""

    def behave(connection: socket.socket, over: Event) -> None:
        connection.sendall(beginning)
        while not over.wait(0.02):
            connection.sendall(drop)

    return behave


def floods(beginning: bytes) -> Behaviour:
    """Send without an end, as fast as the caller takes it."""

    def behave(connection: socket.socket, over: Event) -> None:
        connection.sendall(beginning)
        while not over.is_set():
            connection.sendall(b"x" * 65_536)

    return behave


def hangs(_connection: socket.socket, over: Event) -> None:
    """Say nothing."""
    over.wait(10)


def resets(connection: socket.socket, _over: Event) -> None:
    """Break the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0]):
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionAbortedError("the caller left in the middle of its request")
    return data
