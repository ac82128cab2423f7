"""Read broken answers with two clients: ``python -m benchmarks.broken``.

A server on loopback sends each answer of ``ANSWERS`` with the status 200. The official client, of
the package openai, and the client of this package read it as a careful program does: the text of
all chunks, and the exception at the end. A client is right if it raises for a broken answer, and
returns the whole text of an answer that is whole. The command prints the table as Markdown;
README.md shows it.

For the official client, the text is the joined contents and refusals of the chunks, because a
stream of ``create`` has no other way. For this client, it is the text that ``collect`` returns.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from sseparse.completions import Client, ExchangeError

if TYPE_CHECKING:
    from collections.abc import Iterator

SSE = "text/event-stream"
DONE = b"data: [DONE]\n\n"
QUESTION: list[Any] = [{"role": "user", "content": "Say hello."}]


class Answer(NamedTuple):
    """A body, and the right result for it."""

    what: str  # for the table
    body: bytes
    text: str | None  # None if it is broken
    kind: str = SSE
    is_cut: bool = False  # the connection ends before the body does


class Seen(NamedTuple):
    """The result of a program that reads an answer."""

    text: str
    error: str  # the type of the exception; "" without one


def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return b"data: " + json.dumps({"id": "1", "choices": [choice]}).encode() + b"\n\n"


def data(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


HEL = event({"content": "Hel"})
LO = event({"content": "lo"})
STOP = event({}, "stop") + DONE
CALL = {"index": 0, "id": "a", "function": {"name": "pay", "arguments": '{"to": "Ann", "sum": 1'}}

ANSWERS = (
    Answer("cut in the middle, with a proper end of the body", HEL, None),
    Answer("cut in the middle by a lost connection", HEL, None, is_cut=True),
    Answer("a tool call, cut in its arguments", event({"tool_calls": [CALL]}), None),
    Answer("`[DONE]` and nothing else", DONE, None),
    Answer("an empty body", b"", None),
    Answer("a page of HTML", b"<html>Sign in</html>", None, "text/html"),
    Answer(
        '`{"error": …}` as the whole body', b'{"error": "overloaded"}', None, "application/json"
    ),
    Answer('`data: {"error": {"message": …}}`', HEL + data({"error": {"message": "full"}}), None),
    Answer('`data: {"detail": …}`', HEL + data({"detail": "out of memory"}), None),
    Answer('`data: {"code": 500, "msg": …}`', HEL + data({"code": 500, "msg": "x"}), None),
    Answer("`event: error`, with text as its data", b"event: error\ndata: full\n\n", None),
    Answer("a line `error: …`", HEL + b'error: {"message": "full"}\n\n', None),
    Answer(
        'finish reason "error" in the choice',
        HEL + event({}, "error", error={"message": "upstream died"}) + DONE,
        None,
    ),
    Answer("a refusal", event({"refusal": "I won't."}) + STOP, "I won't."),
    Answer("no finish reason, but `[DONE]`", HEL + LO + DONE, "Hello"),
    Answer("a byte order mark first", b"\xef\xbb\xbf" + HEL + LO + STOP, "Hello"),
    Answer("line ends CRLF", (HEL + LO + STOP).replace(b"\n", b"\r\n"), "Hello"),
    Answer("line ends CR", (HEL + LO + STOP).replace(b"\n", b"\r"), "Hello"),
    Answer("`retry: 3000` in a block of its own", b"retry: 3000\n\n" + HEL + LO + STOP, "Hello"),
    Answer("an empty `data:` to keep the connection", b"data:\n\n" + HEL + LO + STOP, "Hello"),
    Answer(
        "a byte that is no UTF-8",
        HEL.replace(b"Hel", b"H\xff") + LO + STOP,
        "H\N{REPLACEMENT CHARACTER}lo",
    ),
    Answer(
        "an emoji cut between two chunks",
        event({"content": "Hi \ud83d"}) + event({"content": "\ude00"}) + STOP,
        "Hi \N{GRINNING FACE}",
    ),
    Answer(
        "the content as a list of parts",
        event({"content": [{"type": "text", "text": "Hello"}]}) + STOP,
        "Hello",
    ),
)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Answer each request with the answer whose number is the model; yield the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError), connection.makefile("rb") as file:
                    connection.settimeout(20)
                    respond(connection, ANSWERS[int(request(file)["model"])])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        listener.close()
        thread.join()


def request(file: Any) -> Any:
    """Return the JSON of a request's body."""
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(file.read(length))


def respond(connection: socket.socket, answer: Answer) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.kind}\r\nTransfer-Encoding: chunked\r\n"
    sent = f"{head}Connection: close\r\n\r\n".encode()
    if answer.body:
        sent += b"%x\r\n%b\r\n" % (len(answer.body), answer.body)
    connection.sendall(sent if answer.is_cut else sent + b"0\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def read(chunks: Any, errors: tuple[type[Exception], ...]) -> Seen:
    """Read a stream as a careful program does."""
    pieces: list[Any] = []
    try:
        for chunk in chunks:
            if chunk.choices:
                delta = chunk.choices[0].delta
                pieces += [piece for piece in (delta.content, delta.refusal) if piece]
    except errors as error:
        return Seen("".join(map(str, pieces)), type(error).__name__)
    try:
        return Seen("".join(pieces), "")
    except TypeError as error:  # a content that is no text
        return Seen("", type(error).__name__)


def official(url: str, number: int) -> Seen:
    import openai

    with openai.OpenAI(
        base_url=url,
        api_key="none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as client:
        stream = client.chat.completions.create(model=str(number), messages=QUESTION, stream=True)
        # Also exceptions of httpx and json, which it does not wrap.
        return read(stream, (Exception,))


def ours(url: str, number: int) -> Seen:
    with Client(base_url=url, api_key="none", max_retries=0, proxy="") as client:
        try:
            stream = client.chat.completions.create(
                model=str(number), messages=QUESTION, stream=True
            )
        except ExchangeError as error:
            return Seen("", type(error).__name__)
        seen = read(stream, (ExchangeError,))
        if not seen.error:
            message = stream.collect().choices[0].message
            return Seen((message.content or "") + (message.refusal or ""), "")
        return seen


def is_right(answer: Answer, seen: Seen) -> bool:
    if answer.text is None:
        return seen.error != ""
    return seen == (answer.text, "")


def cell(answer: Answer, seen: Seen) -> str:
    mark = "✓" if is_right(answer, seen) else "✗"
    text = seen.text.encode("utf-8", "backslashreplace").decode()  # a half of a character
    if not seen.error:
        return f"{mark} “{text}”, no error"
    return f"{mark} {seen.error}" + (f" after “{text}”" if text else "")


def table() -> str:
    """Run both clients, and return the table as Markdown."""
    version = importlib.metadata.version("openai")
    lines, right = [], [0, 0]
    with serving() as url:
        for number, answer in enumerate(ANSWERS):
            both = official(url, number), ours(url, number)
            for index, seen in enumerate(both):
                right[index] += is_right(answer, seen)
            wanted = "an error" if answer.text is None else f"“{answer.text}”"
            cells = [answer.what, wanted, *(cell(answer, seen) for seen in both)]
            lines.append(f"| {' | '.join(cells)} |")
    count = len(ANSWERS)
    head = [
        f"| The server sends, with status 200 | right | openai {version} | sseparse |",
        "|---|---|---|---|",
        *lines,
        f"| **right** | | **{right[0]} of {count}** | **{right[1]} of {count}** |",
    ]
    return "\n".join(head) + "\n"


def main() -> int:
    """Print the table."""
    try:
        importlib.metadata.version("openai")
    except importlib.metadata.PackageNotFoundError:
        print(
            "python -m benchmarks.broken needs openai: pip install 'sseparse[peers]'",
            file=sys.stderr,
        )
        return 2
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(table(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
