"""A thin client for OpenAI-compatible servers: typed, quick, and honest about how a stream ended.

>>> from sseparse.completions import Client
>>> client = Client(base_url="http://127.0.0.1:8080/v1")

It needs the extra ``client``: ``pip install sseparse[client]``. The errors are drawn in
``sseparse.completions._errors``.
"""

try:
    from .._http import ExchangeError, TimedOutError, Timeout, TransportError
except ModuleNotFoundError as _e:
    raise ModuleNotFoundError(
        f"sseparse.completions needs {_e.name}: pip install 'sseparse[client]'", name=_e.name
    ) from _e
from ._client import Client
from ._errors import ContentTypeError, EmptyStreamError, StatusError, StreamError, TruncatedError
from ._models import Chunk, Completion, Message, ToolCall, Usage
from ._stream import EventStream, Outcome, Stream

__all__ = [
    "Chunk",
    "Client",
    "Completion",
    "ContentTypeError",
    "EmptyStreamError",
    "EventStream",
    "ExchangeError",
    "Message",
    "Outcome",
    "StatusError",
    "Stream",
    "StreamError",
    "TimedOutError",
    "Timeout",
    "ToolCall",
    "TransportError",
    "TruncatedError",
    "Usage",
]
