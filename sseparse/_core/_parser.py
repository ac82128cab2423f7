# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Define Parser, which takes bytes and returns events."""

from __future__ import annotations

from typing import Final, final

from ._bytes import BytesLike, to_bytes
from ._event import Event
from ._lines import HOLDING, TAIL
from ._machine import BUSY, DEFAULT_MAX_EVENT_SIZE, Machine

__all__ = ["Parser"]

_LF: Final = 10
_CR: Final = 13


@final
class Parser(Machine):
    r"""Parse one stream into events, as its bytes arrive.

    Give the bytes to ``feed``, cut anywhere. It returns the events that they complete. Use a parser
    in one thread at a time. An :class:`Observer` returns more than the events.

    ``max_event_size`` bounds the memory. It limits the bytes of the current line, plus those of the
    ``data``, ``event`` and ``id`` lines since the last blank line, as sent and without line ends.

    A parser cannot be copied or pickled. If a KeyboardInterrupt or a MemoryError interrupts a call,
    the parser refuses further calls.

    Args:
        last_event_id: The last event ID that a reconnecting client has. Events carry it until the
            stream sends an ID. None and "" mean that there is none.
        max_event_size: The limit in bytes, 64 MiB by default; None for no limit.

    Raises:
        ValueError: ``max_event_size`` is below 1; ``last_event_id`` contains NUL, CR or LF.
        TypeError: ``max_event_size`` is a bool, or not an int or None; ``last_event_id`` is not a
            str or None.

    >>> from sseparse import Parser
    >>> parser = Parser()
    >>> parser.feed(b"data: hel")
    []
    >>> parser.feed(b"lo\n\n")
    [Event(type='message', data='hello', last_event_id='')]
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        last_event_id: str | None = "",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    ) -> None:
        super().__init__(last_event_id, max_event_size, False, False)

    def feed(self, data: BytesLike) -> list[Event]:
        """Take the next bytes of the stream and return the events that they complete, in order.

        The caller may reuse the buffer after the call. An empty chunk changes nothing. The time is
        linear in the bytes, however they are cut.

        Raises:
            EventTooLargeError: A line or an event is larger than ``max_event_size``. The error
                carries the events that this call completed. Each later call raises an equal error
                that carries none.
            TypeError: ``data`` is not bytes, a bytearray or a C-contiguous memoryview of bytes. The
                parser has not changed.
            RuntimeError: ``close`` was called; or an earlier call did not end, because it was
                interrupted or because another thread is in it.
        """
        chunk = data if type(data) is bytes else to_bytes(data)
        state = self._state
        if state <= HOLDING and _LF not in chunk and _CR not in chunk:
            # The line does not end here. _advance_in_pieces would hold it, too; in pure Python, at
            # one byte per read, this code takes 0.6 of the time.
            self._state = BUSY
            held = bytearray(self._held) if state == TAIL else self._held
            held += chunk
            if len(held) <= self._room:
                self._held = held
                self._state = HOLDING
                return []
            if state == HOLDING:
                del held[len(held) - len(chunk) :]  # type: ignore[union-attr]  # a bytearray
            self._state = state
        return self._feed(chunk, ends_line=True)
