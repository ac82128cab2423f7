"""The default TLS settings of a client."""

from __future__ import annotations

import os
import ssl


def default_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Return a context that checks certificates against the system's authorities.

    If the system has none, as in small containers, it uses those of certifi, if that is installed.

    Args:
        ca_file: Authorities in PEM, instead of the system's.

    Raises:
        OSError: The file cannot be read.
    """
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None and not context.get_ca_certs() and not _has_store():
        try:
            import certifi
        except ImportError:  # then each handshake fails, with the reason
            pass
        else:
            context.load_verify_locations(certifi.where())
    return context


def _has_store() -> bool:
    """Tell whether OpenSSL finds authorities of the system when it needs one."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return True
    try:
        with os.scandir(paths.capath or "") as entries:
            return any(entries)
    except OSError:
        return False
