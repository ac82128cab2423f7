"""Translate the exceptions of aiohttp."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import aiohttp

from ..._http1 import HttpError
from .._faults import RefusedTunnelError

if TYPE_CHECKING:
    from .._route import Route


class UnconnectedError(OSError):
    """There is no connection.

    Attributes:
        error: The reason.
        is_past_proxy: Whether something else than the proxy may have failed.
    """

    def __init__(self, error: Exception, is_past_proxy: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.is_past_proxy = is_past_proxy


def unconnected(error: Exception, route: Route) -> UnconnectedError:
    """Return the error for an exception of aiohttp's connector.

    Args:
        error: The exception.
        route: The route of the connection.
    """
    proxy = route.proxy
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return UnconnectedError(RefusedTunnelError(error.status, error.message), False)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        is_proxy = proxy is not None and (error.host, error.port) == (proxy.host, proxy.port)
        return UnconnectedError(_root_of(error), not is_proxy)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return UnconnectedError(ConnectionResetError("the connection was closed"), False)
    if isinstance(error, aiohttp.ClientResponseError):
        return UnconnectedError(HttpError(f"its answer is not HTTP: {error.message}"), False)
    if isinstance(error, aiohttp.ClientError):
        return UnconnectedError(_root_of(error), proxy is None)
    return UnconnectedError(error, True)


def _root_of(error: Exception) -> Exception:
    """Return the exception of the system that aiohttp has wrapped."""
    root = error.__cause__
    if not isinstance(root, Exception):
        return OSError(str(error))
    if isinstance(root, OSError) and str(root.strerror).startswith("Connect call failed"):
        # asyncio's message hides the system's, which has the reason.
        return OSError(root.errno, os.strerror(root.errno or 0))
    return root
