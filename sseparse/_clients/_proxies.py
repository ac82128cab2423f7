"""Choose the proxy of a client: its argument, or that of the environment."""

from __future__ import annotations

import base64
import ipaddress
import os
import sys
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from ._address import PORTS, Address, checked_host

if TYPE_CHECKING:
    from ._settings import Settings


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        scheme: "http", or "https" if the connection to the proxy uses TLS.
        host: Its host.
        port: Its port.
        authorization: The header with its user and password, or "".
    """

    scheme: str
    host: str
    port: int
    authorization: str

    @classmethod
    def of(cls, url: str) -> Proxy:
        """Parse the URL of a proxy. User and password in it are percent-encoded.

        Raises:
            ValueError: It is not the URL of a proxy. The message does not show it, because it may
                contain a password.
        """
        try:
            parts = urlsplit(url.strip() if "://" in url else f"http://{url.strip()}")
            default = PORTS.get(parts.scheme, 0)
            port = default and (parts.port or default)
            host = checked_host(parts.hostname or "", "proxy")
        except ValueError:
            host, port = "", 0
        if not (host and port):
            raise ValueError("proxy must be the URL of an http or https proxy")
        authorization = ""
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + base64.b64encode(user.encode()).decode()
        return cls(parts.scheme, host, port, authorization)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<Proxy {self}>"  # without the password


def proxy_of(proxy: str | None, settings: Settings) -> Proxy | None:
    """Return the proxy to use: the argument, or that of the environment; None for no proxy.

    Raises:
        ValueError: A proxy of the environment would see a key of the environment; or the URL is not
            that of a proxy.
    """
    if proxy is not None:
        return Proxy.of(proxy) if proxy else None
    address = settings.address
    proxy = proxy_of_environment(address)
    if proxy and address.scheme == "http" and settings.api_key and settings.key_name != "api_key":
        # Over plain http the proxy can read it, and nobody named it as a host for this key.
        raise ValueError(
            "the environment's proxy would see the environment's API key: use an "
            "https base_url, give proxy or api_key, or name the host in NO_PROXY"
        )
    return Proxy.of(proxy) if proxy else None


def proxy_of_environment(address: Address) -> str | None:
    """Return the URL of the environment's proxy for a server; None for no proxy."""
    if address.socket_path:
        return None
    has_settings = sys.platform in ("darwin", "win32")  # of the system, which count too
    if not has_settings and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # without the import
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy or is_exempt(address, proxies.get("no", "")):
        return None
    return None if has_settings and proxy_bypass(address.host) else proxy


def is_exempt(address: Address, no_proxy: str) -> bool:
    """Tell whether NO_PROXY names a server.

    Its entries mean the same as in httpx: ``*`` is everything; ``example.com`` is the domain and
    its subdomains, ``.example.com`` only its subdomains; an entry may have a scheme or a port, and
    may be an address. Networks, such as ``10.0.0.0/8``, mean the same as in curl.
    """
    return any(_names(entry.strip().lower(), address) for entry in no_proxy.split(","))


def _names(entry: str, address: Address) -> bool:
    scheme, has_scheme, rest = entry.partition("://")
    if has_scheme:
        if scheme not in ("all", address.scheme):
            return False
        entry = rest
    if entry == "*":
        return True
    host = address.host.partition("%")[0].removesuffix(".")
    if (network := _network(entry)) is not None:
        found = _network(host)
        return found is not None and found.network_address in network
    name, _, port = entry.rpartition(":")
    if name and port.isdigit():
        if int(port) != address.port:
            return False
        entry = name
        if _network(entry) is not None:
            return _names(entry, address)
    entry = entry.removesuffix(".")
    if entry == "localhost":
        return host == entry
    if entry.startswith((".", "*.")):
        return len(entry.strip("*.")) > 0 and host.endswith("." + entry.lstrip("*."))
    return bool(entry) and (host == entry or host.endswith("." + entry))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None
