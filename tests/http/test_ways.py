"""The routes to a server: proxies, tunnels, TLS, several addresses. On real sockets."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from loopback import DONE, PATIENCE, Peer, Request, Server, ask, client, delta, relay, serving
from secured import CA_FILE, TLS, https, over_tls, secured, server_context
from sseparse._clients import _client, _tls
from sseparse.completions import Client, TimedOutError, Timeout, TransportError

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator
    from pathlib import Path

# Each starts a server.
pytestmark = pytest.mark.thorough


def over_tls_with_client(connection: socket.socket) -> ssl.SSLSocket:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CA_FILE)
    connection.settimeout(PATIENCE)
    return context.wrap_socket(connection, server_side=True)


@pytest.fixture(autouse=True)
def _no_wait_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "pause", lambda *_: None)


def stream(peer: Peer, _: Request) -> None:
    peer.stream(delta("a"), DONE)


@pytest.fixture
def secure() -> Iterator[Server]:
    with serving(stream, over_tls) as server:
        server.url = https(server)
        yield server


# TLS


@pytest.mark.parametrize("host", ["localhost.", "[fe80::1%25eth0]"])
def test_the_certificate_is_for_the_host(
    host: str, secure: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the dot of a full name, and without the zone of an address."""
    place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", secure.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [place])
    with client(secure, base_url=f"https://{host}", ca_file=CA_FILE) as own:
        with pytest.raises(TransportError, match=r"is not valid for '(localhost|fe80::1)'"):
            ask(own)


def test_verification_can_be_switched_off(secure: Server) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with client(secure, ssl_context=context) as own:
        assert ask(own).collect().text == "a"


def test_a_certificate_of_the_client() -> None:
    with serving(stream, over_tls_with_client) as server:
        context = ssl.create_default_context(cafile=CA_FILE)
        context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
        with client(server, base_url=https(server), ssl_context=context) as own:
            assert ask(own).collect().text == "a"
        with client(server, **secured(server, True)) as own:
            with pytest.raises(TransportError, match=r"no answer from https://127\.0\.0\.1"):
                ask(own)


def test_plain_http_to_a_server_with_tls(secure: Server) -> None:
    url = secure.url.replace("https:", "http:")
    with client(secure, base_url=url) as own:
        with pytest.raises(TransportError):
            ask(own)


def silent() -> contextlib.AbstractContextManager[socket.socket]:
    """Return a listener that accepts connections into its queue and sends nothing."""
    return socket.create_server(("127.0.0.1", 0))


def test_a_handshake_that_stalls_ends_at_the_deadline() -> None:
    with silent() as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=url, api_key="", proxy="", max_retries=0) as own:
            with pytest.raises(TimedOutError) as caught:
                own.chat.completions.create(timeout=Timeout(idle=60, deadline=0.2))
    assert caught.value.limit == "deadline"


def test_a_handshake_that_is_cut_is_tried_again() -> None:
    def cut(connection: socket.socket) -> socket.socket:
        if server.connections < 3:
            raise OSError
        return over_tls(connection)

    with serving(stream, cut) as server:
        with client(server, max_retries=2, **secured(server, True)) as own:
            assert ask(own).collect().text == "a"
    assert server.connections == 3


def test_a_system_without_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certifi = pytest.importorskip("certifi", reason="certifi is not installed")
    for name in (ssl.get_default_verify_paths().openssl_cafile_env, "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "missing"))
    assert len(_tls.default_context().get_ca_certs()) > 50
    assert _tls.default_context(CA_FILE).get_ca_certs()
    assert len(_tls.default_context(CA_FILE).get_ca_certs()) == 1
    (tmp_path / "missing").mkdir()
    assert not _tls._has_store()  # a folder without a certificate is none
    (tmp_path / "missing" / "0a0b0c0d.0").write_text("")
    assert _tls._has_store()
    monkeypatch.delenv("SSL_CERT_DIR")
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, certifi.where())
    assert _tls._has_store()
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(tmp_path / "no"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "no"))
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert _tls.default_context().get_ca_certs() == []  # each handshake says what is missing


# Proxies


@pytest.mark.parametrize("proxy_wrap", [None, over_tls], ids=["http proxy", "https proxy"])
def test_a_tunnel(proxy_wrap: Any, secure: Server) -> None:
    """The proxy gets its password, but no request; the tunnel is used again."""
    with serving(relay, proxy_wrap) as proxy:
        scheme = "http" if proxy_wrap is None else "https"
        url = f"{scheme}://me:p%3Aw@127.0.0.1:{proxy.port}"
        with client(secure, proxy=url, ca_file=CA_FILE) as own:
            for _ in range(3):
                assert ask(own).collect().text == "a"
    (request,) = proxy.requests
    assert request.line == f"CONNECT 127.0.0.1:{secure.port} HTTP/1.1"
    assert request.headers == {
        "host": f"127.0.0.1:{secure.port}",
        "proxy-authorization": "Basic bWU6cDp3",
    }
    assert all("proxy-authorization" not in each.headers for each in secure.requests)
    assert secure.connections == 1


@pytest.mark.parametrize("what", ["nothing", "half a head", "drips"])
def test_a_tunnel_that_stalls(what: str) -> None:
    is_over = threading.Event()

    def stall(peer: Peer, _: Request) -> None:
        if what != "nothing":
            peer.send(b"HTTP/1.1 200 OK\r\n")
        while what == "drips" and not is_over.wait(0.01):
            peer.send(b"A: b\r\n")
        peer.wait_for_close()

    with serving(stall) as proxy:
        url = f"127.0.0.1:{proxy.port}"
        with Client(base_url="https://model.test", api_key="", proxy=url, max_retries=0) as own:
            with pytest.raises(TimedOutError) as caught:
                own.chat.completions.create(timeout=Timeout(connect=0.2, idle=60))
        is_over.set()
    assert caught.value.limit == "connect"
    assert f"through the proxy http://{url}" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "the server closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nA", "the connection ended inside the head of the answer"),
        (b"SSH-2.0-x\n", r"the answer is not HTTP; it begins b'SSH-2.0-x\n'"),
        (
            b"HTTP/1.1 200 OK\r\n\r\nsurplus",
            "the proxy sent bytes into the tunnel before the client did",
        ),
    ],
)
def test_wrong_answers_of_a_proxy(answer: bytes, message: str) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.send(answer)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.wait_for_close()

    with serving(handle) as proxy:
        url = f"127.0.0.1:{proxy.port}"
        with Client(base_url="https://model.test", api_key="", proxy=url, max_retries=0) as own:
            with pytest.raises(TransportError) as caught:
                own.chat.completions.create()
    assert str(caught.value) == f"no answer from the proxy http://{url}: {message}"


def test_the_error_names_the_server_behind_a_proxy() -> None:
    with serving(lambda peer, _: peer.close()) as proxy:
        url = f"127.0.0.1:{proxy.port}"
        with Client(base_url="http://model.test", api_key="", proxy=url, max_retries=0) as own:
            with pytest.raises(TransportError, match=f"from http://model.test through .*{url}"):
                own.chat.completions.create()


# Addresses


def test_each_address_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's list has an address once for each kind of socket."""
    connect, tried = socket.socket.connect, []

    def connecting(self: socket.socket, address: Any) -> None:
        tried.append(address)
        connect(self, address)

    with silent() as listener:
        address = listener.getsockname()
    monkeypatch.setattr(socket.socket, "connect", connecting)
    with Client(base_url=f"http://127.0.0.1:{address[1]}", proxy="", max_retries=0) as own:
        with pytest.raises(TransportError, match="Connection refused"):
            own.chat.completions.create()
    assert tried == [address]


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(stream) as server:
        places = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", server.port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: places)
        url = f"http://model.test:{server.port}"
        with client(server, base_url=url) as own:
            assert ask(own).collect().text == "a"
        places[2:] = []
        with client(server, base_url=url) as own:
            with pytest.raises(TransportError, match="Connection refused"):
                ask(own)
        places[:] = []
        with client(server, base_url=url) as own:
            with pytest.raises(TransportError, match=f"from {url}: its name has no address$"):
                ask(own)


def test_the_deadline_limits_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time to connect is for one address, the deadline for all of them."""
    with silent() as listener:
        address = listener.getsockname()
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 100
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: places)
        with Client(base_url="http://model.test", api_key="", proxy="", max_retries=0) as own:
            with pytest.raises(TimedOutError) as caught:
                own.chat.completions.create(timeout=Timeout(connect=0.2, deadline=0.5))
        for filler in fillers:
            filler.close()
    assert caught.value.limit == "deadline"
    timing = caught.value.timing
    assert timing is not None
    assert 0.4 < (timing.end_ns - timing.call_ns) / 1e9 < 5
