"""Recognise the kind of a file by its first bytes. Read only as many as are needed to decide.

The name of the file, content types and headers do not count: they are often wrong.
"""

from __future__ import annotations

import re

__all__ = ["FOREIGN", "is_field", "is_settings", "looks_like", "recognised"]

_HEAD_LIMIT = 1 << 16  # bytes; after these, the kind is decided without reading more

_BOM = b"\xef\xbb\xbf"

# The first bytes of each kind of file. A kind with an entry in FOREIGN is refused.
_MARKS = (
    (b"HTTP/", "http"),
    (b"WARC/", "warc"),
    (b"httprr trace v", "httprr"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"%PDF-", "binary"),
    (b"\x89PNG", "binary"),
)

# The kinds of files that are not read, with the message for each: what the file is, and what the
# user can do.
FOREIGN = {
    "utf-16": "this is UTF-16 text, as Windows PowerShell's > writes it; "
    "make it UTF-8 first: iconv -f UTF-16 -t UTF-8 FILE",
    "archive": "this is an archive; unpack it, and read the files in it",
    "lz4": "this is compressed; decompress it first: lz4 -dc FILE",
    "binary": "this is binary data, and no recording of a known form",
    "html": "this is an HTML page and no event stream; "
    "curl -i shows the status and the headers of the server's answer",
    "xml": "this is XML and no event stream",
    "ini": "this looks like TOML or INI, and no event stream; "
    "save only the body, unchanged (curl -sN)",
    "mitmproxy": "this is a flow file of mitmproxy; "
    "write it as HAR, which can be read: mitmdump -nr FILE --set hardump=FILE.har",
}

# A field of the standard, with or without a value, or a comment.
_FIELD = re.compile(rb"(?:data|event|id|retry)?:|(?:data|event|id|retry)\Z")
_FIELDS = (b"data", b"event", b"id", b"retry")
_BEGINNINGS = (*(name + b":" for name in _FIELDS), b":")
_LINE_END = re.compile(rb"[\r\n]")
# The beginning of a flow file of mitmproxy: a tnetstring with a dictionary, whose first key is a
# tnetstring.
_FLOW = re.compile(rb"[0-9]{1,12}:[0-9]{1,12}:[a-z_]")
_FLOW_BEGUN = re.compile(rb"[0-9]{1,12}(?::(?:[0-9]{1,12}:?)?)?")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)

# The rest of the first line of a JSON list, after its brackets, if the first item is a word or a
# number. "DONE" is included because a file of event data can begin with [DONE].
_SIMPLE = re.compile(
    rb"(?:true|false|null|DONE|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    rb"\s*(?:,|\][\s,\]]*(?:\[|\Z)|\Z)"
)
# A line with the name of a section in TOML or INI, and such a line with a setting in the next line.
_SECTION = re.compile(rb"\[[^{},]*\][ \t]*(?:[#;].*)?\Z")
_SETTINGS = re.compile(rb"\[[^\r\n]*[\r\n]\s*[\w.\"'-]+[ \t]*=")

# The beginning of a line of YAML: a document marker, a directive, an item of a list, or a key that
# recordings begin with.
_YAML = re.compile(
    rb"---(?:\s|\Z)|%(?:YAML|TAG)\s|-\s+[\w'\"?!&*]"
    rb"|['\"]?(?:interactions|http_interactions|version|recorded_with|recorded_at|when|then|log"
    rb"|Entries|request|response)['\"]?\s*:(?:\s|\Z)"
)
_YAML_KEY = re.compile(rb"['\"]?[\w$.-]+['\"]?:[ \t]*\Z")  # its value is in the next line
_INDENTED = re.compile(rb"[ \t]|[-?] ")

_TAR = b"ustar"  # at offset 257 of a tar file
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def recognised(head: bytes, is_end: bool) -> str | None:
    r"""Return the kind of a file or body that begins with these bytes; None if undecided.

    "events" is an event stream. "text" may be one, too: its first lines may be ignored lines.

    Args:
        head: The first bytes.
        is_end: Whether there are no more bytes. Then the result is not None.

    >>> recognised(b"data:", False), recognised(b"da", False), recognised(b'{"log"', False)
    ('events', None, 'json')
    """
    if head.startswith(_BEGINNINGS):  # first, because most bodies in documents begin like this
        return "events"
    is_end = is_end or len(head) > _HEAD_LIMIT
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
        if not is_end and mark.startswith(head):
            return None
    if not is_end and _BOM.startswith(head):
        return None
    text = head.removeprefix(_BOM)
    start = text.lstrip()
    if not start:
        return "events" if is_end else None
    if start[0] in b"{":
        return "json"
    if start[0] in b"[":
        return _bracketed(start, is_end)
    if start[0] in b"<":
        return _markup(start, is_end)
    by_lines = _by_lines(text.lstrip(b"\r\n"), is_end)
    if by_lines == "binary" and _TAR.startswith(head[257:262]):
        return "archive" if len(head) >= 262 else by_lines if is_end else None
    return by_lines


def looks_like(body: bytes) -> str:
    """Return the kind of a body, as ``recognised`` does, if no more bytes can be read."""
    return recognised(body, True) or "text"


def is_field(line: bytes) -> bool:
    """Tell whether a line is a field of the standard, or a comment."""
    return _FIELD.match(line) is not None


def is_settings(data: bytes) -> bool:
    """Tell whether a file is TOML or INI, although its first line could be a JSON list."""
    return _SETTINGS.match(data.removeprefix(_BOM).lstrip()) is not None


def _bracketed(start: bytes, is_end: bool) -> str | None:
    """Return the kind of a file that begins with a bracket: JSON, TOML, INI or text."""
    inner = start.lstrip(b"[ \t\r\n")
    if not inner:
        return "json" if is_end else None
    if inner[0] in b"{\"']":
        return "json"
    end = _LINE_END.search(inner)
    if end is None and not is_end:
        return None
    if _SIMPLE.match(inner[: end.start()] if end else inner):
        return "json"
    return "ini" if _SECTION.match(_LINE_END.split(start, maxsplit=1)[0]) else "text"


def _markup(start: bytes, is_end: bool) -> str | None:
    if _HTML.match(start):
        return "html"
    return "xml" if is_end or len(start) > 64 else None


def _by_lines(text: bytes, is_end: bool) -> str | None:
    """Return the kind that the first line shows; None if undecided. Comments are skipped."""
    while True:
        end = _LINE_END.search(text)
        line = text[: end.start()] if end else text
        kind = _by_line(line, is_end or end is not None)
        if kind:
            return kind
        if end is None:
            return "text" if is_end else None
        text = text[end.start() :].lstrip(b"\r\n")
        if line.startswith((b"#", b";")):
            continue
        if _YAML_KEY.match(line):
            if _INDENTED.match(text):
                return "yaml"
            if len(text) < 2 and not is_end:
                return None
        return "text"


def _by_line(line: bytes, is_whole: bool) -> str:
    """Return the kind that a line shows; "" for none."""
    if line.startswith(_BEGINNINGS):
        return "events"
    if not is_whole:
        return "mitmproxy" if _FLOW.match(line) else ""
    if line in _FIELDS:
        return "events"
    if _FLOW.match(line):
        return "mitmproxy"
    if _YAML.match(line):
        return "yaml"
    if _SECTION.match(line):
        return "ini"
    if _CONTROL.search(line):
        has_zeros = line[1:2] == b"\0" or line[:1] == b"\0"
        return "utf-16" if has_zeros and line.count(b"\0") * 3 > len(line) else "binary"
    return ""
