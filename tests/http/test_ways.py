"""The routes to a server: proxies, tunnels, TLS, unix sockets. On real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopback import DONE, PATIENCE, Peer, Request, Server, ask, client, delta, serving
from sseparse._clients import _client, _tls
from sseparse.completions import Client, TimedOutError, Timeout, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Each starts a server.
pytestmark = pytest.mark.thorough

TLS = Path(__file__).parents[1] / "data" / "tls"
CERT = str(TLS / "cert.pem")


def over_tls(connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    connection.settimeout(PATIENCE)
    return context.wrap_socket(connection, server_side=True)


def over_tls_with_client(connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CERT)
    connection.settimeout(PATIENCE)
    return context.wrap_socket(connection, server_side=True)


@pytest.fixture(autouse=True)
def _no_wait_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "pause", lambda *_: None)


def stream(peer: Peer, _: Request) -> None:
    peer.stream(delta("a"), DONE)


def tunnel(peer: Peer, request: Request) -> None:
    """Act as a proxy that passes bytes on."""
    host, _, port = request.line.split()[1].rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as upstream:
        peer.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        back = threading.Thread(target=pump, args=[upstream, peer.socket])
        back.start()
        pump(peer.socket, upstream)
        back.join(PATIENCE)
    peer.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def secure() -> Iterator[Server]:
    with serving(stream, over_tls) as server:
        server.url = server.url.replace("http:", "https:")
        yield server


# TLS


def test_a_context_of_ones_own(secure: Server) -> None:
    context = ssl.create_default_context(cafile=CERT)
    with client(secure, ssl_context=context) as own:
        assert ask(own).collect().text == "a"
    with pytest.raises(ValueError, match="ssl_context or ca_file"):
        client(secure, ssl_context=context, ca_file=CERT)


def test_verification_can_be_switched_off(secure: Server) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with client(secure, ssl_context=context) as own:
        assert ask(own).collect().text == "a"


def test_a_certificate_of_the_client() -> None:
    with serving(stream, over_tls_with_client) as server:
        url = server.url.replace("http:", "https:")
        context = ssl.create_default_context(cafile=CERT)
        context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
        with client(server, base_url=url, ssl_context=context) as own:
            assert ask(own).collect().text == "a"
        with client(server, base_url=url, ca_file=CERT) as own:
            with pytest.raises(TransportError, match=r"no answer from https://127\.0\.0\.1"):
                ask(own)


def waits(errors: list[Any]) -> Callable[..., None]:
    return lambda *retry: errors.append(retry)


def test_a_certificate_that_is_not_trusted_is_not_tried_again(secure: Server) -> None:
    retries: list[Any] = []
    with client(secure, max_retries=2, on_retry=waits(retries)) as own:
        with pytest.raises(TransportError, match=r"certificate verify failed: .*\(see ssl_context"):
            ask(own)
    assert (retries, secure.connections) == ([], 1)


def test_a_certificate_of_another_host_is_not_trusted(secure: Server) -> None:
    url = secure.url.replace("127.0.0.1", "localhost")
    with client(secure, base_url=url, ca_file=CERT, max_retries=2) as own:
        with pytest.raises(TransportError, match=r"certificate verify failed: Hostname mismatch"):
            ask(own)
    assert secure.connections == 1


def test_a_server_without_tls() -> None:
    def refuse(connection: socket.socket) -> socket.socket:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        raise OSError

    with serving(stream, refuse) as server:
        url = server.url.replace("http:", "https:")
        with client(server, base_url=url, ca_file=CERT, max_retries=2) as own:
            with pytest.raises(TransportError, match=r"does not use TLS \(https\)"):
                ask(own)
    assert server.connections == 1


def test_plain_http_to_a_server_with_tls(secure: Server) -> None:
    url = secure.url.replace("https:", "http:")
    with client(secure, base_url=url) as own:
        with pytest.raises(TransportError):
            ask(own)


def silent() -> contextlib.AbstractContextManager[socket.socket]:
    """Return a listener that accepts connections into its queue and sends nothing."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("limit", ["connect", "deadline"])
def test_a_handshake_that_stalls(limit: str) -> None:
    with silent() as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=url, api_key="", proxy="", max_retries=0) as own:
            with pytest.raises(TimedOutError) as caught:
                own.chat.completions.create(timeout=Timeout(**{"idle": 60, limit: 0.2}))
    assert caught.value.limit == limit


def test_a_handshake_that_is_cut_is_tried_again() -> None:
    def cut(connection: socket.socket) -> socket.socket:
        if server.connections < 3:
            raise OSError
        return over_tls(connection)

    with serving(stream, cut) as server:
        url = server.url.replace("http:", "https:")
        with client(server, base_url=url, ca_file=CERT, max_retries=2) as own:
            assert ask(own).collect().text == "a"
    assert server.connections == 3


def test_a_system_without_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certifi = pytest.importorskip("certifi")
    for name in (ssl.get_default_verify_paths().openssl_cafile_env, "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "missing"))
    assert len(_tls.default_context().get_ca_certs()) > 50
    assert _tls.default_context(CERT).get_ca_certs()
    assert len(_tls.default_context(CERT).get_ca_certs()) == 1
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
    with serving(tunnel, proxy_wrap) as proxy:
        scheme = "http" if proxy_wrap is None else "https"
        url = f"{scheme}://me:p%3Aw@127.0.0.1:{proxy.port}"
        with client(secure, proxy=url, ca_file=CERT) as own:
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


def test_a_proxy_over_tls_that_reads_requests() -> None:
    with serving(lambda peer, _: peer.stream(delta("a"), DONE), over_tls) as proxy:
        url = f"https://127.0.0.1:{proxy.port}"
        with Client(base_url="http://model.test/v1", api_key="k", proxy=url, ca_file=CERT) as own:
            assert ask(own).collect().text == "a"
    assert proxy.requests[0].line.startswith("POST http://model.test/v1/chat/completions ")
    assert proxy.requests[0].headers["host"] == "model.test"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_error_names_a_dead_proxy(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"127.0.0.1:{listener.getsockname()[1]}"
    with Client(
        base_url=f"{scheme}://model.test", api_key="", proxy=f"u:secret@{proxy}", max_retries=0
    ) as own:
        with pytest.raises(TransportError) as caught:
            own.chat.completions.create()
    assert str(caught.value) == f"no answer from the proxy http://{proxy}: Connection refused"


@pytest.mark.parametrize(
    ("status", "attempts"), [("407 Proxy Authentication Required", 1), ("503 Busy", 3)]
)
def test_a_proxy_that_opens_no_tunnel(status: str, attempts: int) -> None:
    def refuse(peer: Peer, _: Request) -> None:
        peer.answer("no", status=status, kind="text/plain")

    retries: list[Any] = []
    with serving(refuse) as proxy:
        with Client(
            base_url="https://model.test",
            api_key="",
            proxy=f"127.0.0.1:{proxy.port}",
            on_retry=waits(retries),
            timeout=Timeout(deadline=PATIENCE),
        ) as own:
            with pytest.raises(TransportError, match=f"proxy http.* does not connect.*{status}"):
                own.chat.completions.create()
    assert len(proxy.requests) == attempts
    assert len(retries) == attempts - 1


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
        (b"", "no answer from the proxy"),
        (b"HTTP/1.1 200 OK\r\nA", "inside the head"),
        (b"SSH-2.0-x\r\n", "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurplus", "bytes into the tunnel before the client did"),
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
            with pytest.raises(TransportError, match=message) as caught:
                own.chat.completions.create()
    assert f"the proxy http://{url}" in str(caught.value)


def test_the_error_names_the_server_behind_a_proxy() -> None:
    with serving(lambda peer, _: peer.close()) as proxy:
        url = f"127.0.0.1:{proxy.port}"
        with Client(base_url="http://model.test", api_key="", proxy=url, max_retries=0) as own:
            with pytest.raises(TransportError, match=f"from http://model.test through .*{url}"):
                own.chat.completions.create()


# Addresses


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no unix sockets")
def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "a server.sock"
    heads = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            with connection, contextlib.closing(Peer.__new__(Peer)) as peer:
                peer.socket, peer._file = connection, connection.makefile("rb")
                for _ in range(2):
                    if request := peer.receive():
                        heads.append((request.line, request.headers["host"]))
                        stream(peer, request)

    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tmp_path)  # the path of a unix socket must be short
        listener.bind("a server.sock")
        listener.listen()
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        quoted = str(path).replace("/", "%2F").replace(" ", "%20")
        with Client(base_url=f"http+unix://{quoted}/v1", api_key="k", proxy="") as own:
            for _ in range(3):
                assert ask(own).collect().text == "a"
    assert heads == [("POST /v1/chat/completions HTTP/1.1", "localhost")] * 3
    path.unlink()
    with Client(base_url=f"http+unix://{quoted}/v1", api_key="", max_retries=0) as own:
        with pytest.raises(TransportError, match=r"http\+unix://.*: No such file"):
            own.chat.completions.create()


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
            with pytest.raises(TransportError, match="has no address"):
                ask(own)


def test_an_unknown_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with Client(base_url="http://model.test", api_key="", proxy="", max_retries=0) as own:
        with pytest.raises(TransportError, match=r"http://model\.test: its name is not known"):
            own.chat.completions.create()


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
