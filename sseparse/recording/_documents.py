"""A table of the forms that are one JSON or YAML document, with the place of each field.

The place of a field is a path: the keys from the exchange to the field, with dots between them. If
the versions of a form differ, a field has several paths. The first path that leads to a value
counts. To add a form, add an entry to FORMS; ``docs/recordings.rst`` describes how.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ._recording import Exchange, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORMS", "Form", "exchange_of", "exchanges", "field", "form_of"]


class Form(NamedTuple):
    """A form, with the paths to its fields.

    Attributes:
        name: The name of the form.
        each: The path from the document to the list of exchanges. "" if the document itself is one
            exchange, or the list.
        needs: Paths; an exchange of this form has a value at one of them, or at several.
        body: The paths to the body of the answer.
        url: The paths to the URL of the request. The values of two paths with "+" between them are
            joined.
        method: The paths to the method of the request.
        status: The paths to the status of the answer: a number, or a text like "200 OK" or
            "HTTP/1.1 200 OK".
        headers: The paths to the headers of the answer: a mapping, pairs, or objects with name and
            value.
        started: The paths to the time at which the request began.
        encoding: The path to the encoding of the body, which may be "base64"; "" for none.
        charset: The path to the character encoding of the body; "" for none.
        is_general: Whether documents that are no recordings may have these fields, too. A document
            has this form only if it contains an event stream.
    """

    name: str
    each: str
    needs: tuple[str, ...]
    body: tuple[str, ...]
    url: tuple[str, ...] = ()
    method: tuple[str, ...] = ("request.method",)
    status: tuple[str, ...] = ("response.status.code", "response.status_code", "response.status")
    headers: tuple[str, ...] = ("response.headers",)
    started: tuple[str, ...] = ()
    encoding: str = ""
    charset: str = ""
    is_general: bool = False


# A document has the first of these forms for which it contains the list of exchanges, and for which
# an exchange has a value at one of the paths in ``needs``.
FORMS = (
    Form(
        "HAR",
        each="log.entries",
        needs=("response", "request"),
        body=("response.content.text",),
        url=("request.url",),
        status=("response.status",),
        started=("startedDateTime",),
        encoding="response.content.encoding",
    ),
    # Ruby's VCR. betamax writes the same fields as JSON.
    Form(
        "Ruby VCR",
        each="http_interactions",
        needs=("response", "request"),
        body=("response.body.string", "response.body.base64_string", "response.body"),
        url=("request.uri", "request.url"),
        started=("recorded_at",),
        charset="response.body.encoding",
    ),
    # go-vcr has "url" where VCR.py has "uri".
    Form(
        "go-vcr",
        each="interactions",
        needs=("request.url",),
        body=("response.body",),
        url=("request.url",),
        status=("response.code", "response.status"),
    ),
    # For httpx, older versions of VCR.py write the body as "content". Other serializers write a
    # JSON body as "parsed_body".
    Form(
        "VCR.py",
        each="interactions",
        needs=("response", "request"),
        body=(
            "response.body.string",
            "response.body.base64_string",
            "response.content",
            "response.body",
        ),
        url=("request.uri",),
        started=("recorded_at",),
    ),
    Form(
        "Azure test proxy",
        each="Entries",
        needs=("ResponseBody", "RequestUri"),
        body=("ResponseBody",),
        url=("RequestUri",),
        method=("RequestMethod",),
        status=("StatusCode",),
        headers=("ResponseHeaders",),
    ),
    Form(
        "httpmock",
        each="",
        needs=("then",),
        body=("then.body", "then.body_base64"),
        url=("when.host+when.path", "when.path", "when.url"),
        method=("when.method",),
        status=("then.status",),
        headers=("then.header", "then.headers"),
    ),
    Form(
        "nock",
        each="",
        needs=("scope",),
        body=("response",),
        url=("scope+path",),
        method=("method",),
        status=("status",),
        headers=("headers", "rawHeaders", "responseHeaders"),
    ),
    # http-snapshot, ddapm-test-agent, and all other programs that keep a request and a response.
    Form(
        "request and response",
        each="",
        needs=("response",),
        body=(
            "response.body",
            "response.content",
            "response.text",
            "response.body_base64",
            "response",
        ),
        url=("request.url", "request.uri", "url"),
        started=("recorded_at", "request.started", "timestamp"),
        encoding="response.encoding",
        is_general=True,
    ),
    Form(
        "response",
        each="",
        needs=("body", "content", "text", "data", "body_base64"),
        body=("body", "content", "text", "data", "body_base64"),
        url=("url", "request_url"),
        method=("method",),
        status=("status.code", "status", "status_code", "statusCode", "code"),
        headers=("headers", "rawHeaders"),
        encoding="encoding",
        is_general=True,
    ),
)

_MISSING: Any = object()
_LOOKED_AT = 100  # exchanges in which the paths of ``needs`` are tried
_STATUS = re.compile(r"\s*(?:HTTP/\S+\s+)?([1-9][0-9]{2})(?![0-9])", re.ASCII)
_CREATOR = re.compile(r"[\w .+-]{1,40}")
# Headers beyond these limits are left out: YAML aliases can stand for any number of headers.
_MAX_HEADERS = 2000
_MAX_HEADER_SIZE = 1 << 18  # characters of all headers together


def form_of(document: Any) -> Form | None:
    """Return the form of a document; None if no form is recognised."""
    for form in FORMS:
        found = exchanges(document, form)
        if found is None:
            continue
        if (form.each and not found) or any(
            field(each, path) not in (_MISSING, None)
            for each in found[:_LOOKED_AT]
            for path in form.needs
        ):
            return form
    return None


def name_of(form: Form, document: Any) -> str:
    """Return the name of a form; for a HAR, with the name of the program that it contains."""
    creator = field(document, "log.creator.name") if form.name == "HAR" else None
    if isinstance(creator, str) and (match := _CREATOR.match(creator)):
        return f"HAR ({match[0].strip()})"
    return form.name


def exchanges(document: Any, form: Form) -> list[Any] | None:
    """Return the list of exchanges in a document; None if the document has no such list."""
    if form.each:
        found = field(document, form.each)
        if isinstance(found, dict):  # one exchange, or a mapping of names to exchanges
            found = [found] if "response" in found else list(found.values())
        return found if isinstance(found, list) else None
    if isinstance(document, dict):
        return [document]
    return document if isinstance(document, list) and document else None


def field(value: Any, path: str) -> Any:
    """Return the value at a path; ``_MISSING`` if there is none."""
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = value[key]
    return value


def first(value: Any, paths: tuple[str, ...]) -> Any:
    """Return the first value that is found at one of the paths; None if there is none."""
    for path in paths:
        if "+" in path:
            parts = [scalar_text(field(value, each)) for each in path.split("+")]
            if None not in parts:
                return "".join(part for part in parts if part)
            continue
        found = field(value, path)
        if found is not _MISSING and found is not None:
            return found
    return None


def bodies(exchange: Any, form: Form) -> Iterator[Any]:
    """Yield the value at each path that the form has for the body."""
    for path in form.body:
        found = field(exchange, path)
        if found is not _MISSING and found is not None:
            yield found


def exchange_of(value: Any, form: Form) -> Exchange:
    """Return the fields of an exchange."""
    method = scalar_text(first(value, form.method))
    return Exchange(
        scalar_text(first(value, form.url)),
        method.upper() if method else None,  # Ruby's symbols are in lower case
        _status(first(value, form.status)),
        lambda: pairs_of(first(value, form.headers)),
        scalar_text(first(value, form.started)) if form.started else None,
    )


def _status(value: Any) -> int | None:
    text = scalar_text(value)
    match = _STATUS.match(text) if text else None
    return int(match[1]) if match else None


def pairs_of(value: Any) -> list[tuple[str, str]]:
    """Return headers as pairs of name and value.

    The value may have any of the forms that documents use. It may also be a function that returns
    it: headers in YAML that were skipped are parsed only here.
    """
    if callable(value):
        value = value()
    pairs: list[tuple[str, str]] = []
    size = 0
    for name, values in _named(value):
        for each in values if isinstance(values, list) else [values]:
            text = scalar_text(each)
            if name is None or text is None:
                continue
            size += len(name) + len(text)
            if len(pairs) == _MAX_HEADERS or size > _MAX_HEADER_SIZE:
                return pairs
            pairs.append((name, text))
    return pairs


def _named(value: Any) -> Iterator[tuple[str | None, Any]]:
    """Yield each name with its value, or with a list of its values."""
    value = _mapping_or_list(value)
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list) and all(isinstance(each, (str, bytes)) for each in value):
        yield from _in_turn([scalar_text(each) or "" for each in value])
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                name = each.get("name", each.get("key"))
                yield scalar_text(name), each.get("value", each.get("values"))
            elif isinstance(each, list) and len(each) == 2:
                yield scalar_text(each[0]), each[1]


def _mapping_or_list(value: Any) -> Any:
    """Return the mapping or list of headers inside the object that a serializer wrote."""
    for _ in range(3):  # a limit, because a list may contain itself through a YAML alias
        if isinstance(value, dict):
            inner = [value[key] for key in ("dictitems", "state", "_store") if key in value]
            if inner and isinstance(inner[0], dict):
                value = inner[0]
        elif _is_list(value) and len(value) == 1 and _is_list(value[0]) and _is_list(value[0][0]):
            value = value[0]  # the only argument of the class of the headers
    return value


def _is_list(value: Any) -> bool:
    """Tell whether a value is a list that is not empty."""
    return isinstance(value, list) and bool(value)


def _in_turn(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs from lines with a colon, or from a list of name, value, name, value."""
    if all(":" in text for text in texts):
        for text in texts:
            name, _, value = text.partition(":")
            yield name.strip(), value.strip()
    else:
        yield from zip(texts[::2], texts[1::2], strict=False)
