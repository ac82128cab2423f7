"""Write recordings in all forms, for the tests.

Each writer takes exchanges and returns a file as the program of that name writes it. VCR.py, go-vcr
and the others cannot all run here, so these functions imitate their files. PyYAML writes the YAML,
as in VCR.py.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


try:
    import yaml
except ImportError:  # PyYAML for free-threaded Python
    import yaml_ft as yaml  # type: ignore[no-redef, unused-ignore]

URL = "https://api.example.com/v1/chat/completions?alt=sse"
STARTED = "2026-11-27T13:58:17.697Z"


class Made(NamedTuple):
    """An exchange to write in a form."""

    body: bytes
    url: str = URL
    status: int = 200
    kind: str = "text/event-stream; charset=utf-8"

    @property
    def text(self) -> str:
        return self.body.decode()


class Pipe(io.RawIOBase):
    """A source that returns some bytes at each read, and can be read once."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data = data
        self.size = size
        self.at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.data[self.at : self.at + min(self.size, len(buffer))]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def has_text(body: bytes) -> bool:
    """Tell whether the body is text that JSON and YAML can contain unchanged."""
    try:
        return "\0" not in body.decode()
    except UnicodeError:
        return False


def dump(value: Any) -> bytes:
    return bytes(yaml.dump(value, Dumper=yaml.SafeDumper, allow_unicode=True, encoding="utf-8"))


def request(made: Made, url: str = "uri") -> dict[str, Any]:
    # The body of the request looks like an event stream, to find readers that look at requests.
    return {
        "method": "POST",
        url: made.url,
        "headers": {"Content-Type": ["application/json"], "Accept": ["text/event-stream"]},
        "body": 'data: {"stream": true}\n\n',
    }


def vcrpy(exchanges: Sequence[Made]) -> bytes:
    return dump({"version": 1, "interactions": [_vcrpy(each, each.text) for each in exchanges]})


def _vcrpy(made: Made, body: str | bytes) -> dict[str, Any]:
    return {
        "request": request(made),
        "response": {
            "body": {"string": body},
            "headers": {"content-type": [made.kind], "content-encoding": ["gzip"]},
            "status": {"code": made.status, "message": "OK"},
        },
    }


def vcrpy_binary(exchanges: Sequence[Made]) -> bytes:
    return dump({"interactions": [_vcrpy(each, each.body) for each in exchanges], "version": 1})


def vcrpy_gzip(exchanges: Sequence[Made]) -> bytes:
    packed = [_vcrpy(each, gzip.compress(each.body, mtime=0)) for each in exchanges]
    return dump({"interactions": packed, "version": 1})


def vcrpy_json(exchanges: Sequence[Made]) -> bytes:
    made = [_vcrpy(each, each.text) for each in exchanges]
    return json.dumps({"version": 1, "interactions": made}, indent=4).encode() + b"\n"


def vcrpy_old(exchanges: Sequence[Made]) -> bytes:
    """The form of VCR.py for httpx before its version 6."""
    responses = [
        {
            "http_version": "HTTP/1.1",
            "status_code": each.status,
            "headers": [["Content-Type", each.kind], ["Content-Encoding", "gzip"]],
            "content": each.text,
        }
        for each in exchanges
    ]
    pairs = zip(exchanges, responses, strict=True)
    made = [{"request": request(each), "response": response} for each, response in pairs]
    return b"# by hand\n" + dump({"interactions": made, "version": 1})


def vcrpy_tags(exchanges: Sequence[Made]) -> bytes:
    """A cassette with objects of Python in it, which yaml.safe_load refuses."""
    lines = ["interactions:"]
    for each in exchanges:
        lines += [
            "- request:",
            "    body: !!python/object/new:_io.BytesIO",
            "      state: !!python/tuple [!!binary e30=, 0, null]",
            "    headers:",
            "      ? !!python/object/apply:multidict._multidict.istr [X-Key]",
            "      : [!!python/unicode 'a']",
            "    method: POST",
            f"    uri: !!python/object/apply:str ['{each.url}']",
            "  response: !!python/object:builtins.dict",
            "    body: {string: !!python/str " + _quoted(each.text) + "}",
            "    headers: !!python/object/apply:collections.OrderedDict",
            "    - - - Content-Type",
            f"        - {each.kind}",
            f"    status: {{code: {each.status}, message: OK}}",
        ]
    return "\n".join([*lines, "version: 1", ""]).encode()


def _quoted(text: str) -> str:
    """Return a text as a scalar in double quotes, which can hold every character."""
    parts = []
    for char in text:
        if char in '"\\':
            parts.append("\\" + char)
        elif " " <= char <= "~":
            parts.append(char)
        elif ord(char) < 0x10000:
            parts.append(f"\\u{ord(char):04x}")
        else:
            parts.append(f"\\U{ord(char):08x}")
    return '"' + "".join(parts) + '"'


def go_vcr(exchanges: Sequence[Made]) -> bytes:
    made = [
        {
            "id": number,
            "request": {**request(each, "url"), "proto": "HTTP/1.1", "content_length": 30},
            "response": {
                "proto": "HTTP/2.0",
                "content_length": -1,
                "body": each.text,
                "headers": {"Content-Type": [each.kind]},
                "status": f"{each.status} OK",
                "code": each.status,
                "duration": "1.02s",
            },
        }
        for number, each in enumerate(exchanges)
    ]
    return b"---\n" + dump({"version": 2, "interactions": made})


def ruby_vcr(exchanges: Sequence[Made]) -> bytes:
    return _ruby(exchanges, lambda each: {"encoding": "UTF-8", "string": each.text}, dump)


def ruby_vcr_binary(exchanges: Sequence[Made]) -> bytes:
    made = _ruby(exchanges, lambda each: {"encoding": "ASCII-8BIT", "string": each.body}, dump)
    return made.replace(b"!!binary", b"!binary")


def betamax(exchanges: Sequence[Made]) -> bytes:
    def body(made: Made) -> dict[str, Any]:
        packed = base64.b64encode(gzip.compress(made.body, mtime=0)).decode()
        return {"encoding": "utf-8", "base64_string": packed}

    return _ruby(exchanges, body, lambda value: json.dumps(value).encode())


def _ruby(
    exchanges: Sequence[Made],
    body: Callable[[Made], dict[str, Any]],
    write: Callable[[Any], bytes],
) -> bytes:
    made = [
        {
            "request": {**request(each), "method": "post"},
            "response": {
                "status": {"code": each.status, "message": "OK"},
                "headers": {"Content-Type": [each.kind]},
                "body": body(each),
            },
            "recorded_at": "Fri, 27 Nov 2026 13:58:17 GMT",
        }
        for each in exchanges
    ]
    return write({"http_interactions": made, "recorded_with": "VCR 6.2.0"})


def httpmock(exchanges: Sequence[Made]) -> bytes:
    """One document for each exchange."""
    documents = []
    for each in exchanges:
        when = {"path": each.url, "method": "POST", "body": "data: no\n\n", "header": []}
        header = [{"name": "content-type", "value": each.kind}]
        then = {"status": each.status, "header": header, "body": each.text}
        documents.append(dump({"when": when, "then": then}))
    return b"---\n".join(documents)


def azure(exchanges: Sequence[Made]) -> bytes:
    made = [
        {
            "RequestUri": each.url,
            "RequestMethod": "POST",
            "RequestBody": {"stream": True},
            "StatusCode": each.status,
            "ResponseHeaders": {"Content-Type": each.kind},
            "ResponseBody": each.text.splitlines(keepends=True),
        }
        for each in exchanges
    ]
    return b"\xef\xbb\xbf" + json.dumps({"Entries": made, "Variables": {}}, indent=2).encode()


def nock(exchanges: Sequence[Made]) -> bytes:
    return json.dumps([_nock(each, each.text) for each in exchanges]).encode()


def nock_gzip(exchanges: Sequence[Made]) -> bytes:
    """The form of nock: a compressed body is a list of its reads in hexadecimal digits."""
    made = []
    for each in exchanges:
        packed = gzip.compress(each.body, mtime=0)
        reads = [packed[:20].hex(), packed[20:].hex()] if len(packed) > 20 else [packed.hex()]
        made.append(_nock(each, reads))
    return json.dumps(made, indent=2).encode()


def _nock(made: Made, response: Any) -> dict[str, Any]:
    scheme, _, rest = made.url.partition("://")
    host, slash, path = rest.partition("/")
    return {
        "scope": f"{scheme}://{host}",
        "method": "POST",
        "path": slash + path,
        "status": made.status,
        "response": response,
        "rawHeaders": ["Content-Type", made.kind, "Content-Encoding", "gzip"],
    }


def request_and_response(exchanges: Sequence[Made]) -> bytes:
    made = [
        {
            "request": request(each, "url"),
            "response": {
                "status_code": each.status,
                "headers": {"content-type": each.kind},
                "body": each.text,
            },
        }
        for each in exchanges
    ]
    return json.dumps(made, indent=2).encode()


def dd_test_agent(exchanges: Sequence[Made]) -> bytes:
    [each] = exchanges
    status = {"code": each.status, "message": "OK"}
    response = {"status": status, "headers": {"Content-Type": each.kind}, "body": each.text}
    return json.dumps({"request": request(each, "url"), "response": response}).encode()


def response(exchanges: Sequence[Made]) -> bytes:
    [each] = exchanges
    made = {"status": each.status, "headers": {"content-type": each.kind}, "body": each.text}
    return json.dumps(made).encode()


def har_document(exchanges: Sequence[Made], creator: str = "by hand") -> dict[str, Any]:
    entries = []
    for each in exchanges:
        content: dict[str, Any] = {"mimeType": each.kind, "size": len(each.body)}
        if has_text(each.body):
            content["text"] = each.text
        else:
            content["text"] = base64.b64encode(each.body).decode()
            content["encoding"] = "base64"
        headers = [{"name": "content-type", "value": each.kind}]
        asked = {"method": "POST", "url": each.url, "headers": [], "postData": {"text": "data: x"}}
        answered = {"status": each.status, "headers": headers, "content": content}
        entries.append({"startedDateTime": STARTED, "request": asked, "response": answered})
    creator_of = {"name": creator, "version": "1"}
    return {"log": {"version": "1.2", "creator": creator_of, "pages": [], "entries": entries}}


def har(exchanges: Sequence[Made]) -> bytes:
    return json.dumps(har_document(exchanges)).encode()


def polly(exchanges: Sequence[Made]) -> bytes:
    return json.dumps(_polly(exchanges), indent=2).encode()


def polly_yaml(exchanges: Sequence[Made]) -> bytes:
    return dump(_polly(exchanges))


def _polly(exchanges: Sequence[Made]) -> dict[str, Any]:
    """The form of Polly.JS for compressed answers: a list of Base64, as JSON in a text."""
    document = har_document(exchanges, "Polly.JS")
    for entry, each in zip(document["log"]["entries"], exchanges, strict=True):
        packed = base64.b64encode(gzip.compress(each.body, mtime=0)).decode()
        content = {"encoding": "base64", "mimeType": each.kind, "text": json.dumps([packed])}
        entry["response"]["content"] = content
    return document


def chrome_har(exchanges: Sequence[Made]) -> bytes:
    """The times and sizes of reads of 7 bytes, 10 ms apart."""
    document = har_document(exchanges, "chrome-har")
    for entry, each in zip(document["log"]["entries"], exchanges, strict=True):
        sizes = [len(each.body[at : at + 7]) for at in range(0, len(each.body), 7)]
        chunks = [{"ts": 10.5 + 10 * index, "bytes": size} for index, size in enumerate(sizes)]
        entry["_chunks"] = chunks
    return json.dumps(document, indent=1).encode()


def har_zip(exchanges: Sequence[Made]) -> bytes:
    """A HAR in a zip file, with the bodies beside it, as Playwright writes it."""
    document = har_document(exchanges, "Playwright")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, entry in enumerate(document["log"]["entries"]):
            content = {"mimeType": exchanges[index].kind, "_file": f"{index:040x}.txt"}
            entry["response"]["content"] = content
            _add(archive, content["_file"], exchanges[index].body)
        _add(archive, "har.har", json.dumps(document).encode())
    return file.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # The bytes do not depend on the date.
    archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def head(made: Made, *fields: str, version: str = "HTTP/1.1") -> bytes:
    lines = [f"{version} {made.status} OK", f"Content-Type: {made.kind}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def chunks(body: bytes) -> bytes:
    size = max(10, len(body) // 1000)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""])


def curl(exchanges: Sequence[Made]) -> bytes:
    """The output of curl -i, whose header names chunks that curl has removed."""
    [each] = exchanges
    return head(each, "Transfer-Encoding: chunked") + each.body


def curl_followed(exchanges: Sequence[Made]) -> bytes:
    """The output of curl -iL: the heads of a redirect and of an interim answer come first."""
    [each] = exchanges
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v2\r\nContent-Length: 5\r\n\r\n"
    return moved + b"HTTP/1.1 100 Continue\r\n\r\n" + head(each, version="HTTP/2") + each.body


def curl_raw(exchanges: Sequence[Made]) -> bytes:
    """The output of curl -i --raw, once for each exchange, in one file."""
    heads = [head(each, "Transfer-Encoding: chunked") for each in exchanges]
    pairs = zip(heads, exchanges, strict=True)
    return b"".join(start + chunks(each.body) for start, each in pairs)


def curl_raw_gzip(exchanges: Sequence[Made]) -> bytes:
    packed = [each._replace(body=gzip.compress(each.body, mtime=0)) for each in exchanges]
    return curl_raw(packed)


def curl_lengths(exchanges: Sequence[Made]) -> bytes:
    """The output of curl -i for answers that have a length."""
    made = ((head(each, f"Content-Length: {len(each.body)}"), each) for each in exchanges)
    return b"".join(start + each.body for start, each in made)


def raw_chunked(exchanges: Sequence[Made]) -> bytes:
    [each] = exchanges
    return chunks(each.body)


def raw(exchanges: Sequence[Made]) -> bytes:
    [each] = exchanges
    return each.body


def httprr(exchanges: Sequence[Made]) -> bytes:
    file = b"httprr trace v1\n"
    for each in exchanges:
        asked = f"POST {each.url} HTTP/1.1\r\nHost: a\r\n\r\ndata: no\n\n".encode()
        answered = curl_lengths([each])
        file += b"%d %d\n%b%b" % (len(asked), len(answered), asked, answered)
    return file


def warc(exchanges: Sequence[Made]) -> bytes:
    return b"".join(_warc_records(exchanges))


def warc_gzip(exchanges: Sequence[Made]) -> bytes:
    """Each record is a member of its own."""
    return b"".join(gzip.compress(each, mtime=0) for each in _warc_records(exchanges))


def _warc_records(exchanges: Sequence[Made]) -> list[bytes]:
    made = [_warc_record("warcinfo", "", b"software: by hand\r\n")]
    for each in exchanges:
        asked = b"POST /v1 HTTP/1.1\r\nHost: a\r\n\r\ndata: no\n\n"
        made.append(_warc_record("request", each.url, asked))
        made.append(_warc_record("response", each.url, curl_raw([each])))
    return made


def _warc_record(kind: str, url: str, block: bytes) -> bytes:
    lines = ["WARC/1.1", f"WARC-Type: {kind}", f"WARC-Date: {STARTED}"]
    lines += [f"WARC-Target-URI: {url}"] if url else []
    lines += [f"Content-Length: {len(block)}", "", ""]
    return "\r\n".join(lines).encode() + block + b"\r\n\r\n"


# The forms with any number of exchanges: the writer, the beginning of .form, and whether bodies
# must be text.
MANY: dict[str, tuple[Callable[[Sequence[Made]], bytes], str, bool]] = {
    "vcrpy": (vcrpy, "VCR.py", True),
    "vcrpy_binary": (vcrpy_binary, "VCR.py", False),
    "vcrpy_gzip": (vcrpy_gzip, "VCR.py", False),
    "vcrpy_json": (vcrpy_json, "VCR.py", True),
    "vcrpy_old": (vcrpy_old, "VCR.py", True),
    "vcrpy_tags": (vcrpy_tags, "VCR.py", True),
    "go_vcr": (go_vcr, "go-vcr", True),
    "ruby_vcr": (ruby_vcr, "Ruby VCR", True),
    "ruby_vcr_binary": (ruby_vcr_binary, "Ruby VCR", False),
    "betamax": (betamax, "Ruby VCR", False),
    "httpmock": (httpmock, "httpmock", True),
    "azure": (azure, "Azure test proxy", True),
    "nock": (nock, "nock", True),
    "nock_gzip": (nock_gzip, "nock", False),
    "request_and_response": (request_and_response, "request and response", True),
    "har": (har, "HAR", False),
    "polly": (polly, "HAR (Polly.JS)", False),
    "polly_yaml": (polly_yaml, "HAR (Polly.JS)", False),
    "chrome_har": (chrome_har, "HAR (chrome-har)", False),
    "har_zip": (har_zip, "HAR (Playwright)", False),
    "curl_raw": (curl_raw, "HTTP answer", False),
    "curl_raw_gzip": (curl_raw_gzip, "HTTP answer", False),
    "curl_lengths": (curl_lengths, "HTTP answer", False),
    "httprr": (httprr, "httprr", False),
    "warc": (warc, "WARC", False),
    "warc_gzip": (warc_gzip, "WARC, gzip", False),
}
# The forms with one exchange.
ONE: dict[str, tuple[Callable[[Sequence[Made]], bytes], str, bool]] = {
    "raw": (raw, "raw body", False),
    "raw_chunked": (raw_chunked, "raw body, chunked", False),
    "curl": (curl, "HTTP answer", False),
    "curl_followed": (curl_followed, "HTTP answer", False),
    "dd_test_agent": (dd_test_agent, "request and response", True),
    "response": (response, "response", True),
}
ALL = {**MANY, **ONE}
