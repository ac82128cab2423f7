"""The framing of bodies (RFC 9112, sections 6 and 7).

Each class takes the bytes of the connection, cut anywhere, and returns the bytes of the body in
them. Everything before a fault is returned; then ``fault`` describes the fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._errors import HttpError

if TYPE_CHECKING:
    from ._head import Head

_MAX_LINE = 16 * 1024  # bytes of a line with the size of a chunk, its extensions included
_MAX_TRAILERS = 256 * 1024  # bytes

# The size of a chunk, its extensions, which are ignored, and the end of the line.
_SIZE = rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?"
_SIZE_LINE = re.compile(_SIZE + rb"\r?\n")
_STRICT_SIZE_LINE = re.compile(_SIZE + rb"(?<!\r)\r\n")
_SIZE_LINE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,15}[ \t]*(?:;[^\r\n]*)?\r?")
_SHOWN = 40  # bytes that a message shows
_NO_BODY = frozenset({204, 304})


class Body:
    """The base of all bodies.

    Attributes:
        is_over: Whether the body has ended.
        surplus: The bytes that came after the end of the body.
        fault: What is wrong with the framing, or "".
    """

    __slots__ = ("fault", "is_over", "surplus")

    def __init__(self) -> None:
        self.is_over = False
        self.surplus = b""
        self.fault = ""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body in the next bytes of the connection."""
        raise NotImplementedError

    def close(self) -> None:
        """Record that the connection has ended."""
        if not self.is_over:
            self.fault = self.fault or "the connection ended before the whole body had arrived"


class UnsizedBody(Body):
    """A body that ends with the connection."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body in the next bytes of the connection."""
        return data

    def close(self) -> None:
        """Record that the connection has ended."""
        self.is_over = True


class SizedBody(Body):
    """A body of that many bytes."""

    __slots__ = ("_left",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size
        self.is_over = not size

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body in the next bytes of the connection."""
        left = self._left
        self._left = max(left - len(data), 0)
        self.is_over = not self._left
        if len(data) <= left:
            return data
        self.surplus = data[left:]
        return data[:left]


class ChunkedBody(Body):
    """A body in chunks, each after its size (RFC 9112, section 7.1).

    Args:
        is_strict: Whether lines must end with CR LF, and those after the last chunk must be fields.
            A client is tolerant, because the result is the same; a reader of files is strict,
            because other bytes may follow.

    Attributes:
        problem: What was expected, and what came instead, if the framing is wrong.
        broken_at: The offset of that place, in bytes from the start of the body.
    """

    __slots__ = (
        *("_in_trailers", "_is_strict", "_left", "_received", "_rest", "_size", "_trailers"),
        *("broken_at", "problem"),
    )

    def __init__(self, *, is_strict: bool = False) -> None:
        super().__init__()
        self.problem = ""
        self.broken_at = 0
        self._is_strict = is_strict
        self._received = 0  # bytes
        self._size = 0  # bytes of the data of this chunk
        self._left = 0  # bytes of it still to come; -1 if only its line end is still to come
        # Bytes that are searched again with the next ones: the end of a line, or a part of one.
        self._rest = b""
        self._in_trailers = False
        self._trailers = 0  # bytes of them so far

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body in the next bytes of the connection."""
        self._received += len(data)
        if self._rest:
            data, self._rest = self._rest + data, b""
        size, left = len(data), self._left
        if left > size and not self.fault:  # all bytes are inside a chunk
            self._left = left - size
            return data
        if chunk := self._only(data):
            return chunk
        size_line = _STRICT_SIZE_LINE if self._is_strict else _SIZE_LINE
        pieces, at = [], 0
        while not (self._in_trailers or self.fault):
            if left > 0:
                end = at + left
                pieces.append(data[at:end])
                if end > size:
                    self._left = end - size
                    break
                at, left = end, -1  # the line end after the data is still to come
            if left < 0:
                line_end = self._line_end_at(data, at)
                if line_end < 0:
                    self._stop(data, at, self._line_end)
                    break
                if not line_end:
                    self._left, self._rest = -1, data[at:]
                    break
                at += line_end
            match = size_line.match(data, at)
            if match is None:
                self._left = 0
                self._rest = data[at:]
                if b"\n" in self._rest or len(self._rest) > _MAX_LINE:
                    self._stop(data, at, "the size of a chunk")
                break
            at, left = match.end(), int(match[1], 16)
            self._size = left
            self._in_trailers = not left
        if self._in_trailers and not (self.is_over or self.fault):
            self._left = 0
            self._skip_trailers(data[at:])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _only(self, data: bytes) -> bytes:
        """Return the data of the chunk if the read is one chunk and nothing else; b"" if not.

        A server that sends event by event gives such reads, for which this saves time. Their size
        follows from their length, so their first line is compared, and not read.
        """
        if self._left or self._in_trailers or self.fault:
            return b""
        digits = (len(data).bit_length() + 3) // 4
        size = len(data) - digits - 4
        if size <= 0 or not data.endswith(b"\r\n"):
            return b""
        size_line = b"%x\r\n" % size
        if len(size_line) != digits + 2 or not data.startswith(size_line):
            return b""
        self._size = size
        return data[digits + 2 : -2]

    def close(self) -> None:
        """Record that the connection has ended."""
        # What is missing after the last chunk does not matter (RFC 9112, section 8).
        self.is_over = self.is_over or (self._in_trailers and not self.fault)
        if not (self.is_over or self.problem):
            left, came = self._left, self._rest
            self.broken_at = self._received - len(came)
            if left > 0:
                self.problem = f"a chunk of {self._size} bytes ends after {self._size - left} bytes"
            else:
                self._expect(self._line_end if left else "the size of a chunk", came)
        super().close()

    @property
    def _line_end(self) -> str:
        return f"CR LF after a chunk of {self._size} bytes"

    def _line_end_at(self, data: bytes, at: int) -> int:
        """Return the length of the line end there; 0 if more bytes decide, -1 if it is none."""
        first = data[at : at + 1]
        if first == b"\n":
            return -1 if self._is_strict else 1
        if first == b"\r":
            second = data[at + 1 : at + 2]
            return 2 if second == b"\n" else -1 if second else 0
        return -1 if first else 0

    def _skip_trailers(self, data: bytes) -> None:
        """Skip the fields after the last chunk, up to a blank line."""
        at = 0
        while (line_end := data.find(b"\n", at)) >= 0:
            line, start, at = data[at:line_end], at, line_end + 1
            if line in (b"", b"\r"):
                self.is_over, self.surplus = True, data[at:]
                return
            if self._is_strict and b":" not in line:
                self._stop(data, start, "a blank line after the last chunk")
                return
        self._trailers += at
        self._rest = data[at:]
        if self._trailers + len(self._rest) > _MAX_TRAILERS:
            self._stop(data, 0, "a blank line after the last chunk")
            self.fault = f"there are more than {_MAX_TRAILERS // 1024} KiB after the last chunk"

    def _stop(self, data: bytes, at: int, expected: str) -> None:
        self._rest = b""
        self.broken_at = self._received - len(data) + at
        self._expect(expected, data[at:])
        self.fault = f"the chunked body is broken: {self.problem}"

    def _expect(self, expected: str, found: bytes) -> None:
        self.problem = f"expected {expected}, not {repr(found[:_SHOWN]) if found else 'the end'}"


def begins_chunked(data: bytes) -> bool | None:
    r"""Tell whether the first bytes of a body are the size of a chunk; None if more bytes decide.

    >>> begins_chunked(b"1a\r\n"), begins_chunked(b"da"), begins_chunked(b"data")
    (True, None, False)
    """
    if _STRICT_SIZE_LINE.match(data):
        return True
    return None if len(data) < _MAX_LINE and _SIZE_LINE_BEGUN.fullmatch(data) else False


def body_of(head: Head, method: str = "GET") -> Body:
    """Return the reader for the framing that a head announces (RFC 9112, section 6.3).

    Raises:
        HttpError: The head contradicts itself, or announces a framing that is not supported.
    """
    if method == "HEAD" or head.status < 200 or head.status in _NO_BODY:
        return SizedBody(0)
    codings = [each for each in head.values("transfer-encoding") if each != "identity"]
    if codings:
        if codings == ["chunked"]:
            return ChunkedBody()
        raise HttpError(f"the transfer coding {', '.join(codings)!r} is not supported")
    sizes = head.values("content-length")
    if not sizes:
        return UnsizedBody()
    size = sizes[0]
    if len(set(sizes)) > 1 or not (size.isascii() and size.isdigit() and len(size) < 19):
        raise HttpError(f"the answer's Content-Length is no size: {', '.join(sizes)[:40]!r}")
    return SizedBody(int(size))
