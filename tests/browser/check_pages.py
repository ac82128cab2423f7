"""Open the built pages in Chromium, and use the playground as a reader would.

    sphinx-build -b html docs OUT
    python docs/make_playground.py OUT --pyodide node_modules/pyodide
    python tests/browser/check_pages.py OUT [--screenshots FOLDER]

It checks that no page is wider than the window, on a desktop and on a phone, and that the
playground shows the results of this Python's own sseparse for the same bytes and cuts. Everything
comes from a server on this machine; a page that asks another one fails. The program needs Chromium,
such as Debian's package ``chromium``, on a POSIX system.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromium import Chromium

from sseparse import Observer, Parser

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
DESKTOP = 1300
PHONE = 390
# Text that would run, or ask for another address, if a page took it as HTML.
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title = 1</script>'
# What the page shows, in the order of the stream: an event, or an item, and its range.
SHOWN_EVENTS = """[...document.querySelectorAll("#pg-chunks tbody tr")].flatMap((row) =>
    [...row.cells[1].querySelectorAll(".pg-event")].map((event) => [
        row.cells[0].textContent,
        event.querySelector(".pg-label").textContent,
        event.querySelector(".pg-text").textContent,
    ]))"""
SHOWN_ITEMS = """[...document.querySelectorAll("#pg-items tbody tr")].map((row) =>
    [...row.cells].slice(0, 4).map((cell) => cell.textContent))"""
BYTES = """[...document.querySelectorAll(".pg-byte")].map((cell) =>
    parseInt(cell.title.split("0x")[1], 16))"""
CUTS = """[...document.querySelectorAll(".pg-cut")].map((cut) =>
    Number(cut.getAttribute("aria-valuenow")))"""
WIDE = """[...document.querySelectorAll("body *")].filter((each) =>
    each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 5).map((each) => each.outerHTML.slice(0, 120))"""


class Server(ThreadingHTTPServer):
    """Serve the pages. ``damaged`` is the end of a path to whose file it adds a byte."""

    damaged = "none"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing if the browser left the page, and so closed its connections."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(SimpleHTTPRequestHandler):
    """Answer without printing anything."""

    server: Server

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer; no page names an icon, so browsers ask for the usual one."""
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        elif self.path.endswith(self.server.damaged):
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(self.path))
            self.end_headers()
            self.wfile.write(Path(self.translate_path(self.path)).read_bytes() + b"\n")
        else:
            super().do_GET()


def shown(data: str) -> str:
    """Return the text as the page shows it; an empty one is shown as a word."""
    return data or "empty"


class Playground:
    """The page, and what must be on it."""

    def __init__(self, browser: Chromium) -> None:
        self.browser = browser

    def bytes(self) -> bytes:
        return bytes(self.browser.run(BYTES))

    def cuts(self) -> list[int]:
        found: list[int] = self.browser.run(CUTS)
        return found

    def settle(self) -> None:
        """Wait for the frame in which the results are drawn."""
        self.browser.run(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def check(self, what: str) -> None:
        """Compare what is shown with what this Python's sseparse returns."""
        self.settle()
        stream, cuts = self.bytes(), self.cuts()
        parser, observer = Parser(), Observer()
        events, items = [], []
        for start, end in pairwise([0, *cuts, len(stream)]):
            returned = observer.feed(stream[start:end])
            blocks = [item for item in returned if item.to_event()]
            for event, block in zip(parser.feed(stream[start:end]), blocks, strict=True):
                id_ = f" · id {event.last_event_id}" if event.last_event_id else ""
                place = f"[{block.block_start}, {block.end})"
                label = f"{event.type}{id_} · {place}"
                events.append([f"[{start}, {end})", label, shown(event.data)])
            for item in returned:
                text = ""
                if item.kind == "field":
                    text = f"{item.name}{item.separator}{item.value}".replace("\0", "NUL")
                elif item.kind == "comment":
                    text = shown(f"{item.separator}{item.value}")
                terminator = {"\r": "CR", "\n": "LF", "": ""}[item.terminator]
                items.append([f"[{item.start}, {item.end})", item.kind, text, terminator])
        assert self.browser.run(SHOWN_EVENTS) == events, what
        assert self.browser.run(SHOWN_ITEMS) == items, what
        pending = parser.close()
        end = self.browser.run('document.querySelector("#pg-end").textContent')
        assert ("nothing: the stream ends where" in end) == (pending is None), what
        assert f"parser.last_event_id{shown(parser.last_event_id)}" in end, what
        retry = "None" if parser.retry is None else f"{parser.retry} ms"
        assert f"parser.retry{retry}" in end, what

    def choose(self, selector: str, value: str | int) -> None:
        self.browser.run(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)});"
            f"found.value = {json.dumps(str(value))};"
            'for (const kind of ["input", "change"])'
            "found.dispatchEvent(new Event(kind, { bubbles: true })); })()"
        )

    def click(self, selector: str) -> None:
        self.browser.run(f"document.querySelector({json.dumps(selector)}).click()")

    def middle(self, selector: str, index: int = 0) -> tuple[float, float]:
        """Return the middle of an element, after scrolling to it."""
        x, y = self.browser.run(
            f"(() => {{ const found = document.querySelectorAll({json.dumps(selector)})[{index}];"
            'found.scrollIntoView({ block: "center", behavior: "instant" });'
            "const box = found.getBoundingClientRect();"
            "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        return x, y

    def drag(self, index: int, offset: int, *, with_finger: bool) -> None:
        """Drag the cut with that number to before the byte at that offset."""
        self.middle(".pg-cut", index)
        box = f'document.querySelectorAll(".pg-byte")[{offset}].getBoundingClientRect()'
        to_x = self.browser.run(f"{box}.left") + 1
        to_y = self.browser.run(f"{box}.top + {box}.height / 2")
        x, y = self.middle(".pg-cut", index)
        steps = [(x + (to_x - x) * part / 4, y + (to_y - y) * part / 4) for part in (1, 2, 3, 4)]
        if with_finger:
            self.browser.touch("touchStart", (x, y))
            for step in steps:
                self.browser.touch("touchMove", step)
            self.browser.touch("touchEnd")
        else:
            self.browser.mouse("mousePressed", x, y)
            for step in steps:
                self.browser.mouse("mouseMoved", *step)
            self.browser.mouse("mouseReleased", *steps[-1])


def check_width(browser: Chromium, page: str, width: int) -> None:
    """Fail if the page can be scrolled sideways."""
    needed = browser.run("document.documentElement.scrollWidth")
    assert needed <= width, f"{page} is {needed} wide at {width}: {browser.run(WIDE)}"


def check_playground(browser: Chromium, address: str, save: Callable[[str], None]) -> None:
    """Use the page with mouse, touch and keyboard, and compare the results each time."""
    page = Playground(browser)
    browser.open(address)
    browser.wait_for('!document.querySelector("#pg-results").hidden')
    picks = browser.run('document.querySelectorAll("#pg-pick option").length') - 1
    assert picks >= 7
    for pick in range(picks):
        page.choose("#pg-pick", pick)
        name = browser.run(f'document.querySelectorAll("#pg-pick option")[{pick}].textContent')
        page.check(f"{name}, as it comes")
        save(f"pick-{pick}")
        for size in (1, 7):
            page.choose("#pg-every", size)
            page.check(f"{name}, every {size}")
        page.click("#pg-random")
        page.check(f"{name}, at random")
        page.click("#pg-blocks")
        page.check(f"{name}, one block a chunk")
        page.click("#pg-whole")
        page.check(f"{name}, one chunk")
        assert page.cuts() == []

    for width, with_finger in ((DESKTOP, False), (PHONE, True)):
        browser.size(width, 900, phone=with_finger)
        page.choose("#pg-pick", 4)
        before = page.cuts()
        offset = before[0] + 9
        page.drag(0, offset, with_finger=with_finger)
        assert page.cuts() == [offset, *before[1:]], (with_finger, page.cuts())
        page.check("after dragging")
        # A cut does not pass its neighbour.
        page.drag(0, before[1] + 5, with_finger=with_finger)
        assert page.cuts() == [before[1] - 1, *before[1:]], (with_finger, page.cuts())
        page.check("dragged to its neighbour")
    browser.size(DESKTOP, 900)

    page.click("#pg-whole")
    page.click("#pg-add")
    (middle,) = page.cuts()
    assert middle == len(page.bytes()) // 2
    for key, moved in (("ArrowRight", 1), ("ArrowLeft", 0), ("PageUp", 16), ("ArrowDown", 15)):
        browser.press(key)
        assert page.cuts() == [middle + moved], key
    browser.press("Home")
    assert page.cuts() == [1]
    browser.press("End")
    assert page.cuts() == [len(page.bytes()) - 1]
    page.check("moved by keys")
    browser.press("Delete")
    assert page.cuts() == []
    x, y = page.middle(".pg-byte", 12)
    browser.mouse("mousePressed", x - 2, y)
    browser.mouse("mouseReleased", x - 2, y)
    assert page.cuts() == [12]

    page.choose("#pg-text", f"event: {HOSTILE}\nid: {HOSTILE}\ndata: {HOSTILE}\n\n: {HOSTILE}\n")
    for line_end in ("CRLF", "CR", "LF"):
        page.choose("#pg-line-end", line_end)
        page.click("#pg-bom")
        page.check(f"hostile text, {line_end}")
    title = browser.run("document.title")
    assert title != "1"
    assert browser.run('document.querySelectorAll("#pg-page img, #pg-page script").length') == 0
    page.choose("#pg-text", "data: a\n\n" * 2000)
    page.settle()
    assert len(page.bytes()) == 4096
    status = browser.run('document.querySelector("#pg-status").textContent')
    assert "left out" in status, status


def check_digests(browser: Chromium, address: str, server: Server) -> None:
    """Damage each file of Pyodide: the page must not run it, and must not wait forever."""
    browser.call("Network.setCacheDisabled", cacheDisabled=True)
    pinned = json.loads((DOCS / "pyodide.json").read_text(encoding="utf-8"))
    for name in pinned["files"]:
        server.damaged = f"/pyodide/{name}"
        browser.open(address)
        status = 'document.querySelector("#pg-status").textContent'
        browser.wait_for(f'!{status}.includes("is loading")')
        assert "could not be loaded" in browser.run(status), name
        assert any(name in fault for fault in browser.faults), name
        browser.faults.clear()


def main() -> None:
    """Run all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), partial(Handler, directory=str(options.out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}/"
    found = sorted(page.relative_to(options.out) for page in options.out.rglob("*.html"))
    pages = [page.as_posix() for page in found if page.parts[0][0] != "_"]
    assert "playground.html" in pages, f"{options.out} has no pages"

    def save(browser: Chromium, name: str) -> None:
        if options.screenshots:
            options.screenshots.mkdir(parents=True, exist_ok=True)
            browser.screenshot(options.screenshots / f"{name}.png", whole=True)

    with Chromium(origin) as browser:
        for width in (DESKTOP, PHONE):
            browser.size(width, 900, phone=width == PHONE)
            for page in pages:
                browser.open(origin + page)
                check_width(browser, page, width)
                save(browser, f"{width}-{page.replace('/', '-')}")
        print(f"{len(pages)} pages are no wider than {DESKTOP} and {PHONE}")
        for width, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
            browser.size(width, 900, phone=width == PHONE)
            browser.colours(scheme)
            check_playground(
                browser,
                f"{origin}playground.html",
                lambda name, width=width, scheme=scheme: save(  # type: ignore[misc]
                    browser, f"playground-{width}-{scheme}-{name}"
                ),
            )
            browser.size(width, 900, phone=width == PHONE)
            check_width(browser, "playground.html", width)
        print("the playground shows what sseparse returns here")
        assert browser.faults == [], browser.faults
        check_digests(browser, f"{origin}playground.html", server)
        print("the playground runs no file of Pyodide that was changed")
        assert browser.strangers == [], browser.strangers
    server.shutdown()


if __name__ == "__main__":
    main()
