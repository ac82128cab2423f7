"""The route to a server: where to connect, and what to do before a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ._tls import default_context

if TYPE_CHECKING:
    import ssl

    from ._address import Address
    from ._proxies import Proxy

# The rules of both clients for connections.
MAX_IDLE = 64  # connections that are kept
LONGEST_IDLE = 60.0  # s; routers forget connections after some minutes, without a notice
PARKED_FOR = 5.0  # s; the longest wait for the end of an answer that nobody reads any more


@attrs.frozen
class Route:
    """The route to a server.

    Attributes:
        address: The address of the server.
        proxy: The proxy on the route, or None.
        context: The TLS settings for the server; None for no TLS.
        proxy_context: The TLS settings for the proxy; None for no TLS.
    """

    address: Address
    proxy: Proxy | None
    context: ssl.SSLContext | None
    proxy_context: ssl.SSLContext | None

    @classmethod
    def to(
        cls,
        address: Address,
        proxy: Proxy | None,
        context: ssl.SSLContext | None,
        ca_file: str | None,
    ) -> Route:
        """Return the route to a server.

        Args:
            address: The address of the server.
            proxy: The proxy on the route, or None.
            context: The TLS settings for both; None for the default.
            ca_file: Authorities in PEM for the default TLS settings, instead of the system's.

        Raises:
            OSError: The file of authorities cannot be read.
            ValueError: Both a context and a file of authorities are given.
        """
        if context is not None and ca_file is not None:
            raise ValueError("give ssl_context or ca_file: a context has its own authorities")
        needs_tls = address.scheme == "https"
        proxy_needs_tls = proxy is not None and proxy.scheme == "https"
        if context is None and (needs_tls or proxy_needs_tls or ca_file is not None):
            # One for all connections, because loading the authorities takes some 20 ms.
            context = default_context(ca_file)
        return cls(
            address,
            None if address.socket_path else proxy,
            context if needs_tls else None,
            context if proxy_needs_tls else None,
        )

    @property
    def dialled(self) -> tuple[str, int]:
        """The host and port to connect to."""
        if self.proxy is not None:
            return self.proxy.host, self.proxy.port
        return self.address.host, self.address.port

    @property
    def has_tunnel(self) -> bool:
        """Whether the proxy only passes bytes on, so that it sees no request."""
        return self.proxy is not None and self.context is not None

    @property
    def is_forwarded(self) -> bool:
        """Whether the proxy reads the requests."""
        return self.proxy is not None and self.context is None

    def target(self, target: str) -> str:
        """Return the target for the request line."""
        return self.address.origin + target if self.is_forwarded else target

    def headers(self) -> dict[str, str]:
        """Return the headers that each request needs on this route."""
        headers = {"Host": self.address.authority}
        if self.is_forwarded and self.proxy is not None and self.proxy.authorization:
            headers["Proxy-Authorization"] = self.proxy.authorization
        return headers

    def tunnel_request(self) -> bytes:
        """Return the request that asks the proxy for a tunnel (RFC 9110, section 9.3.6)."""
        host, port = self.address.host.partition("%")[0], self.address.port
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.proxy is not None and self.proxy.authorization:
            lines.append(f"Proxy-Authorization: {self.proxy.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()
