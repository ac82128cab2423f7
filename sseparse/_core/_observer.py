# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Define Observer, which takes bytes and returns everything on the wire."""

from __future__ import annotations

from typing import Final, final

from ._bytes import BytesLike, to_bytes
from ._items import Item
from ._machine import DEFAULT_MAX_EVENT_SIZE, Machine

__all__ = ["Observer"]

_LF: Final = 10
_CR: Final = 13


@final
class Observer(Machine):
    r"""Parse one stream into items, for callers that need what an Event leaves out.

    ``feed`` returns items in the order of the wire: one for each line when it ends, and one for a
    byte order mark. The item of a blank line is the whole block that the line ends. Items and
    offsets do not depend on how the stream is cut. The machine is the same as Parser's.

    Args:
        lines: Whether fields, comments and a byte order mark give items, too. False gives only
            blocks, which is faster.
        last_event_id: As for :class:`Parser`.
        max_event_size: As for :class:`Parser`.

    Raises:
        ValueError: As for :class:`Parser`.
        TypeError: As for :class:`Parser`; ``lines`` is not a bool.

    >>> from sseparse import Observer
    >>> for item in Observer().feed(b": hi\nid: 1\n\n"):
    ...     print(item.start, item.end, item.kind, item.name, item.value, item.id)
    0 5 comment None hi None
    5 11 field id 1 None
    11 12 block None None 1
    >>> [block] = Observer(lines=False).feed(b"event: tick\r\ndata: a\r\n\r\n")
    >>> block.event, block.data, block.block_start
    ('tick', 'a', 0)
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        lines: bool = True,
        last_event_id: str | None = "",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    ) -> None:
        if not isinstance(lines, bool):
            raise TypeError(f"lines must be a bool, not {lines.__class__.__name__}")
        super().__init__(last_event_id, max_event_size, True, lines)

    def feed(self, data: BytesLike) -> list[Item]:
        """Take the next bytes of the stream and return the items that they complete, in order.

        The caller may reuse the buffer after the call. An empty chunk changes nothing. The time is
        linear in the bytes, however they are cut.

        Raises:
            EventTooLargeError: A line or an event is larger than ``max_event_size``. The error
                carries the items that this call completed, and their events. Each later call raises
                an equal error that carries none.
            TypeError: ``data`` is not bytes, a bytearray or a C-contiguous memoryview of bytes. The
                parser has not changed.
            RuntimeError: ``close`` was called; or an earlier call did not end, because it was
                interrupted or because another thread is in it.
        """
        chunk = data if type(data) is bytes else to_bytes(data)
        return self._feed(chunk, ends_line=_LF in chunk or _CR in chunk)
