"""The error for bytes that are not HTTP."""

from __future__ import annotations


class HttpError(Exception):
    """The bytes are not valid HTTP/1.1; the message describes the fault."""
