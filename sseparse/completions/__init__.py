r"""Completions of OpenAI-compatible servers: what they are, and a client for them.

The protocol needs nothing but this package. It reads the bytes that any HTTP library brings, and is
honest about how they ended:

>>> from sseparse.completions import iter_chunks
>>> stream = iter_chunks([b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n',
...                       b"data: [DONE]\n\n"])
>>> stream.collect().text
'Hi'

The client needs the extra ``client``: ``pip install sseparse[client]``. It is imported when it is
asked for:

>>> from sseparse.completions import Client
>>> client = Client(base_url="http://127.0.0.1:8080/v1")

The modules, each of which imports only those before it::

    _text, _headers, _timing ◄ _models ◄ _errors, _reported, _lines
    _merging ◄ _tool_calls ◄ _merger
    _answer ◄ _parser ◄ _stream ◄ _async_stream ◄ _chunks

``_parser`` says what a completion is, and ``_answer`` how an answer goes from its first byte to one
outcome. Read these first. ``_errors`` has the tree of the errors.
"""

from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from ._answer import Outcome
from ._async_stream import AsyncStream
from ._chunks import aiter_chunks, completion, iter_chunks
from ._errors import (
    ContentTypeError,
    EmptyStreamError,
    ExchangeError,
    ServerError,
    StatusError,
    StreamError,
    TimedOutError,
    TransportError,
    TruncatedError,
)
from ._models import (
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    Function,
    Logprobs,
    Message,
    TokenLogprob,
    TokensDetails,
    ToolCall,
    Usage,
)
from ._parser import DONE_WAIT, CompletionParser
from ._stream import Stream
from ._timing import Timing

if TYPE_CHECKING:
    from .._clients._client import Client
    from .._clients._events import EventStream
    from .._clients._timeout import Timeout

_CLIENTS = {"Client": "_client", "EventStream": "_events", "Timeout": "_timeout"}

__all__ = [
    "DONE_WAIT",
    "AsyncStream",
    "Choice",
    "Chunk",
    "ChunkChoice",
    "Completion",
    "CompletionParser",
    "ContentTypeError",
    "Delta",
    "EmptyStreamError",
    "ExchangeError",
    "Function",
    "Logprobs",
    "Message",
    "Outcome",
    "ServerError",
    "StatusError",
    "Stream",
    "StreamError",
    "TimedOutError",
    "Timing",
    "TokenLogprob",
    "TokensDetails",
    "ToolCall",
    "TransportError",
    "TruncatedError",
    "Usage",
    "aiter_chunks",
    "completion",
    "iter_chunks",
]

# Where the extra is missing, ``from sseparse.completions import *`` leaves out the client.
if TYPE_CHECKING or (PathFinder.find_spec("urllib3") and PathFinder.find_spec("attrs")):
    __all__ += ["Client", "EventStream", "Timeout"]


def __getattr__(name: str) -> object:
    """Import a client when it is asked for, since it needs more than this package."""
    if name not in _CLIENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f".._clients.{_CLIENTS[name]}", __name__)
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] == __name__.split(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"sseparse.completions.{name} needs {error.name.split('.')[0]}: "
            "pip install 'sseparse[client]'",
            name=error.name,
        ) from error
    globals()[name] = value = getattr(module, name)
    return value
