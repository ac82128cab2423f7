r"""Read the completions of OpenAI-compatible servers, and ask for them with a client.

The protocol needs only this package. It reads the bytes that any HTTP library returns, and raises
an error if the answer is not whole:

>>> from sseparse.completions import iter_chunks
>>> stream = iter_chunks([b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n',
...                       b"data: [DONE]\n\n"])
>>> stream.collect().text
'Hi'

The clients need extras: ``pip install sseparse[client]``, and ``sseparse[async]`` for asyncio. They
are imported when their names are used:

>>> from sseparse.completions import Client
>>> client = Client(base_url="http://127.0.0.1:8080/v1")

The modules, each of which imports only those before it::

    _text, _headers, _timing ◄ _models ◄ _errors, _reported, _lines
    _merging ◄ _tool_calls ◄ _merger
    _answer ◄ _parser ◄ _stream ◄ _async_stream ◄ _chunks

``_parser`` has the rules for a completion, and ``_answer`` those for an answer from its first byte
to one outcome. Read these first. ``_errors`` has the tree of the errors.
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
    from .._clients._async_client import AsyncClient
    from .._clients._client import Client
    from .._clients._events import AsyncEventStream, EventStream
    from .._clients._timeout import Timeout

# The names of the clients, the modules that have them, and the extras that these need.
_CLIENTS = {
    "AsyncClient": ("_async_client", "async"),
    "AsyncEventStream": ("_events", "async"),
    "Client": ("_client", "client"),
    "EventStream": ("_events", "client"),
    "Timeout": ("_timeout", "client"),
}

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

# If an extra is missing, ``from sseparse.completions import *`` leaves out its client.
_found = {name for name in ("aiohttp", "attrs", "urllib3") if PathFinder.find_spec(name)}
if TYPE_CHECKING or _found >= {"attrs", "urllib3"}:
    __all__ += ["Client", "EventStream"]
if TYPE_CHECKING or _found >= {"attrs", "aiohttp"}:
    __all__ += ["AsyncClient", "AsyncEventStream"]
if TYPE_CHECKING or _found > {"attrs"}:
    __all__ += ["Timeout"]


def __getattr__(name: str) -> object:
    """Import a client when its name is used, because it needs other packages."""
    if name not in _CLIENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module_name, extra = _CLIENTS[name]
    try:
        module = import_module(f".._clients.{module_name}", __name__)
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] == __name__.split(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"sseparse.completions.{name} needs {error.name.split('.')[0]}: "
            f"pip install 'sseparse[{extra}]'",
            name=error.name,
        ) from error
    globals()[name] = value = getattr(module, name)
    return value
