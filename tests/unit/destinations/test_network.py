"""One POST: bounded in time and size, its failures told apart by whether the message may have arrived."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from messages import everything_said
from misbehaving import (
    AT_ONCE_S,
    PATIENCE_S,
    Behaviour,
    answer,
    drips,
    floods,
    hangs,
    misbehaving,
    read_request,
    resets,
    says,
)

from pipeline.destinations import network
from pipeline.destinations.network import post
from pipeline.errors import DeliveryError, Fault, Rejected, Unavailable

HEADERS = {"X-Test": "1"}

AMBIGUOUS: list[tuple[str, Behaviour, str]] = [
    ("no answer", hangs, "no answer in time"),
    ("reset instead of an answer", resets, "the connection broke"),
    ("closed without an answer", says(b""), "the connection broke"),
    ("something that is not HTTP", says(b"SSH-2.0-OpenSSH_9.9\r\n"), "BadStatusLine"),
    ("a status line that never ends", drips(b"HTTP/1.1 200 OK"), "no answer in time"),
    ("headers that never end", drips(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), "no answer in time"),
    ("a header without an end", floods(b"HTTP/1.1 200 OK\r\na: "), "LineTooLong"),
    ("closed in the middle of the status", says(b"HTTP/1.1 2"), "BadStatusLine"),
]


@pytest.mark.parametrize(("behave", "words"), [row[1:] for row in AMBIGUOUS], ids=[row[0] for row in AMBIGUOUS])
def test_what_goes_wrong_after_the_request_may_have_been_taken(behave: Behaviour, words: str) -> None:
    started = time.monotonic()
    with misbehaving(behave) as requests, pytest.raises(Unavailable) as caught:
        post(requests.url, b"body", HEADERS, timeout_s=PATIENCE_S)
    assert (caught.value.reason, caught.value.ambiguous) == (words, True)
    assert len(requests) == 1
    assert time.monotonic() - started < AT_ONCE_S
    assert "secret-path" not in everything_said(caught.value)


def test_a_refused_connection_has_sent_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert _failure(f"http://127.0.0.1:{port}/secret-path") == ("it refuses connections", False)


def test_a_name_that_does_not_resolve_has_sent_nothing() -> None:
    assert _failure("https://nobody.invalid/secret-path") == ("its name does not resolve", False)


def test_an_address_that_swallows_packets_takes_its_share_of_the_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog makes the kernel drop what comes, as a security group does."""
    with (
        socket.socket() as full,
        socket.socket() as first,
        socket.socket() as second,
        misbehaving(answer()) as requests,
    ):
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        dead = (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())
        alive = (
            socket.AF_INET,
            socket.SOCK_STREAM,
            6,
            "",
            ("127.0.0.1", int(requests.url.split(":")[2][:5].strip("/"))),
        )
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [dead, alive])
        assert post(requests.url, b"", HEADERS, timeout_s=1).status == 200
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [dead, dead])
        assert _failure(requests.url) == ("no answer in time", False)


def test_a_server_that_never_completes_tls_has_been_sent_nothing() -> None:
    with misbehaving(hangs, reads=False) as requests:
        assert _failure(requests.url.replace("http://", "https://"))[1] is False


def test_something_that_does_not_speak_tls_has_been_sent_nothing() -> None:
    with misbehaving(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False) as requests:
        assert _failure(requests.url.replace("http://", "https://")) == ("TLS failed", False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now, day = datetime.now(UTC), timedelta(days=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "self-signed.pem"
    path.write_bytes(plain + signed.public_bytes(Encoding.PEM))
    return path


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(certificate: Path) -> None:
    with misbehaving(_tls(certificate), reads=False) as requests:
        address = requests.url.replace("http://127.0.0.1", "https://localhost")
        assert _failure(address) == ("its certificate is not trusted", False)


def test_a_trusted_certificate_is_taken_and_its_name_must_fit(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    network._trusted.cache_clear()
    try:
        with misbehaving(_tls(certificate), reads=False) as requests:
            address = requests.url.replace("http://", "https://")
            assert post(address.replace("127.0.0.1", "localhost"), b"x", HEADERS, timeout_s=2).status == 204
            assert _failure(address) == ("its certificate is not trusted", False)
    finally:
        network._trusted.cache_clear()


def _tls(certificate: Path) -> Behaviour:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def behave(connection: socket.socket, _over: Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            read_request(secure)
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    return behave


@pytest.mark.parametrize("status", [200, 204, 301, 302, 303, 307, 308, 400, 401, 404, 407, 429, 500, 503])
def test_every_status_is_an_answer_and_redirects_are_not_followed(status: int) -> None:
    with misbehaving(answer(200)) as elsewhere:
        body = b"" if status == 204 else b"body"
        with misbehaving(answer(status, body, f"Location: {elsewhere.url}", "Retry-After: 7")) as requests:
            got = post(requests.url, b"x", HEADERS, read_at_most=10, timeout_s=2)
        assert (got.status, got.body, got.headers["retry-after"]) == (status, body, "7")
        assert elsewhere == []


def test_the_request_is_what_it_was_asked_to_be() -> None:
    with misbehaving(answer()) as requests:
        post(requests.url + "?a=%20b", b"\x00body\xff", {**HEADERS, "User-Agent": "trailwire"}, timeout_s=2)
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /services/T0/B0/secret-path?a=%20b HTTP/1.1\r\n")
    assert body == b"\x00body\xff"
    assert {b"x-test: 1", b"user-agent: trailwire", b"connection: close"} <= set(head.lower().split(b"\r\n"))


@pytest.mark.parametrize(
    "behave",
    [
        floods(b"HTTP/1.1 200 OK\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut off"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense"),
    ],
    ids=["flood", "drip", "chunked drip", "cut off", "broken chunks"],
)
def test_an_answers_body_is_bounded_in_size_and_time(behave: Behaviour) -> None:
    with misbehaving(behave) as requests:
        started = time.monotonic()
        got = post(requests.url, b"x", HEADERS, read_at_most=5_000, timeout_s=PATIENCE_S)
        assert time.monotonic() - started < AT_ONCE_S
    assert got.status == 200
    assert len(got.body) <= 5_000


def test_a_body_that_nobody_asked_for_is_not_waited_for() -> None:
    with misbehaving(drips(b"HTTP/1.1 200 OK\r\n\r\n")) as requests:
        started = time.monotonic()
        assert post(requests.url, b"x", HEADERS, timeout_s=30).body == b""
        assert time.monotonic() - started < AT_ONCE_S


def test_ipv6_addresses_are_addresses() -> None:
    with misbehaving(answer(), host="::1") as requests:
        assert "[::1]" in requests.url
        assert post(requests.url, b"x", HEADERS, timeout_s=2).status == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("not an address secret-path", {}),
        ("ftp://example.com/secret-path", {}),
        ("file:///secret-path", {}),
        ("https:///secret-path", {}),
        ("http://127.0.0.1:port/secret-path", {}),
        ("http://127.0.0.1:1/secret-path with spaces", {}),
        ("http://127.0.0.1:1/secret-path\r\nX-Evil: 1", {}),
        ("http://127.0.0.1:1/\u00fcber/secret-path", {}),
        ("http://127.0.0.1:1/", {"Authorization": "Bearer secret-path\r\nX-Evil: 1"}),
        ("http://127.0.0.1:1/", {"Authorization": "Bearer secret-path \u20ac"}),
        ("http://127.0.0.1:1/", {"X\r\nEvil: secret-path": "1"}),
        ("https://" + "a" * 70 + ".example/secret-path", {}),
        ("http://[::1/secret-path", {}),
    ],
)
def test_what_cannot_be_written_into_a_request_is_never_sent_and_never_quoted(
    address: str, headers: dict[str, str]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        post(address, b"x", headers, timeout_s=PATIENCE_S)
    if isinstance(caught.value, Unavailable):
        assert not caught.value.ambiguous
    else:
        assert isinstance(caught.value, Rejected)
        assert caught.value.fault is Fault.DESTINATION
    assert "secret-path" not in everything_said(caught.value)


def test_a_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with misbehaving(answer(200, b"by proxy")) as requests:
        monkeypatch.setenv("http_proxy", requests.url)
        monkeypatch.setenv("no_proxy", "")
        got = post("http://slack.invalid/api", b"x", HEADERS, read_at_most=50, timeout_s=2)
    assert got.body == b"by proxy"
    assert requests[0].startswith(b"POST http://slack.invalid/api HTTP/1.1\r\n")


def test_a_proxy_that_refuses_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with misbehaving(says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), reads=False) as requests:
        monkeypatch.setenv("https_proxy", requests.url)
        monkeypatch.setenv("no_proxy", "")
        assert _failure("https://slack.invalid/secret-path")[1] is False


def _failure(address: str) -> tuple[str, bool]:
    with pytest.raises(Unavailable) as caught:
        post(address, b"x", HEADERS, timeout_s=PATIENCE_S)
    assert "secret-path" not in everything_said(caught.value)
    return caught.value.reason, caught.value.ambiguous
