"""One POST to an address that is not ours: once, in bounded time, and with nothing about it in any log or error.

What the usual clients do and this does not: follow redirects (and take the Authorization header along), wait afresh
for every byte, read an answer of any size, write addresses to the log at DEBUG or into the texts of their errors. An
address may be a secret: whoever knows a Slack webhook's can post to it.

Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY) as urllib does. Each POST has a connection of its own,
for one that slept through a frozen Lambda may be dead, and a dead one looks like an answer that got lost.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, InvalidURL
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import AbstractHTTPHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from pipeline.errors import DeliveryError, Fault, Rejected, Unavailable

TIMEOUT_S = 5.0
"""For all of it: connection, TLS, request and answer. Only looking up a name keeps the resolver's own time."""

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "TLS failed"),
    (socket.gaierror, "its name does not resolve"),
    (ConnectionRefusedError, "it refuses connections"),
    (TimeoutError, "no answer in time"),
    (ConnectionError, "the connection broke"),
)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Its beginning, as far as it came in time."""


def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    read_at_most: int = 0,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Post once and return the answer, whatever its status.

    Raises Unavailable, `ambiguous` unless the request surely never left, and Rejected where it cannot be written.
    """
    try:
        request = Request(address, body, dict(headers), method="POST")  # noqa: S310 - the opener knows http only
        with _opener().open(request, timeout=timeout_s) as response:
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, names, _read(response, read_at_most))
    except (OSError, HTTPException, ValueError) as error:
        raise _failure(error) from None  # the texts of these quote addresses and headers


def _failure(error: Exception) -> DeliveryError:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, _NotReachedError):
        return Unavailable(_words(reason.cause))
    if isinstance(reason, str | ValueError | InvalidURL) and not isinstance(reason, OSError):
        return Rejected("its address or its secret cannot stand in a request", Fault.DESTINATION)
    return Unavailable(_words(reason), ambiguous=True)


def _words(error: BaseException) -> str:
    return next((words for kind, words in _WORDS if isinstance(error, kind)), type(error).__name__)


def _read(response: Any, most: int) -> bytes:
    """Read an answer's beginning; what doesn't come, or not in time, is missing: the status has come."""
    try:
        return bytes(response.read(most)) if most else b""
    except (OSError, HTTPException, ValueError):
        return b""


class _NotReachedError(OSError):
    """There was no connection, so nothing was sent."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.cause = cause


class _UntilDeadline(RawIOBase):
    """A socket's bytes until a moment, after which reading times out, however steadily they drip."""

    def __init__(self, raw: RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left_s(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        # http.client makes a new file of the socket here, and reads headers and body from nothing else
        self.fp: Any = BufferedReader(_UntilDeadline(self.fp.detach(), sock, deadline))


class _Bounded(HTTPConnection):
    """A connection whose whole life is bounded, and that knows whether it was ever made."""

    def __init__(self, host: str, *, timeout: float = TIMEOUT_S, **options: Any) -> None:
        super().__init__(host, timeout=timeout, **options)
        self._deadline = monotonic() + timeout
        self._create_connection = partial(_dial, self._deadline)
        self.response_class: Any = partial(_Response, deadline=self._deadline)

    def connect(self) -> None:
        try:
            super().connect()
            self.sock.settimeout(_left_s(self._deadline))
        except (OSError, ValueError) as error:
            raise _NotReachedError(error) from None


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same over TLS."""


def _dial(deadline: float, address: tuple[str, int], *_: Any) -> socket.socket:
    """Connect to the first address that answers; those that swallow packets take no more than their share of time."""
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _name, place) in enumerate(found, start=1):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left_s(deadline) / (len(found) - number + 1))
            sock.connect(place)
            sock.settimeout(_left_s(deadline))
        except OSError:
            sock.close()
            if number == len(found):
                raise
        else:
            return sock
    raise socket.gaierror("no address")


def _left_s(deadline: float) -> float:
    left_s = deadline - monotonic()
    if left_s <= 0:
        raise TimeoutError("the time for all of it is over")
    return left_s


class _Handler(AbstractHTTPHandler):
    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_Bounded, request)

    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_BoundedTls, request, context=_trusted())

    http_request = AbstractHTTPHandler.do_request_
    https_request = AbstractHTTPHandler.do_request_


def _opener() -> OpenerDirector:
    """Make an opener that knows no redirects, no cookies, no files, and takes every status for an answer."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), UnknownHandler(), _Handler()):
        opener.add_handler(handler)
    return opener


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
