"""The head of an answer: its status line and its fields (RFC 9112, sections 4 and 5)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ._errors import HttpError

MAX_HEAD_SIZE = 256 * 1024  # bytes, of all heads of an exchange, interim answers included
MAX_FIELDS = 1000  # of one head

_STATUS_LINE = re.compile(r"HTTP/(\d(?:\.\d)?)[ \t]+([1-9]\d\d)(?:[ \t]+(.*?))?[ \t]*")
_END = re.compile(rb"\n\r?\n")
_FIRST_BYTES = 40  # bytes that a message shows


class Head(NamedTuple):
    """The head of an answer.

    Attributes:
        version: "1.1", for example.
        status: The status code.
        reason: The reason phrase; "" if there is none.
        fields: Names and values, in order.
    """

    version: str
    status: int
    reason: str
    fields: list[tuple[str, str]]

    def values(self, name: str) -> list[str]:
        """Return the parts between commas of all fields of that name, in lower case."""
        joined = ",".join(value for key, value in self.fields if key.lower() == name)
        return [part.strip().lower() for part in joined.split(",") if part.strip()]

    @property
    def keeps_connection(self) -> bool:
        """Whether the server announces to keep the connection (RFC 9112, section 9.3)."""
        options = self.values("connection")
        if self.version == "1.0":
            return "keep-alive" in options
        return "close" not in options


class HeadReader:
    """Read heads from bytes that are cut anywhere."""

    def __init__(self) -> None:
        self._rest = bytearray()  # what has come after the last head
        self._size = 0  # bytes of the heads so far
        self._searched = 0  # bytes of _rest that contain no end of a head

    @property
    def rest(self) -> bytes:
        """The bytes after the last head."""
        return bytes(self._rest)

    @property
    def has_begun(self) -> bool:
        """Whether a byte of the next head has come."""
        return bool(self._rest)

    def feed(self, data: bytes = b"") -> Head | None:
        """Return the next head, or None if it is not whole yet.

        Raises:
            HttpError: The bytes are not a head, or it is too large.
        """
        rest = self._rest
        rest += data
        if not self._searched:
            del rest[: len(rest) - len(rest.lstrip(b"\r\n"))]  # old servers sent them after a body
            first = bytes(rest[:_FIRST_BYTES])
            if not b"HTTP/".startswith(first[:5]):
                raise HttpError(f"the answer is not HTTP; it begins {first!r}")
        found = _END.search(rest, max(self._searched - 2, 0))
        end = found.end() if found else len(rest)
        if self._size + end > MAX_HEAD_SIZE:
            raise HttpError(f"the head of the answer is larger than {MAX_HEAD_SIZE // 1024} KiB")
        if found is None:
            self._searched = len(rest)
            return None
        head = parse_head(bytes(rest[: found.start()]))
        del rest[:end]
        self._searched = 0
        self._size += end
        return head

    def answer(self, data: bytes = b"") -> Head | None:
        """Return the next head that is not of an interim answer (RFC 9110, section 15.2).

        Raises:
            HttpError: The bytes are not a head, it is too large, or it switches to another
                protocol.
        """
        head = self.feed(data)
        while head is not None and head.status < 200:
            if head.status == 101:
                raise HttpError("the server switches to another protocol without a request for it")
            head = self.feed()
        return head

    def close(self) -> None:
        """Record that the connection has ended before the next head was whole.

        Raises:
            HttpError: It ended inside a head.
            ConnectionResetError: It ended before a byte of a head.
        """
        if self.has_begun:
            raise HttpError("the connection ended inside the head of the answer")
        raise ConnectionResetError("the server closed the connection without an answer")


def parse_head(data: bytes, *, is_strict: bool = True) -> Head:
    """Parse a head: the status line and the lines of the fields.

    Args:
        data: The whole head, without the blank line.
        is_strict: Whether a line that is no field is an error. A client cannot trust such an
            answer. For a reader of files it is a field without a value.

    Raises:
        HttpError: The bytes are not a head.
    """
    first, *lines = data.decode("latin-1").split("\n")
    match = _STATUS_LINE.fullmatch(first.rstrip("\r"))
    if match is None:
        raise HttpError(f"the answer has no status line; it begins {data[:_FIRST_BYTES]!r}")
    version, status, reason = match.groups()
    return Head(version, int(status), reason or "", parse_fields(lines, is_strict=is_strict))


def parse_fields(lines: list[str], *, is_strict: bool = True) -> list[tuple[str, str]]:
    """Return the names and values of header lines; see ``parse_head``."""
    if len(lines) > MAX_FIELDS:
        raise HttpError(f"the head of the answer has more than {MAX_FIELDS} fields")
    fields: list[tuple[str, list[str]]] = []  # a name, and the lines of its value
    for line in lines:
        is_folded = line[:1] in (" ", "\t")  # the value goes on, obsolete (section 5.2)
        if is_folded and fields:
            fields[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        if is_strict and not (colon or is_folded):
            raise HttpError(f"a line of the answer's head is no field: {line[:_FIRST_BYTES]!r}")
        fields.append((name.strip(), [value.strip(" \t\r")]))
    return [(name, " ".join(values)) for name, values in fields]
