"""Base URLs, proxies and NO_PROXY: how they are parsed, before anything is sent."""

from __future__ import annotations

import pytest

from sseparse._clients._address import Address
from sseparse._clients._proxies import Proxy, is_exempt, proxy_of_environment
from sseparse.completions import Client


@pytest.mark.parametrize(
    ("url", "host", "port", "authority"),
    [
        ("http://localhost/v1", "localhost", 80, "localhost"),
        ("https://Example.ORG/v1", "example.org", 443, "example.org"),
        ("http://example.org:8080", "example.org", 8080, "example.org:8080"),
        ("http://example.org.", "example.org.", 80, "example.org."),
        ("http://[::1]:8080/", "::1", 8080, "[::1]:8080"),
        ("http://[fe80::1%25eth0]/", "fe80::1%eth0", 80, "[fe80::1]"),
        ("http://127.0.0.1", "127.0.0.1", 80, "127.0.0.1"),
        ("http://127.1", "127.1", 80, "127.1"),
        ("http://b\u00fccher.example", "xn--bcher-kva.example", 80, "xn--bcher-kva.example"),
        ("http://my_host.internal", "my_host.internal", 80, "my_host.internal"),
        ("  http://x  ", "x", 80, "x"),
    ],
)
def test_addresses(url: str, host: str, port: int, authority: str) -> None:
    address = Address.of(url)
    assert (address.host, address.port, address.authority) == (host, port, authority)
    assert address.socket_path == ""


def test_what_an_address_consists_of() -> None:
    assert Address.of("https://Example.ORG:8443/v1X/?a=b") == Address(
        origin="https://example.org:8443",
        scheme="https",
        host="example.org",
        port=8443,
        authority="example.org:8443",
        socket_path="",
        path="/v1X",
        query="a=b",
    )
    assert Address.of("http+unix://%2Frun%2FMy%20server.sock/v1X/?a=b") == Address(
        origin="http+unix://%2Frun%2FMy%20server.sock",
        scheme="http",
        host="",
        port=0,
        authority="localhost",
        socket_path="/run/My server.sock",
        path="/v1X",
        query="a=b",
    )


@pytest.mark.parametrize(
    "host",
    [
        "a b",
        "a..b",
        ".a",
        "-a",
        "a-",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "a\u2028b",
        "a%20b",
        "a,b",
        "256.256.256.256",
        "1.2.3.4.5",
        "a.1",
        "[::g]",
        "[1::2::3]",
        "\u00fc" * 70,
        "a*b",
    ],
)
def test_impossible_hosts(host: str) -> None:
    """The error comes at once, and not after the third retry."""
    with pytest.raises(ValueError, match=r"impossible host|IPv6|Invalid|address"):
        Client(base_url=f"http://{host}/v1", proxy="")
    with pytest.raises(ValueError, match="proxy must be the URL") as caught:
        Client(base_url="http://x", proxy=f"http://user:secret@{host}:1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "proxy", "shown"),
    [
        ("http://p:3128", ("http", "p", 3128, ""), "http://p:3128"),
        ("p:3128", ("http", "p", 3128, ""), "http://p:3128"),
        ("p", ("http", "p", 80, ""), "http://p:80"),
        ("https://p", ("https", "p", 443, ""), "https://p:443"),
        ("http://[::1]:1", ("http", "::1", 1, ""), "http://[::1]:1"),
        ("http://u:p@h:1", ("http", "h", 1, "Basic dTpw"), "http://h:1"),
        ("http://u@h:1", ("http", "h", 1, "Basic dTo="), "http://h:1"),
        ("http://us%20er:p%40%C3%BC@h:1", ("http", "h", 1, "Basic dXMgZXI6cEDDvA=="), "http://h:1"),
    ],
)
def test_proxy_urls(url: str, proxy: tuple[str, str, int, str], shown: str) -> None:
    found = Proxy.of(url)
    assert tuple(found) == proxy
    assert (str(found), repr(found)) == (shown, f"<Proxy {shown}>")


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("*", "http://x", True),
        ("a, *", "http://x", True),
        ("a,x,b", "http://x", True),
        ("", "http://x", False),
        (",,", "http://x", False),
        ("example.com", "http://example.com", True),
        ("example.com", "http://EXAMPLE.com.", True),
        ("EXAMPLE.com", "http://www.example.com", True),
        ("example.com", "http://badexample.com", False),
        (".example.com", "http://www.example.com", True),
        (".example.com", "http://example.com", False),
        ("*.example.com", "http://www.example.com", True),
        ("example.com:8080", "http://example.com:8080", True),
        ("example.com:8080", "http://example.com", False),
        ("example.com:80", "http://example.com", True),
        ("https://example.com", "http://example.com", False),
        ("http://example.com", "http://example.com", True),
        ("all://example.com", "https://example.com", True),
        ("localhost", "http://localhost", True),
        ("localhost", "http://a.localhost", False),
        ("127.0.0.1", "http://127.0.0.1:8080", True),
        ("127.0.0.1:80", "http://127.0.0.1", True),
        ("127.0.0.1:81", "http://127.0.0.1", False),
        ("127.0.0.0/8", "http://127.1.2.3", True),
        ("10.0.0.0/8", "http://127.1.2.3", False),
        ("10.1.2.3/8", "http://10.0.0.9", True),
        ("10.0.0.0/8", "http://ten.example", False),
        ("::1", "http://[::1]:8080", True),
        ("[::1]", "http://[::1]", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("[::1]:8080", "http://[::1]", False),
        ("fe80::/10", "http://[fe80::1%25eth0]", True),
        ("fe80::/10", "http://127.0.0.1", False),
        (".", "http://x", False),
    ],
)
def test_no_proxy_entries(no_proxy: str, url: str, exempt: bool) -> None:
    assert is_exempt(Address.of(url), no_proxy) is exempt


def test_the_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    plain, tls, unix = map(Address.of, ("http://x", "https://x", "http+unix://%2Fx"))
    assert proxy_of_environment(plain) is None
    monkeypatch.setenv("ALL_PROXY", "http://all:1")
    monkeypatch.setenv("https_proxy", "http://tls:1")
    assert proxy_of_environment(plain) == "http://all:1"
    assert proxy_of_environment(tls) == "http://tls:1"
    assert proxy_of_environment(unix) is None
    monkeypatch.setenv("NO_PROXY", "x")
    assert proxy_of_environment(plain) is None
    assert proxy_of_environment(Address.of("http://y")) == "http://all:1"


def test_the_proxy_settings_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such settings exist on macOS and Windows; the test replaces the functions."""
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"http": "http://system:1"})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: host == "inside")
    assert proxy_of_environment(Address.of("http://x")) == "http://system:1"
    assert proxy_of_environment(Address.of("http://inside")) is None
