"""TLS for the tests' own server."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import PATIENCE

if TYPE_CHECKING:
    import socket

    from loopback import Server

TLS = Path(__file__).parents[1] / "data" / "tls"
CA_FILE = str(TLS / "cert.pem")  # the certificate, for 127.0.0.1, signs itself


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


def over_tls(connection: socket.socket) -> ssl.SSLSocket:
    """Do the server's part of the handshake."""
    connection.settimeout(PATIENCE)
    return server_context().wrap_socket(connection, server_side=True)


def https(server: Server) -> str:
    """Return the base URL of a server with TLS."""
    return server.url.replace("http:", "https:")


def secured(server: Server, is_tls: bool) -> dict[str, Any]:
    """Return the options of a client for a server with TLS or without."""
    return {"base_url": https(server), "ca_file": CA_FILE} if is_tls else {}
