"""The compression of bodies, without a connection."""

from __future__ import annotations

import zlib

import pytest

from sseparse._http1 import HttpError, decompressor_of


def packed(data: bytes, wbits: int = 31) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(data) + packer.flush()


def unpacked(coding: str, *pieces: bytes) -> tuple[bytes, bool]:
    """Return the decompressed bytes, and whether the data is whole."""
    decompressor = decompressor_of([coding])
    assert decompressor is not None
    got = []
    for piece in pieces:
        got.append(decompressor.feed(piece))
        while decompressor.has_more:
            assert got[-1]
            got.append(decompressor.feed(b""))
            assert got[-1]
    return b"".join(got), decompressor.is_whole


MEMBERS = packed(b"one") + packed(b"") + packed(b"") + packed(b"two")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", MEMBERS),
        ("x-gzip", MEMBERS),
        ("gzip", packed(b"onetwo")),
        ("deflate", packed(b"onetwo", 15)),
        ("deflate", packed(b"onetwo", -15)),
        ("gzip", packed(b"onetwo") + b"\0 what follows says nothing"),
    ],
    ids=["members", "other name", "gzip", "deflate", "raw deflate", "more behind it"],
)
def test_every_cut(coding: str, body: bytes) -> None:
    """The end of one member may come with the whole of the next."""
    assert unpacked(coding, body) == (b"onetwo", True)
    for at in range(len(body) + 1):
        for end in (at, at + 1, at + 7):
            pieces = body[:at], body[at:end], body[end:]
            assert unpacked(coding, *pieces) == (b"onetwo", True)
    assert unpacked(coding, *[bytes([byte]) for byte in body]) == (b"onetwo", True)


def test_a_body_that_ends_early() -> None:
    body = packed(b"onetwo")
    for at in range(1, len(body)):
        got, is_whole = unpacked("gzip", body[:at])
        assert b"onetwo".startswith(got)
        assert not is_whole
    assert unpacked("gzip", b"") == (b"", True)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 1 << 22])
def test_a_large_piece_comes_in_parts(size: int) -> None:
    assert unpacked("gzip", packed(bytes(size))) == (bytes(size), True)
    assert unpacked("gzip", packed(bytes(size)) + packed(b"x")) == (bytes(size) + b"x", True)


def test_the_bytes_before_a_fault_are_returned() -> None:
    decompressor = decompressor_of(["gzip"])
    assert decompressor is not None
    assert decompressor.feed(packed(b"one") + b"\x1f\x8bnonsense") == b"one"
    assert decompressor.has_more
    for _ in range(2):
        with pytest.raises(HttpError, match="the body is no gzip"):
            decompressor.feed(b"")


def test_bytes_that_are_not_compressed_that_way() -> None:
    with pytest.raises(HttpError, match="the body is no gzip"):
        unpacked("gzip", b"no gzip")
    assert decompressor_of(["br"]) is None
    assert decompressor_of(["gzip", "gzip"]) is None
