"""Find the error that a server reports in an answer whose status is a success, and its details.

Servers report these errors in many forms. Each function here takes decoded JSON of any type, or
text.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ._models import Raw, dicts

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
# Characters that are searched for a title: a hostile body can make the search quadratic.
_TITLE_WITHIN = 4096

_MESSAGES = ("message", "error_message", "msg", "error_msg", "status_msg", "detail", "text")
_CODES = ("code", "error_code", "status_code")
_TYPES = ("type", "error_type")
# The keys under which an object has the object, the list or the text that describes the error.
_NESTED = ("error", "errors", "base_resp", "detail")
# Values of a code with which servers report a success.
_SUCCESS = (None, "", 0, 200, "0", "200", "ok", "success")
_LEVELS = 4  # of objects and lists around the description


class Details(NamedTuple):
    """The details of an error that a server reports."""

    message: str
    code: str | int | None = None
    type: str | None = None


def has_choices(raw: object) -> bool:
    """Tell whether this is an object with a list of choices: a chunk, or a whole completion."""
    return type(raw) is dict and type(raw.get("choices")) is list


def reported_error(raw: object) -> Details | None:
    """Return the error that a piece of an answer reports; None if it reports none.

    An object with a list of choices reports one only with ``error``, in itself or in a choice, or
    with the finish reason "error".
    """
    if type(raw) is list:  # Gemini
        is_error = any(each.get("error") for each in dicts(raw))
    elif type(raw) is not dict:
        return None
    elif type(raw.get("choices")) is list:
        return _error_in_choices(raw)
    else:
        is_error = bool(raw.get("error") or raw.get("errors") or raw.get("detail")) or any(
            [
                raw.get("error_message"),
                raw.get("error_type"),
                raw.get("object") == "error",
                raw.get("type") == "error",
                raw.get("success") is False,
                _is_failure(raw.get("error_code")),
                _is_failure(raw.get("code")) and ("msg" in raw or "message" in raw),
                _is_failure(_dict(raw.get("base_resp")).get("status_code")),
            ]
        )
    return error_details(raw) if is_error else None


def error_details(raw: object, text: str = "") -> Details:
    """Return the details of an error, from decoded JSON that reports one.

    Args:
        raw: The JSON.
        text: The message to use if the JSON has none.
    """
    details = _described(raw, _LEVELS) or Details("")
    return details if details.message else details._replace(message=text)


def error_in_text(text: str) -> Details:
    """Return the details of an error, from text that is not JSON: HTML, or plain text."""
    title = _TITLE.search(text[:_TITLE_WITHIN])
    return Details((title[1] if title else text).strip())


def _error_in_choices(raw: Raw) -> Details | None:
    if raw.get("error"):
        return error_details({"error": raw["error"]})
    for choice in dicts(raw["choices"]):
        if choice.get("error"):
            return error_details({"error": choice["error"]})
        if choice.get("finish_reason") == "error":
            return Details("the server ended a choice with the finish reason 'error'")
    return None


def _described(raw: object, levels: int) -> Details | None:
    """Return the description in JSON; None if there is no message, code or type in it."""
    if isinstance(raw, str):
        return Details(raw) if raw else None
    if not levels:
        return None
    if isinstance(raw, list):
        found = (_described(each, levels - 1) for each in raw)
        return next((details for details in found if details), None)
    if not isinstance(raw, dict):
        return None
    for key in _NESTED:
        if raw.get(key) and (inner := _described(raw[key], levels - 1)):
            return _completed(inner, raw)
    details = _completed(Details(""), raw)
    return None if details == Details("") else details


def _completed(inner: Details, raw: Raw) -> Details:
    """Return the details, completed from the object around them."""
    texts = (raw.get(key) for key in _MESSAGES)
    codes = (raw.get(key) for key in _CODES)
    types = (raw.get(key) for key in _TYPES)
    return Details(
        inner.message or _first(texts, str) or "",
        inner.code if inner.code is not None else _first(codes, (str, int)),
        inner.type or _first(types, str),
    )


def _first(values: Any, kinds: Any) -> Any:
    return next(
        (each for each in values if each and isinstance(each, kinds) and each is not True), None
    )


def _is_failure(code: object) -> bool:
    if isinstance(code, str):
        return code.lower() not in _SUCCESS
    return isinstance(code, (int, float)) and not isinstance(code, bool) and code not in _SUCCESS


def _dict(value: object) -> Raw:
    return value if isinstance(value, dict) else {}
