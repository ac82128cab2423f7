r"""Find and read the event streams in recorded files.

>>> from sseparse.recording import streams
>>> for recording in streams(b"HTTP/1.1 200 OK\r\n\r\ndata: hello\n\n"):
...     for event in recording.events():
...         print(event.data)
hello

YAML needs the extra ``recordings``: ``pip install 'sseparse[recordings]'``.

Each module imports only the modules that come before it in this list::

    _errors ◄ _source, _cursor, _recognise ◄ _compressed ◄ _layers ◄ _decoded, _http, _bodies
    _recording (with _chunks) ◄ _documents, _har ◄ _json, _yaml (with _yaml_text), _zip, _beside
    _streams, and the readers, which it imports when a file needs them:
    _exchange_files, _data_lines, _document_files
    _ranges

``_recognise`` recognises a form by the first bytes of a file. ``_documents`` has the table of the
forms that are JSON or YAML.
"""

from ._errors import RecordingError
from ._ranges import Range, RangeEvents, split
from ._recording import Reads, Recording
from ._streams import Streams, streams

__all__ = [
    "Range",
    "RangeEvents",
    "Reads",
    "Recording",
    "RecordingError",
    "Streams",
    "split",
    "streams",
]
