"""The address of a server, from the base URL."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_MAX_NAME, _MAX_LABEL = 253, 63  # characters (RFC 1035, section 2.3.4)


class Address(NamedTuple):
    """The address of a server, and the beginning of its requests' paths and queries.

    Attributes:
        origin: Scheme, host and port, for messages and for proxies.
        scheme: "http" or "https".
        host: A name in ASCII or an address, without brackets; "" for a unix socket.
        port: Its port.
        authority: The value of the header Host.
        socket_path: The path of a unix socket; "" for none.
        path: The beginning of every path, without a slash at its end.
        query: The beginning of every query.
    """

    origin: str
    scheme: str
    host: str
    port: int
    authority: str
    socket_path: str
    path: str
    query: str

    @classmethod
    def of(cls, base_url: str) -> Address:
        """Parse a base URL.

        Raises:
            ValueError: It is not a base URL, or no server can have such an address.
        """
        parts = urlsplit(base_url.strip())
        if "@" in parts.netloc:
            raise ValueError("base_url must not contain a user or password; use default_headers")
        if parts.scheme == "http+unix" and parts.netloc:
            path = unquote(parts.netloc)
            if not path.startswith("/"):
                raise ValueError(
                    "base_url must name a unix socket as http+unix://%2Fpath%2Fto%2Fsocket"
                )
            origin = f"http+unix://{parts.netloc}"
            tail = parts.path.rstrip("/"), parts.query
            return cls(origin, "http", "", 0, "localhost", path, *tail)
        if parts.scheme not in PORTS or not parts.hostname or parts.port == 0:
            raise ValueError(
                "base_url must begin with http:// or https:// and a host, "
                "or with http+unix:// and the path of a socket"
            )
        host = checked_host(parts.hostname, "base_url")
        port = parts.port or PORTS[parts.scheme]
        shown = f"[{host.partition('%')[0]}]" if ":" in host else host
        authority = shown if parts.port is None else f"{shown}:{port}"
        origin = f"{parts.scheme}://{authority}"
        path = parts.path.rstrip("/")
        return cls(origin, parts.scheme, host, port, authority, "", path, parts.query)


def checked_host(host: str, what: str) -> str:
    """Return a host in the form in which it is looked up.

    Args:
        host: A name, or an address without its brackets.
        what: Where it was given, for the message.

    Raises:
        ValueError: There can be no such host.
    """
    if ":" in host:
        address, _, zone = host.partition("%")
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            raise ValueError(f"{what} has an impossible host: {host!r}") from None
        return f"{address}%{unquote(zone.removeprefix('25'))}" if zone else address
    try:
        name = host.encode("idna").decode().lower() if not host.isascii() else host.lower()
    except UnicodeError:
        raise ValueError(f"{what} has an impossible host: {host!r}") from None
    labels = name.removesuffix(".").split(".")
    is_possible = len(name) <= _MAX_NAME and all(
        len(label) <= _MAX_LABEL and _NAME.fullmatch(label) for label in labels
    )
    if is_possible and labels[-1].isdigit():  # then it is an IPv4 address, not a name
        try:
            socket.inet_aton(name)
        except OSError:
            is_possible = False
    if not is_possible:
        raise ValueError(f"{what} has an impossible host: {host!r}")
    return name
