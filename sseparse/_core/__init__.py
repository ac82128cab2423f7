# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Parse and write event streams, without I/O, clock or dependency.

Each module imports only modules that are named before it::

    _event ◄ _items ◄ _errors
             _items, _bytes ◄ _pure ◄ _template ◄ _interpreter ◄ _lines
                                        _lines, _errors, _pending ◄ _machine
                                                                    _machine ◄ _parser, _observer
                                                                               all ◄ _iterate

``_encode`` and ``_build`` import no other module of the core. Three modules are the parser; read
them first: ``_machine`` (what a call does), ``_lines`` (where lines end) and ``_interpreter`` (what
lines mean).
"""

from . import _build  # noqa: F401  # first: it decides which files the imports below load
from ._bytes import COMPILED, BytesLike
from ._encode import encode
from ._errors import Error, EventTooLargeError
from ._event import Event
from ._items import Item
from ._iterate import aiter_events, iter_events, parse
from ._machine import DEFAULT_MAX_EVENT_SIZE
from ._observer import Observer
from ._parser import Parser
from ._pending import Pending

__all__ = [
    "COMPILED",
    "DEFAULT_MAX_EVENT_SIZE",
    "BytesLike",
    "Error",
    "Event",
    "EventTooLargeError",
    "Item",
    "Observer",
    "Parser",
    "Pending",
    "aiter_events",
    "encode",
    "iter_events",
    "parse",
]
