"""Make and check the parts of a request: its target, its headers and its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ..completions._models import Model

# The values are str, numbers, bools, or lists of these; None leaves a name out.
Query = Mapping[str, Any]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# A value with a line end could add headers, and the exception that http.client raises for it shows
# the value, which may be a key.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = "/?:@!$&'()*+,;=-._~%[]|"  # what a target may contain, and what some servers want raw
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# The transport sets these. With a wrong one, the server would look for the next request at a wrong
# place.
_REFUSED = frozenset({"content-length", "transfer-encoding", "host"})


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers as they are sent.

    ``Last-Event-ID`` is sent as UTF-8, as the standard says (WHATWG HTML, section 9.2.4).

    Raises:
        TypeError: A name or a value is not a str.
        ValueError: A name or a value cannot be sent; or the transport sets this header itself.
    """
    checked = {}
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(
                f"the header {name!r} must be a str with a str as its value, "
                f"not {type(value).__name__}"
            )
        if name.lower() in _REFUSED:
            raise ValueError(f"the header {name!r} is set by the transport and cannot be given")
        if name.lower() == "last-event-id":
            value = value.encode("utf-8", "surrogatepass").decode("latin-1")
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise ValueError(f"the header {name!r} contains a character that cannot be sent")
        checked[name] = value
    return checked


def merged_headers(headers: dict[str, str], extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers with the extra ones, which replace those of the same name.

    Raises:
        TypeError: As for ``checked_headers``, of the extra ones.
        ValueError: As for ``checked_headers``, of the extra ones.
    """
    added = checked_headers(extra or {})
    replaced = {name.lower() for name in added}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    return {**kept, **added}


def encoded_query(query: Query) -> str:
    """Return a query as a URL contains it.

    Raises:
        TypeError: A name is not a str, or a value is a dict.
    """
    pairs = []
    for name, value in query.items():
        if not isinstance(name, str) or isinstance(value, dict):
            raise TypeError(f"the query {name!r} must be a str with a plain value or a list")
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is not None:
                pairs.append((name, str(each).lower() if isinstance(each, bool) else each))
    return urlencode(pairs)


def target_of(base: tuple[str, str], path: str, query: Query) -> str:
    """Return path and query of a request.

    Args:
        base: Path and query of the base URL.
        path: Path and query below it.
        query: More of the query.

    Raises:
        TypeError: As for ``encoded_query``.
        ValueError: ``path`` is a whole URL.
    """
    path, _, own_query = path.partition("?")
    if "://" in path or path.startswith("//"):
        raise ValueError("the path must not be a whole URL: the API key is for base_url's host")
    base_path, base_query = base
    parts = [base_query, own_query, encoded_query(query)]
    joined = "&".join(part for part in parts if part)
    return _quoted(f"{base_path}/{path.lstrip('/')}" + (f"?{joined}" if joined else ""))


def _quoted(target: str) -> str:
    """Encode the characters that a target cannot contain (RFC 3986); keep its escapes."""
    return _NO_ESCAPE.sub("%25", quote(target, safe=_TARGET, errors="surrogatepass"))


def checked_method(method: str) -> str:
    """Return the name of a method, if it can be sent.

    Raises:
        TypeError: It is not a str.
        ValueError: It is not the name of a method.
    """
    if not isinstance(method, str):
        raise TypeError(f"the method must be a str, not {type(method).__name__}")
    if not _HEADER_NAME.fullmatch(method):
        raise ValueError(f"the method must be a name such as GET, not {method!r}")
    return method


def encoded_body(body: Any) -> bytes:
    """Return a body as JSON.

    Raises:
        TypeError: A value is of a type that JSON does not have.
        ValueError: A number is NaN or infinite, or a value contains itself.
    """
    try:
        text = json.dumps(body, default=_raw_of, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise ValueError(f"the body cannot be sent as JSON: {error}") from error
    return text.encode()


def _raw_of(value: object) -> Any:
    if isinstance(value, Model):
        return value.raw
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
