"""The error for bytes that are not HTTP."""

from __future__ import annotations


class HttpError(Exception):
    """The bytes are not what HTTP/1.1 allows; the message says what they are instead."""
